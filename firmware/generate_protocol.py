"""Renders the C header and the Python module of the board protocol from protocol.toml.

python firmware/generate_protocol.py           # writes both
python firmware/generate_protocol.py --check   # exit 1 when a committed file differs
"""

import sys
import tomllib
from pathlib import Path
from typing import Any

FIRMWARE = Path(__file__).resolve().parent
HEADER = FIRMWARE / "src" / "protocol" / "messages.h"
MODULE = FIRMWARE.parent / "host" / "boardproof_host" / "protocol" / "messages.py"
BANNER = "Rendered by firmware/generate_protocol.py from firmware/protocol.toml; edit that."

Field = dict[str, str]

C_TYPES = {"u8": "uint8_t", "u16": "uint16_t", "u32": "uint32_t", "i32": "int32_t", "f32": "float"}
STRUCT_CODES = {"u8": "B", "u16": "H", "u32": "I", "i32": "i", "f32": "f"}
PYTHON_TYPES = {"u8": "int", "u16": "int", "u32": "int", "i32": "int", "f32": "float"}


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def _fixed_bytes(kind: str) -> int:
    return int(kind.split(":")[1])


# --- C


def _c_member(field: Field) -> str:
    kind, name, doc = field["type"], field["name"], field["doc"]
    if kind in C_TYPES:
        return f"  {C_TYPES[kind]} {name}; /* {doc} */"
    if kind == "text":
        return f"  const char *{name}; /* {doc} */"
    if kind.startswith("bytes:"):
        return f"  const uint8_t *{name}; /* {_fixed_bytes(kind)} bytes. {doc} */"
    return f"  const uint8_t *{name}; /* {doc} */\n  size_t {name}_length;"


def _c_write(name: str, message: dict[str, Any]) -> list[str]:
    lines = [
        f"/* Hands the payload of {name} to `put`, piece by piece. */",
        f"static inline void message_write_{name}(const message_{name}_t *m, message_put_t put, void *to) {{",
    ]
    for field in message["fields"]:
        kind, member = field["type"], f"m->{field['name']}"
        if kind in C_TYPES:
            lines.append(f"  message_put_{kind}(put, to, {member});")
        elif kind == "text":
            lines.append(f"  message_put_text(put, to, {member});")
        elif kind.startswith("bytes:"):
            lines.append(f"  put(to, {member}, {_fixed_bytes(kind)}u);")
        else:
            lines.append(f"  put(to, {member}, {member}_length);")
    if not message["fields"]:
        lines += ["  (void)m;", "  (void)put;", "  (void)to;"]
    return [*lines, "}", ""]


def _c_read(name: str, message: dict[str, Any]) -> list[str]:
    fields: list[Field] = message["fields"]
    has_rest = bool(fields) and fields[-1]["type"] == "rest"
    fixed = sum({"u8": 1, "u16": 2}.get(f["type"], 4) for f in fields if f["type"] in C_TYPES)
    test = f"length < {fixed}u" if has_rest else f"length != {fixed}u"
    lines = [
        f"/* Reads the payload of {name}; false when its length is wrong. Pointers reach into `p`. */",
        f"static inline bool message_read_{name}(const uint8_t *p, size_t length, message_{name}_t *m) {{",
    ]
    if fixed or not has_rest:
        lines.append(f"  if ({test}) return false;")
    offset = 0
    for field in fields:
        kind, member = field["type"], f"m->{field['name']}"
        if kind == "rest":
            lines += [f"  {member} = p + {offset};", f"  {member}_length = length - {offset}u;"]
        elif kind in ("u8", "u16", "u32"):
            lines.append(f"  {member} = message_get_{kind}(p + {offset});")
            offset += {"u8": 1, "u16": 2, "u32": 4}[kind]
        else:
            raise SystemExit(f"protocol.toml: a request's field of type {kind} is not supported ({name})")
    if not fields:
        lines += ["  (void)p;", "  (void)m;"]
    return [*lines, "  return true;", "}", ""]


C_HELPERS = """\
/* Takes the next `length` bytes of a payload. */
typedef void (*message_put_t)(void *to, const uint8_t *bytes, size_t length);

static inline void message_put_u8(message_put_t put, void *to, uint8_t value) { put(to, &value, 1u); }

static inline void message_put_u16(message_put_t put, void *to, uint16_t value) {
  const uint8_t bytes[2] = {(uint8_t)(value & 0xffu), (uint8_t)(value >> 8)};
  put(to, bytes, 2u);
}

static inline void message_put_u32(message_put_t put, void *to, uint32_t value) {
  const uint8_t bytes[4] = {(uint8_t)(value & 0xffu), (uint8_t)((value >> 8) & 0xffu),
                            (uint8_t)((value >> 16) & 0xffu), (uint8_t)(value >> 24)};
  put(to, bytes, 4u);
}

static inline void message_put_i32(message_put_t put, void *to, int32_t value) {
  message_put_u32(put, to, (uint32_t)value);
}

static inline void message_put_f32(message_put_t put, void *to, float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  message_put_u32(put, to, bits);
}

/* Texts longer than PROTOCOL_TEXT_MAX are cut there. */
static inline void message_put_text(message_put_t put, void *to, const char *text) {
  size_t length = strlen(text);
  if (length > PROTOCOL_TEXT_MAX) length = PROTOCOL_TEXT_MAX;
  message_put_u8(put, to, (uint8_t)length);
  put(to, (const uint8_t *)text, length);
}

static inline uint8_t message_get_u8(const uint8_t *p) { return p[0]; }

static inline uint16_t message_get_u16(const uint8_t *p) {
  return (uint16_t)((uint16_t)p[0] | (uint16_t)((uint16_t)p[1] << 8));
}

static inline uint32_t message_get_u32(const uint8_t *p) {
  return (uint32_t)p[0] | ((uint32_t)p[1] << 8) | ((uint32_t)p[2] << 16) | ((uint32_t)p[3] << 24);
}
"""


def render_header(protocol: dict[str, Any]) -> str:
    """Renders messages.h: constants, a struct a message, readers of requests, writers of answers."""
    lines = [
        f"/* {BANNER} */",
        "#ifndef BOARDPROOF_PROTOCOL_MESSAGES_H",
        "#define BOARDPROOF_PROTOCOL_MESSAGES_H",
        "",
        "#include <stdbool.h>",
        "#include <stddef.h>",
        "#include <stdint.h>",
        "#include <string.h>",
        "",
        f"#define PROTOCOL_VERSION {protocol['version']}u",
    ]
    for name, limit in protocol["limits"].items():
        lines += [f"/* {limit['doc']} */", f"#define PROTOCOL_{name.upper()} {limit['value']}u"]
    for enum, members in protocol["enums"].items():
        lines += ["", f"/* {members['doc']} */", "enum {"]
        for name, member in members.items():
            if name != "doc":
                lines.append(
                    f"  PROTOCOL_{enum.upper()}_{name.upper()} = {member['value']}, /* {member['doc']} */"
                )
        lines.append("};")
    lines += ["", "/* Message types. */", "enum {"]
    for name, message in protocol["messages"].items():
        lines.append(f"  MESSAGE_{name.upper()} = {message['type']:#04x}, /* {message['doc']} */")
    lines += ["};", "", C_HELPERS]
    for name, message in protocol["messages"].items():
        if message["fields"]:
            members = [_c_member(field) for field in message["fields"]]
        else:
            members = ["  uint8_t unused; /* C has no empty struct. */"]
        lines += [f"/* {message['doc']} */", "typedef struct {", *members, f"}} message_{name}_t;", ""]
        is_answer = message["type"] & 0x80
        lines += _c_write(name, message) if is_answer else _c_read(name, message)
    return "\n".join([*lines, "#endif", ""])


# --- Python


def _python_type(kind: str) -> str:
    return "str" if kind == "text" else PYTHON_TYPES.get(kind, "bytes")


def _python_pack(fields: list[Field]) -> list[str]:
    if not fields:
        return ['        return b""']
    parts: list[str] = []
    run: list[Field] = []

    def close() -> None:
        if run:
            codes = "".join(STRUCT_CODES[f["type"]] for f in run)
            values = ", ".join(f"self.{f['name']}" for f in run)
            parts.append(f'struct.pack("<{codes}", {values})')
            run.clear()

    for field in fields:
        kind, name = field["type"], field["name"]
        if kind in STRUCT_CODES:
            run.append(field)
            continue
        close()
        if kind == "text":
            parts.append(f"_text(self.{name})")
        elif kind == "rest":
            parts.append(f"self.{name}")
        else:
            parts.append(f"_exactly(self.{name}, {_fixed_bytes(kind)})")
    close()
    joined = "".join(f"                {part},\n" for part in parts)
    return [f'        return b"".join(\n            (\n{joined}            )\n        )']


def _python_unpack(fields: list[Field]) -> list[str]:
    lines = ["        reader = _Reader(payload)"]
    names = []
    for field in fields:
        kind, name = field["type"], field["name"]
        if kind in STRUCT_CODES:
            read = f'reader.{"real" if kind == "f32" else "integer"}("<{STRUCT_CODES[kind]}")'
        elif kind == "text":
            read = "reader.text()"
        elif kind == "rest":
            read = "reader.rest()"
        else:
            read = f"reader.take({_fixed_bytes(kind)})"
        lines.append(f"        {name} = {read}")
        names.append(f"{name}={name}")
    lines += ["        reader.close()", f"        return cls({', '.join(names)})"]
    return lines


PYTHON_HELPERS = '''

class MalformedPayloadError(ValueError):
    """A payload is shorter or longer than its message, or holds an invalid text."""


def _text(value: str) -> bytes:
    data = value.encode()
    if len(data) > TEXT_MAX:
        raise MalformedPayloadError(f"text of {len(data)} bytes, at most {TEXT_MAX}")
    return bytes([len(data)]) + data


def _exactly(value: bytes, length: int) -> bytes:
    if len(value) != length:
        raise MalformedPayloadError(f"{len(value)} bytes, expected {length}")
    return value


class _Reader:
    def __init__(self, payload: bytes) -> None:
        self._payload = payload
        self._offset = 0

    def take(self, length: int) -> bytes:
        end = self._offset + length
        if end > len(self._payload):
            raise MalformedPayloadError(f"payload of {len(self._payload)} bytes is too short")
        piece = self._payload[self._offset : end]
        self._offset = end
        return piece

    def integer(self, layout: str) -> int:
        value: int = struct.unpack(layout, self.take(struct.calcsize(layout)))[0]
        return value

    def real(self, layout: str) -> float:
        value: float = struct.unpack(layout, self.take(struct.calcsize(layout)))[0]
        return value

    def text(self) -> str:
        length = self.integer("<B")
        if length > TEXT_MAX:
            raise MalformedPayloadError(f"text of {length} bytes, at most {TEXT_MAX}")
        try:
            return self.take(length).decode()
        except UnicodeDecodeError as error:
            raise MalformedPayloadError("text is not UTF-8") from error

    def rest(self) -> bytes:
        return self.take(len(self._payload) - self._offset)

    def close(self) -> None:
        if self._offset != len(self._payload):
            raise MalformedPayloadError(f"{len(self._payload) - self._offset} bytes too many")
'''


def render_module(protocol: dict[str, Any]) -> str:
    """Renders messages.py: constants, enums, a dataclass a message with pack() and unpack()."""
    lines = [
        f'"""Messages of the board protocol. {BANNER}"""',
        "",
        "import struct",
        "from dataclasses import dataclass",
        "from enum import IntEnum, IntFlag",
        "from typing import ClassVar, Self",
        "",
        f"VERSION = {protocol['version']}",
    ]
    for name, limit in protocol["limits"].items():
        lines += [f"{name.upper()} = {limit['value']}  # {limit['doc']}"]
    for enum, members in protocol["enums"].items():
        base = "IntFlag" if enum == "feature" else "IntEnum"
        lines += ["", "", f"class {_camel(enum)}({base}):", f'    """{members["doc"]}"""', ""]
        for name, member in members.items():
            if name != "doc":
                lines.append(f"    {name.upper()} = {member['value']}  # {member['doc']}")
    lines.append(PYTHON_HELPERS)
    for name, message in protocol["messages"].items():
        lines += ["", "@dataclass(frozen=True, slots=True)", f"class {_camel(name)}:"]
        lines += [f'    """{message["doc"]}"""', "", f"    TYPE: ClassVar[int] = {message['type']:#04x}"]
        if message["type"] < 0x80:
            answer = message.get("answer", message["type"] | 0x80)
            lines.append(f"    ANSWER: ClassVar[int] = {answer:#04x}")
        for field in message["fields"]:
            lines.append(f"    {field['name']}: {_python_type(field['type'])}  # {field['doc']}")
        lines += ["", "    def pack(self) -> bytes:", '        """Returns the payload."""']
        lines += _python_pack(message["fields"])
        lines += ["", "    @classmethod", "    def unpack(cls, payload: bytes) -> Self:"]
        lines += ['        """Reads a payload; raises MalformedPayloadError."""']
        lines += [*_python_unpack(message["fields"]), ""]
    return "\n".join(lines)


def main() -> int:
    """Writes both files, or with --check compares them."""
    protocol = tomllib.loads((FIRMWARE / "protocol.toml").read_text(encoding="utf-8"))
    rendered = {HEADER: render_header(protocol), MODULE: render_module(protocol)}
    if "--check" in sys.argv[1:]:
        stale = [path.name for path, text in rendered.items() if path.read_text(encoding="utf-8") != text]
        if stale:
            print(f"stale: {', '.join(stale)}; run python firmware/generate_protocol.py", file=sys.stderr)
        return 1 if stale else 0
    for path, text in rendered.items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Renders the C header and the Python module of the board protocol from protocol.toml.

python firmware/generate_protocol.py           # writes both
python firmware/generate_protocol.py --check   # exit 1 when a committed file differs
"""

import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

FIRMWARE = Path(__file__).resolve().parent
HEADER = FIRMWARE / "src" / "protocol" / "messages.h"
MODULE = FIRMWARE.parent / "host" / "boardproof_host" / "protocol" / "messages.py"
BANNER = "Rendered by firmware/generate_protocol.py from firmware/protocol.toml; edit that."

Field = dict[str, str]

C_TYPES = {"u8": "uint8_t", "u16": "uint16_t", "u32": "uint32_t", "i32": "int32_t", "f32": "float"}
STRUCT_CODES = {"u8": "B", "u16": "H", "u32": "I", "i32": "i", "f32": "f"}
READ = ("u8", "u16", "u32")  # what C reads: the fields of requests
SIZES = {"u8": 1, "u16": 2, "u32": 4, "i32": 4, "f32": 4}


class DeclarationError(Exception):
    """protocol.toml declares what cannot be rendered."""


def camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def argument(kind: str) -> str:
    """What stands behind the colon of a field type."""
    return kind.split(":")[1]


def hexadecimal(value: int) -> str:
    return f"{value:#04x}"


def with_offsets(fields: list[Field]) -> Iterator[tuple[Field, int]]:
    """A request's fields, each with where it starts in the payload."""
    offset = 0
    for field in fields:
        yield field, offset
        if field["type"] != "rest":
            if field["type"] not in READ:
                raise DeclarationError(f"C does not read a field of type {field['type']} ({field['name']})")
            offset += SIZES[field["type"]]


def fixed_bytes(fields: list[Field]) -> int:
    """Bytes that every message has: all but a `rest`, and the contents of texts and lists beside their counts."""

    def size(kind: str) -> int:
        if kind.startswith("bytes:"):
            return int(argument(kind))
        return SIZES.get(kind, 0 if kind == "rest" else 1)

    return sum(size(field["type"]) for field in fields)


def python_type(field: Field) -> str:
    kind = field["type"]
    if kind.startswith("list:"):
        return f"tuple[{camel(argument(kind))}, ...]"
    known = {"text": "str", "u32s": "tuple[int, ...]", "f32": "float"}
    return known.get(kind, "int" if kind in STRUCT_CODES else "bytes")


def pack_parts(fields: list[Field]) -> Iterator[str]:
    """Python expressions of bytes; neighbours that `struct` can write are written at once."""
    run: list[Field] = []
    for field in [*fields, None]:
        if field is not None and field["type"] in STRUCT_CODES:
            run.append(field)
            continue
        if run:
            codes = "".join(STRUCT_CODES[member["type"]] for member in run)
            yield f'struct.pack("<{codes}", {", ".join("self." + member["name"] for member in run)})'
            run = []
        if field is not None:
            yield _pack_one(field["type"], f"self.{field['name']}")


def _pack_one(kind: str, value: str) -> str:
    if kind == "text":
        return f"_text({value})"
    if kind == "rest":
        return value
    if kind == "u32s":
        return f'_counted([struct.pack("<I", value) for value in {value}])'
    if kind.startswith("list:"):
        return f"_counted([record.pack() for record in {value}])"
    return f"_exactly({value}, {argument(kind)})"


def unpack_call(field: Field) -> str:
    kind = field["type"]
    if kind in STRUCT_CODES:
        return f'reader.{"real" if kind == "f32" else "integer"}("<{STRUCT_CODES[kind]}")'
    if kind in ("text", "rest"):
        return f"reader.{kind}()"
    if kind == "u32s":
        return 'reader.counted(lambda: reader.integer("<I"))'
    if kind.startswith("list:"):
        return f"reader.counted(lambda: {camel(argument(kind))}.read(reader))"
    return f"reader.take({argument(kind)})"


def render(protocol: dict[str, Any], template: str) -> str:
    """Renders one of the templates beside this script."""
    environment = Environment(
        loader=FileSystemLoader(FIRMWARE / "templates"), undefined=StrictUndefined, keep_trailing_newline=True
    )
    filters = (camel, argument, hexadecimal, with_offsets, fixed_bytes, python_type, pack_parts, unpack_call)
    environment.filters |= {function.__name__: function for function in filters}
    return environment.get_template(template).render(protocol | {"banner": BANNER, "c_types": C_TYPES})


def main() -> int:
    """Writes both files, or with --check compares them."""
    protocol = tomllib.loads((FIRMWARE / "protocol.toml").read_text(encoding="utf-8"))
    rendered = {HEADER: render(protocol, "messages.h.j2"), MODULE: render(protocol, "messages.py.j2")}
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

"""What the build scripts share: which model and kernels a build takes, its identity, and its record.

Pure functions of files and values: nothing here knows SCons or PlatformIO.
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

BUILD_ID_BYTES = 8
SOURCE_SUFFIXES = {".c", ".h", ".cc", ".cpp", ".S", ".ld", ".ino"}
HEADER_NAME = "boardproof_build.h"
RECORD_NAME = "build.json"
SCHEMA = "boardproof.build/2"
PT_LOAD = 1
RENAMED = (  # what stands in an older platformio.ini or board definition would be passed over, and another kernel taken
    "custom_pack, or its board build.pack: they are custom_kernels and build.kernels now",
    "rename it in platformio.ini or in the board definition",
)
SMALLER = "take a board with more memory (boardproof targets), or a smaller model or input"


def files_below(folders: Iterable[Path]) -> list[Path]:
    """All source files below some folders, in a fixed order."""
    return sorted(
        path
        for folder in folders
        for path in folder.rglob("*")
        if path.suffix in SOURCE_SUFFIXES and path.is_file()
    )


def build_id(root: Path, sources: Sequence[Path], configuration: Mapping[str, Any]) -> bytes:
    """First 8 bytes of the SHA-256 over sources (names below `root` and contents) and configuration.

    The same checkout gives the same id on every machine: `configuration` must hold no absolute path.
    """
    digest = hashlib.sha256(json.dumps(configuration, sort_keys=True).encode())
    for path in sources:
        content = path.read_bytes()
        name = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
        digest.update(f"\n{name} {len(content)}\n".encode())
        digest.update(content)
    return digest.digest()[:BUILD_ID_BYTES]


def header(target: str, core: str, identity: bytes) -> str:
    """The text of boardproof_build.h."""
    octets = ", ".join(f"0x{octet:02x}" for octet in identity)
    return (
        "/* Who this firmware is. Written by the build; do not edit. */\n"
        f"#define BOARDPROOF_TARGET {json.dumps(target)}\n"
        f"#define BOARDPROOF_CORE {json.dumps(core)}\n"
        f"#define BOARDPROOF_BUILD_ID_BYTES {{{octets}}}\n"
    )


def identity_of(text: str) -> str:
    """The build id that a boardproof_build.h holds, in lower-case hex."""
    return "".join(re.findall(r"0x([0-9a-f]{2})", text.partition("BOARDPROOF_BUILD_ID_BYTES")[2]))


def write_if_changed(path: Path, text: str) -> None:
    """Writes a file unless it holds just that: an untouched file is not compiled again."""
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def shortage(manifest: Mapping[str, Any], ram: int | None, flash: int | None) -> str | None:
    """What the model alone lacks on a board, as a clause; None where it may fit, which the linker knows.

    Args:
        manifest: of the rendered model.
        ram, flash: the board's, in bytes; None where its definition does not say.
    """
    constants = manifest.get("constants_bytes") or manifest["bytes"]
    tensors = manifest.get("arena_bytes") or 0
    for need, has, what in (
        (tensors, ram, "RAM for its tensors"),
        (constants, flash, "flash for its constants"),
    ):
        if has and need > has:
            lacks = f"at least {need - has:,} bytes are missing"
            return f"it needs {need:,} bytes of {what}, the board has {has:,}: {lacks}"
    return None


def loaded_bytes(elf: bytes) -> int | None:
    """Bytes of a program that have to lie in flash: what its 32-bit ELF segments load (ELF specification 1.2, part 2).

    PlatformIO's patterns know sections by name, and miss what a linker script leaves to the linker: the weights on an
    Arduino Mbed board. None for a file of another kind.
    """
    if elf[:6] != b"\x7fELF\x01\x01":
        return None
    (first,) = struct.unpack_from("<I", elf, 28)
    size, count = struct.unpack_from("<HH", elf, 42)
    segments = [struct.unpack_from("<5I", elf, first + index * size) for index in range(count)]
    return sum(segment[4] for segment in segments if segment[0] == PT_LOAD)


def sum_of_sizes(listing: str, pattern: str | None) -> int | None:
    """Adds up what `pattern` finds in the output of a size tool, as PlatformIO does; None where it finds nothing."""
    found = [
        match for line in listing.splitlines() if pattern and (match := re.search(pattern, line.strip()))
    ]
    return sum(int(value) for match in found for value in match.groups()) if found else None


def output_of(command: Sequence[str], environment: Mapping[str, str]) -> str:
    """What a tool prints, e.g. a compiler's version; its name where it cannot be run or says nothing."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=dict(environment))
    except OSError:
        return command[0]
    return done.stdout.strip() or command[0]

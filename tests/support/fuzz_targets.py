"""Builds the C fuzz targets of tests/fuzz: for libFuzzer, for the driver that needs only gcc, or for gcov."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from model_builder import random_model
from support.board_library import SMALL_DEPTHS, firmware_sources, render_model
from support.host_c import FIRMWARE, ROOT, STRICT

FUZZ = ROOT / "tests" / "fuzz"
CORPUS = FUZZ / "corpus"
TARGETS = ("app", "frame")
SANITIZERS = ["-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
LIBFUZZER = ["clang", "-g", "-O1", "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all"]


def build_target(
    folder: Path, name: str, compiler: Sequence[str], instead: Mapping[Path, Path] | None = None
) -> Path:
    """Builds target `name` ("app" or "frame") in `folder`; without libFuzzer, with standalone.c as its main.

    `instead` names sources that take the place of others.
    """
    folder.mkdir(parents=True, exist_ok=True)
    generated = render_model(folder, random_model(1, depths=SMALL_DEPTHS))
    if name == "app":
        sources = firmware_sources(generated)
    else:
        sources = [
            FIRMWARE / "protocol" / "frame.c",
            FIRMWARE / "protocol" / "crc32.c",
            FIRMWARE / "app" / "packed.c",
        ]
    sources = [FUZZ / f"fuzz_{name}.c", *((instead or {}).get(source, source) for source in sources)]
    if "fuzzer" not in " ".join(compiler):
        sources.append(FUZZ / "standalone.c")
    include = [f"-I{path}" for path in (FIRMWARE, ROOT / "tests" / "support", generated)]
    program = folder / f"fuzz_{name}"
    command = [*compiler, *STRICT, *include, *map(str, sources), "-o", str(program)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode == 0, done.stderr
    return program


def corpus(name: str) -> list[Path]:
    """The inputs that are kept for a target."""
    return sorted((CORPUS / name).iterdir())

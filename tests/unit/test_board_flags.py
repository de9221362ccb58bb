"""The C of the firmware with the compilers' flags of the real boards: what is above the HAL has no core library."""

from pathlib import Path

import pytest

from boardproof_export.commands import export
from host_engine import FIRMWARE, run_compiler
from model_builder import tiny_model

BUILD_HEADER = """
#define BOARDPROOF_TARGET "test"
#define BOARDPROOF_CORE "test"
#define BOARDPROOF_BUILD_ID_BYTES {0, 1, 2, 3, 4, 5, 6, 7}
"""
# Board, kernels, and what its core library compiles with.
BOARDS = [
    ("nano33ble", "dsp", ["-mcpu=cortex-m4", "-mfloat-abi=softfp", "-mfpu=fpv4-sp-d16"]),
    ("nucleo_f446re", "dsp", ["-mcpu=cortex-m4", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16"]),
    ("nucleo_f767zi", "dsp", ["-mcpu=cortex-m7", "-mfloat-abi=softfp", "-mfpu=fpv5-d16"]),
    ("teensy41", "dsp", ["-mcpu=cortex-m7", "-mfloat-abi=hard", "-mfpu=fpv5-d16"]),
    ("pico", "portable", ["-mcpu=cortex-m0plus"]),
]


# What a compiler warns of depends on the level, hardly on how floats are passed: the others at a board of each kernels.
LEVELS = [(board, "-O2") for board in BOARDS] + [
    (BOARDS[at], level) for at in (0, 4) for level in ("-Os", "-O0")
]


@pytest.mark.parametrize(("board", "kernels", "flags", "level"), [(*board, level) for board, level in LEVELS])
def test_compiles_without_warnings(
    tmp_path: Path, board: str, kernels: str, flags: list[str], level: str
) -> None:
    model = tmp_path / "tiny.tflite"
    model.write_bytes(tiny_model())
    (manifest,) = export.render(model, tmp_path, [kernels])
    (tmp_path / "boardproof_build.h").write_text(BUILD_HEADER, encoding="utf-8")
    folder = tmp_path / manifest.core
    parts = ("app", "protocol", "engine/aot") if level == "-O2" else ("engine/aot",)
    sources = [folder / "model_aot.c"]
    sources += [path for part in parts for path in (FIRMWARE / part).rglob("*.c")]
    include = [f"-I{path}" for path in (FIRMWARE, folder, tmp_path)]
    for source in sources:
        run_compiler(
            [*flags, "-mthumb", level, *include, "-c", str(source), "-o", str(tmp_path / "out.o")],
            compiler="arm-none-eabi-gcc",
        )

"""The kernels' assembly loops, on the emulated cores that run them, on models of every shape.

The host tests compile the C beside those loops; this compiles the loops, with the optimizer's help and with an FPU's
register pressure, and compares every output with TensorFlow Lite Micro.
"""

import subprocess
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tflite_micro.python.tflite_micro import runtime

from boardproof_export.commands.export import render
from boardproof_export.shared.manifest import Manifest
from host_engine import FIRMWARE, KERNELS, run_compiler
from model_builder import DenseLayer, dense_model, pool_model, random_model, softmax_model
from support.convolutions import Convolution
from support.state_models import lstm_model, streaming_model, svdf_model

HERE = Path(__file__).parent.parent / "support"
LINKER_SCRIPT = """SECTIONS {
  . = 0; .text : { KEEP(*(.vectors)) *(.text*) *(.rodata*) }
  . = 0x20000000; .bss : { *(.data*) *(.bss*) *(COMMON) }
  stack_top = 0x20100000;
}
"""
SYMBOLS = ("input", "output", "invoke", "reset")


def models() -> list[bytes]:
    """Depths and outputs around every block and pair; dense and sparse inputs; paired weights and not."""
    shapes = [
        (1, 1),
        (2, 8),
        (3, 9),
        (7, 16),
        (8, 7),
        (33, 24),
        (64, 10),
        (65, 17, 8),
        (20, 12, 5),
        (100, 40, 30, 3),
    ]
    found = [random_model(seed, depths=shape, batch=1 + seed % 2) for seed, shape in enumerate(shapes)]
    weights = np.full((16, 400), 127, np.int8)
    weights[1::2] = -128  # reaches beyond the bound of paired weights
    layer = DenseLayer(weights, np.ones(1, np.float32), None, 1e5, 3)
    others = [
        softmax_model((2, 10), scale=0.2),
        pool_model((1, 5, 7, 3), (3, 2), (2, 1), same=True, activation=1),
    ]
    convolutions = [
        Convolution("conv", (1, 7, 5, 3), 9, stride=(2, 2), activation=1, zero_points=(-5, 7)),
        Convolution("conv", (1, 4, 4, 10), 16, window=(1, 1)),
        Convolution("depthwise", (1, 6, 5, 13), 13, output_scale=0.05, activation=3),
        Convolution("transpose", (1, 3, 4, 6), 8, stride=(2, 2)),
    ]
    others += [convolution.build() for convolution in convolutions]
    others += [svdf_model(), svdf_model(wide=False), lstm_model(steps=2), streaming_model(start="random")]
    return [*found, dense_model([layer], input_zero_point=-128), *others]


def inputs_of(manifest: Manifest) -> NDArray[np.int8]:
    """Rows from dense to all zero point, with runs of every length."""
    count = manifest.inputs[0].count
    rng = np.random.default_rng(count)
    rows = rng.integers(-128, 128, (8, count)).astype(np.int8)
    for row, share in enumerate((0.0, 0.1, 0.5, 0.9, 1.0)):
        rows[row][rng.random(count) < share] = manifest.inputs[0].zero_point
    rows[5][::2] = manifest.inputs[0].zero_point
    rows[6] = -128
    rows[7] = 127
    return rows


def expected(content: bytes, rows: NDArray[np.int8]) -> NDArray[np.int8]:
    interpreter = runtime.Interpreter.from_bytes(content, arena_size=200_000)
    shape = interpreter.get_input_details(0)["shape"]
    outputs = []
    for row in rows:
        interpreter.set_input(row.reshape(shape), 0)
        interpreter.invoke()
        outputs.append(interpreter.get_output(0).ravel().copy())
    return np.array(outputs)


def array(name: str, values: NDArray[np.int8]) -> str:
    return f"static const int8_t {name}[] = {{{', '.join(str(value) for value in values.ravel().tolist())}}};"


def header(manifests: list[Manifest], contents: list[bytes]) -> str:
    """emulated_models.h: the models' functions, inputs and outputs."""
    lines = [
        "#include <stddef.h>",
        "#include <stdint.h>",
        '#include "engine/engine.h"',
        f"#define MODELS {len(manifests)}u",
        "typedef struct { void *(*input)(uint8_t index); const void *(*output)(uint8_t index);",
        "  void (*invoke)(const engine_hook_t *hook); void (*reset)(void); const int8_t *inputs, *outputs;",
        "  unsigned images, input_bytes, output_bytes; } emulated_model_t;",
    ]
    table = []
    for number, (manifest, content) in enumerate(zip(manifests, contents, strict=True)):
        rows = inputs_of(manifest)
        lines += [
            f"void *model_aot_input_{number}(uint8_t index);",
            f"const void *model_aot_output_{number}(uint8_t index);",
            f"void model_aot_invoke_{number}(const engine_hook_t *hook);",
            f"void model_aot_reset_{number}(void);",
            array(f"inputs_{number}", rows),
            array(f"outputs_{number}", expected(content, rows)),
        ]
        functions = ", ".join(f"model_aot_{symbol}_{number}" for symbol in SYMBOLS)
        sizes = f"{len(rows)}, {manifest.inputs[0].count}, {manifest.outputs[0].count}"
        table.append(f"{{{functions}, inputs_{number}, outputs_{number}, {sizes}}}")
    lines.append(f"static const emulated_model_t models[] = {{{', '.join(table)}}};")
    return "\n".join(lines) + "\n"


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("kernels", "core", "machine", "flags"),
    [
        ("portable", "cortex-m3", "mps2-an385", ["-O2"]),
        ("portable", "cortex-m3", "mps2-an385", ["-O0"]),  # the C, not the assembly
        ("dsp", "cortex-m4", "mps2-an386", ["-O2"]),
        ("dsp", "cortex-m4", "mps2-an386", ["-Os", "-fno-omit-frame-pointer"]),
        ("dsp", "cortex-m7", "mps2-an500", ["-O2"]),
        ("dsp", "cortex-m7", "mps2-an500", ["-O3", "-mfloat-abi=hard", "-mfpu=fpv5-d16"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "".join(value),
)
def test_every_output_equals_the_oracle(
    tmp_path: Path, kernels: str, core: str, machine: str, flags: list[str]
) -> None:
    contents = models()
    target = [f"-mcpu={core}", "-mthumb", "-ffreestanding", *flags, f"-I{FIRMWARE}"]
    manifests, objects = [], []
    for number, content in enumerate(contents):
        path = tmp_path / f"{number}.tflite"
        path.write_bytes(content)
        manifests += render(path, tmp_path / str(number), [kernels])
        folder = tmp_path / str(number) / kernels
        names = [f"-Dmodel_aot_{symbol}=model_aot_{symbol}_{number}" for symbol in SYMBOLS]
        objects.append(tmp_path / f"{number}.o")
        source = [f"-I{folder}", "-c", str(folder / "model_aot.c"), "-o", str(objects[-1])]
        run_compiler([*target, *names, *source], compiler="arm-none-eabi-gcc")
    (tmp_path / "emulated_models.h").write_text(header(manifests, contents))
    (tmp_path / "link.ld").write_text(LINKER_SCRIPT)
    kernels = [str(path) for path in KERNELS if "avr" not in path.parts]
    elf = tmp_path / "kernels.elf"
    link = ["-nostartfiles", f"-T{tmp_path / 'link.ld'}", "-o", str(elf)]
    sources = [str(HERE / "emulated_main.c"), *kernels, *map(str, objects)]
    run_compiler([*target, f"-I{tmp_path}", *sources, *link], compiler="arm-none-eabi-gcc")
    emulator = ["qemu-system-arm", "-M", machine, "-display", "none", "-monitor", "none", "-serial", "none"]
    done = subprocess.run(
        [*emulator, "-semihosting", "-kernel", elf],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout + done.stderr).strip() == "." * len(contents)

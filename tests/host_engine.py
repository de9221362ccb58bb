"""Compiles rendered models for the host with sanitizers and runs them as a child process.

Several models share one executable, so that a property test pays for one link: the symbols of each model_aot.c
get the model's number. The sanitizers abort the child on the first fault, and `HostEngine.run` then fails.
"""

import atexit
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boardproof_export.shared.manifest import Manifest

FIRMWARE = Path(__file__).resolve().parents[1] / "firmware" / "src"
ENGINE = FIRMWARE / "engine" / "aot"
KERNELS = sorted(path for path in ENGINE.rglob("*.c") if path.name != "engine_aot.c")
WARNINGS = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-Wconversion", "-Wshadow"]
SANITIZERS = ["-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
_SYMBOLS = ("model_aot_input", "model_aot_output", "model_aot_invoke", "model_aot_reset")

_DRIVER = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "engine/engine.h"
{declarations}
typedef struct {{
  void *(*input)(uint8_t index);
  const void *(*output)(uint8_t index);
  void (*invoke)(const engine_hook_t *hook);
  void (*reset)(void);
  uint8_t inputs, outputs;
  const size_t *input_bytes, *output_bytes;
}} model_t;
static const model_t models[] = {{ {table} }};
static void after_op(void *context, uint16_t op, uint8_t output, const void *data, size_t bytes) {{
  (void)context;
  (void)output;
  const uint32_t head[2] = {{op, (uint32_t)bytes}};
  fwrite(head, sizeof head, 1, stdout);
  fwrite(data, 1, bytes, stdout);
}}
int main(int count, char **arguments) {{
  const model_t *model = &models[atoi(arguments[1])];
  const engine_hook_t hook = {{after_op, NULL}};
  const int hooked = count > 2 && strcmp(arguments[2], "hook") == 0;
  const int fresh = count > 2 && strcmp(arguments[2], "fresh") == 0;
  model->reset();
  for (;;) {{
    for (uint8_t i = 0; i < model->inputs; ++i) {{
      if (fread(model->input(i), 1, model->input_bytes[i], stdin) != model->input_bytes[i]) {{
        return 0;
      }}
    }}
    if (fresh) {{
      model->reset();
    }}
    model->invoke(hooked ? &hook : NULL);
    for (uint8_t i = 0; i < model->outputs && !hooked; ++i) {{
      fwrite(model->output(i), 1, model->output_bytes[i], stdout);
    }}
  }}
}}
"""


@dataclass(frozen=True)
class RenderedModel:
    """A folder that `boardproof export` rendered, with the sizes of its inputs and outputs in bytes."""

    folder: Path
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    @classmethod
    def of(cls, manifest: Manifest, folder: Path) -> "RenderedModel":
        """What a manifest says of the model in `folder`."""
        sizes = [tuple(tensor.bytes for tensor in side) for side in (manifest.inputs, manifest.outputs)]
        return cls(folder, sizes[0], sizes[1])


@dataclass(frozen=True)
class HostEngine:
    """An executable with one or more models."""

    executable: Path
    models: Sequence[RenderedModel]

    def run(self, model: int, inputs: NDArray[Any], *, fresh: bool = False) -> NDArray[np.int8]:
        """Outputs, int8 (count, bytes of all), of `inputs` (count, ...), a row the inputs of one inference. `fresh`:
        state is put back before each."""
        raw = self._child([str(model), *(["fresh"] if fresh else [])], inputs.tobytes())
        return np.frombuffer(raw, np.int8).reshape(len(inputs), sum(self.models[model].outputs))

    def trace(self, model: int, inputs: NDArray[Any]) -> list[tuple[int, bytes]]:
        """What the hook saw: (operator index, its output), in order."""
        raw = self._child([str(model), "hook"], inputs.tobytes())
        seen = []
        while raw:
            index, size = (int(value) for value in np.frombuffer(raw[:8], np.uint32))
            seen.append((index, raw[8 : 8 + size]))
            raw = raw[8 + size :]
        return seen

    def _child(self, arguments: list[str], stdin: bytes) -> bytes:
        done = subprocess.run(
            [self.executable, *arguments], input=stdin, capture_output=True, check=False, timeout=60
        )
        assert done.returncode == 0, done.stderr.decode(errors="replace")
        return done.stdout


def compile_engine(
    folder: Path, models: Sequence[RenderedModel], flags: Sequence[str] = SANITIZERS
) -> HostEngine:
    """Compiles `models` and the kernels with the firmware's own warnings as errors; objects go to `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    driver = folder / "driver.c"
    driver.write_text(_driver(models))
    jobs = [(driver, folder / "driver.o", [f"-I{FIRMWARE}"])]
    for number, model in enumerate(models):
        names = [f"-D{symbol}={symbol}_{number}" for symbol in _SYMBOLS]
        include = [f"-I{FIRMWARE}", f"-I{model.folder}"]
        jobs.append((model.folder / "model_aot.c", folder / f"model{number}.o", include + names))
    kernels = compiled_kernels(tuple(flags))
    _compile(jobs, flags)
    executable = folder / "engine"
    run_compiler([*flags, *(str(job[1]) for job in jobs), *kernels, "-o", str(executable)])
    return HostEngine(executable, models)


@cache
def compiled_kernels(flags: tuple[str, ...]) -> list[str]:
    """The kernels' objects, compiled once for all tests of a process."""
    folder = Path(tempfile.mkdtemp(prefix="boardproof-kernels-"))
    atexit.register(shutil.rmtree, folder)
    jobs = [(path, folder / f"kernel{number}.o", []) for number, path in enumerate(KERNELS)]
    _compile(jobs, flags)
    return [str(job[1]) for job in jobs]


def _compile(jobs: Sequence[tuple[Path, Path, Sequence[str]]], flags: Sequence[str]) -> None:
    def one(job: tuple[Path, Path, Sequence[str]]) -> None:
        run_compiler([*job[2], *flags, "-c", str(job[0]), "-o", str(job[1])])

    with ThreadPoolExecutor(max_workers=2) as pool:
        list(pool.map(one, jobs))


def run_compiler(arguments: Sequence[str], compiler: str = "gcc") -> None:
    """Runs the compiler; a warning is a failure, shown with what the compiler said."""
    done = subprocess.run([compiler, *WARNINGS, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{compiler} {' '.join(arguments)}\n{done.stderr}"


def _driver(models: Sequence[RenderedModel]) -> str:
    declarations, table = [], []
    for number, model in enumerate(models):
        declarations.append(
            f"void *model_aot_input_{number}(uint8_t);\nconst void *model_aot_output_{number}(uint8_t);\n"
            f"void model_aot_invoke_{number}(const engine_hook_t *hook);\nvoid model_aot_reset_{number}(void);"
        )
        symbols = ", ".join(f"{symbol}_{number}" for symbol in _SYMBOLS)
        for side, sizes in (("inputs", model.inputs), ("outputs", model.outputs)):
            declarations.append(f"static const size_t {side}_{number}[] = {{{', '.join(map(str, sizes))}}};")
        counts = f"{len(model.inputs)}, {len(model.outputs)}"
        table.append(f"{{{symbols}, {counts}, inputs_{number}, outputs_{number}}}")
    return _DRIVER.format(declarations="\n".join(declarations), table=", ".join(table))

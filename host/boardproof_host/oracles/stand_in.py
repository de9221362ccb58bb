"""The stand-in oracle: the ahead-of-time engine compiled for this machine.

Where PyPI has no `tflite-micro` (macOS, Arm hosts), this takes the place of the reference and is named as such in the
report. On x86-64 Linux a test holds it to `tflite-micro` itself.
"""

import ctypes
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from boardproof_export.shared.errors import ToolMissingError
from boardproof_export.shared.manifest import read_manifest
from boardproof_export.shared.project import find_project
from boardproof_host.oracles.oracle import Oracle

PACK = "portable"
AOT_HOST = Oracle(
    name="aot-host",
    distribution="boardproof",
    load="boardproof_host.oracles.stand_in:load",
    rounding="as TensorFlow Lite Micro; computed by the engine aot on the host",
)


def load(model: bytes) -> Callable[[NDArray[np.int8]], NDArray[np.int8]]:
    """Renders and compiles the model; returns a function from one flat int8 input to its output.

    Raises:
        ToolMissingError: there is no C compiler here, or it fails.
        InputError: this is no checkout, or the engine cannot run the model.
    """
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise ToolMissingError(
            "the stand-in oracle aot-host needs a C compiler", hint="install one (gcc or clang)"
        )
    sources = find_project().firmware / "src"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "model.tflite").write_bytes(model)
        _run(
            "render",
            sys.executable,
            "-m",
            "boardproof_host",
            "export",
            str(folder / "model.tflite"),
            "--out",
            name,
        )
        rendered = folder / PACK
        manifest = read_manifest(rendered)
        library = folder / "model.so"
        units = [*sorted((sources / "engine" / "aot").glob("*.c")), rendered / "model_aot.c"]
        flags = ["-std=c11", "-O2", "-shared", "-fPIC", f"-I{sources}", f"-I{rendered}"]
        _run("compile", compiler, *flags, *map(str, units), "-o", str(library))
        engine = ctypes.CDLL(str(library))  # stays mapped when the file is gone
    return _runner(engine, manifest.input.count, manifest.output.count)


def _run(what: str, *command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ToolMissingError(
            f"the stand-in oracle aot-host could not {what} the model: {done.stderr.strip()[-400:]}",
            hint="see which tools are missing: boardproof doctor",
        )


def _runner(
    engine: ctypes.CDLL, input_bytes: int, output_bytes: int
) -> Callable[[NDArray[np.int8]], NDArray[np.int8]]:
    fault = (ctypes.c_uint32 * 2)()
    engine.engine_input.restype = ctypes.c_void_p
    engine.engine_output.restype = ctypes.c_void_p
    engine.engine_init(fault)

    def run(image: NDArray[np.int8]) -> NDArray[np.int8]:
        ctypes.memmove(engine.engine_input(), image.tobytes(), input_bytes)
        engine.engine_invoke(None, fault)
        return np.frombuffer(ctypes.string_at(engine.engine_output(), output_bytes), np.int8)

    return run

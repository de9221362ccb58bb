"""The stand-in oracle: the ahead-of-time engine compiled for this machine.

Where PyPI has no `tflite-micro` (macOS, Arm hosts), this takes the place of the reference and is named as such in the
report. On x86-64 Linux a test holds it to `tflite-micro` itself.
"""

import ctypes
import hashlib
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import numpy as np

from boardproof_export import shared
from boardproof_export.shared.errors import InputError, ToolMissingError
from boardproof_export.shared.project import find_project
from boardproof_host.oracles.edges import Bytes, Edges
from boardproof_host.oracles.oracle import Oracle
from boardproof_host.oracles.rounding import PROMISED
from boardproof_host.oracles.worker import Runner

CORE = "portable"  # the core profile that every C compiler takes
BUILD_SECONDS = 300.0  # for rendering, and for compiling


@cache
def sources_digest() -> str:
    """SHA-256, lower-case hex, of what computes: the exporter that renders, and the kernels that are compiled.

    The version of boardproof does not tell: in a checkout, kernels change without it.
    """
    exporter, engine = Path(shared.__file__).parents[1], _engine()
    digest = hashlib.sha256()
    for folder, kinds in ((exporter, (".py", ".j2")), (engine, (".c", ".h"))):
        for path in sorted(folder.rglob("*")):
            if path.suffix in kinds:
                digest.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


AOT_HOST = Oracle(
    name="aot-host",
    distribution="boardproof",
    load="boardproof_host.oracles.stand_in:load",
    rounding=PROMISED["aot"],
    engine="aot",
    sources=sources_digest,
)


def load(model: bytes, edges: Edges) -> Runner:
    """Renders and compiles the model; returns a function from one input to its output, as they go over the wire.

    Raises:
        ToolMissingError: there is no C compiler here, or it fails.
        InputError: this is no checkout, or the engine cannot run the model.
    """
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise ToolMissingError(
            "the stand-in oracle aot-host needs a C compiler", hint="install one (gcc or clang)"
        )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "model.tflite"
        path.write_bytes(model)
        _run("render", sys.executable, "-m", "boardproof_host", "export", str(path), "--out", name)
        rendered = folder / CORE
        if not rendered.is_dir():
            raise InputError("the engine aot cannot run the model", hint="boardproof inspect FILE.tflite")
        library = folder / "model.so"
        units = [path for path in sorted(_engine().rglob("*.c")) if "cores" not in path.parts]
        flags = ["-std=c11", "-O2", "-shared", "-fPIC", f"-I{_engine().parents[1]}", f"-I{rendered}"]
        _run("compile", compiler, *flags, *map(str, units), str(rendered / "model_aot.c"), "-o", str(library))
        engine = ctypes.CDLL(str(library))  # stays mapped when the file is gone
    return _runner(engine, edges)


def _engine() -> Path:
    try:
        return find_project().firmware / "src" / "engine" / "aot"
    except InputError as error:
        raise InputError(
            "the reference aot-host, which stands in for tflite-micro on this machine, is compiled from a checkout of "
            "boardproof, and there is none here",
            hint="clone boardproof, and set BOARDPROOF_PROJECT to its folder",
        ) from error


def _run(what: str, *command: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=BUILD_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise ToolMissingError(
            f"the stand-in oracle aot-host could not {what} the model within {BUILD_SECONDS:.0f} s",
            hint="try a smaller model, or prove it on an x86-64 Linux machine",
        ) from error
    if done.returncode != 0:
        raise ToolMissingError(
            f"the stand-in oracle aot-host could not {what} the model: {done.stderr.strip()[-400:]}",
            hint="see which tools are missing: boardproof doctor",
        )


def _runner(engine: ctypes.CDLL, edges: Edges) -> Runner:
    fault = (ctypes.c_uint32 * 2)()
    engine.engine_input.restype = ctypes.c_void_p
    engine.engine_output.restype = ctypes.c_void_p
    if engine.engine_init(fault) != 0:
        raise InputError("the engine aot does not start", hint="report it, with the model")

    def run(row: Bytes) -> Bytes:
        data, at = row.tobytes(), 0
        for index, tensor in enumerate(edges.inputs):
            ctypes.memmove(engine.engine_input(index), data[at : at + tensor.bytes], tensor.bytes)
            at += tensor.bytes
        if engine.engine_invoke(None, fault) != 0:
            raise RuntimeError("the engine aot failed")
        outputs = (
            ctypes.string_at(engine.engine_output(index), tensor.bytes)
            for index, tensor in enumerate(edges.outputs)
        )
        return np.frombuffer(b"".join(outputs), np.uint8)

    return run

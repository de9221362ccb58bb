"""The stand-in oracle: the ahead-of-time engine compiled for this machine.

Where PyPI has no `tflite-micro` (macOS, Arm hosts), this takes the place of the reference and is named as such in the
report. On x86-64 Linux a test holds it to `tflite-micro` itself.
"""

import ctypes
import tempfile
from functools import cache
from pathlib import Path

import numpy as np

from boardproof_export.shared.errors import InputError
from boardproof_host.oracles import compiled
from boardproof_host.oracles.edges import Bytes, Edges
from boardproof_host.oracles.oracle import Oracle
from boardproof_host.oracles.rounding import PROMISED
from boardproof_host.oracles.worker import Runner

WHAT = "the reference aot-host, which stands in for tflite-micro on this machine,"


@cache
def sources_digest() -> str:
    """What computes: the exporter that renders, and the kernels that are compiled."""
    return compiled.digest([compiled.firmware_folder(WHAT) / "engine" / "aot"])


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
    compiler, firmware = compiled.find_compiler(WHAT), compiled.firmware_folder(WHAT)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "model.tflite"
        path.write_bytes(model)
        rendered = compiled.render(path, folder, WHAT)
        library = folder / "model.so"
        units = [*compiled.engine_units(firmware), rendered / "model_aot.c"]
        flags = ["-shared", "-fPIC", f"-I{firmware}", f"-I{rendered}"]
        compiled.compile_units(compiler, flags, units, library, WHAT)
        engine = ctypes.CDLL(str(library))  # stays mapped when the file is gone
    return _runner(engine, edges)


def _runner(engine: ctypes.CDLL, edges: Edges) -> Runner:
    fault = (ctypes.c_uint32 * 2)()
    engine.engine_input.restype = ctypes.c_void_p
    engine.engine_output.restype = ctypes.c_void_p
    if engine.engine_init(fault) != 0:
        raise InputError("the engine aot does not start", hint="report it, with the model")

    def run(row: Bytes, fresh: bool) -> Bytes:
        if fresh:
            engine.engine_reset()
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

"""The oracle worker: `python -m boardproof_host.oracles.worker JOB_FOLDER`, started by `oracle_process`.

It runs the job's oracles one after the other over the job's inputs. It ends at once when its standard input is
closed, and then removes the job, whose owner has died or no longer wants it.
"""

import importlib
import json
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

# From one input to its output, both int8 and flat. The output is only valid until the next call.
Runner = Callable[[NDArray[np.int8]], NDArray[np.int8]]

_NICENESS = 15
_IMAGES_PER_REPORT = 250
# Ample for activations of small models with large inputs; untouched pages cost nothing.
_TFLM_ARENA_BYTES = 64 << 20


def load_tflm(model: bytes) -> Runner:
    """TensorFlow Lite Micro on the host, from PyPI's `tflite-micro`."""
    from tflite_micro.python.tflite_micro import runtime

    interpreter = runtime.Interpreter.from_bytes(model, arena_size=max(_TFLM_ARENA_BYTES, 10 * len(model)))
    shape = tuple(int(extent) for extent in interpreter.get_input_details(0)["shape"])

    def run(image: NDArray[np.int8]) -> NDArray[np.int8]:
        interpreter.set_input(image.reshape(shape), 0)
        interpreter.invoke()
        output: NDArray[np.int8] = interpreter.get_output(0)
        return output.reshape(-1)

    return run


def load_litert(model: bytes) -> Runner:
    """LiteRT as it comes: XNNPACK where it can."""
    return _litert(model, "AUTO")


def load_litert_ref(model: bytes) -> Runner:
    """LiteRT with its reference kernels."""
    return _litert(model, "BUILTIN_REF")


def load_litert_nodelegate(model: bytes) -> Runner:
    """LiteRT with its optimized kernels and no delegate."""
    return _litert(model, "BUILTIN_WITHOUT_DEFAULT_DELEGATES")


def _litert(model: bytes, resolver: str) -> Runner:
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        model_content=model, num_threads=1, experimental_op_resolver_type=OpResolverType[resolver]
    )
    interpreter.allocate_tensors()
    source, sink = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    shape = tuple(int(extent) for extent in source["shape"])

    def run(image: NDArray[np.int8]) -> NDArray[np.int8]:
        interpreter.set_tensor(source["index"], image.reshape(shape))
        interpreter.invoke()
        output: NDArray[np.int8] = interpreter.get_tensor(sink["index"])
        return output.reshape(-1)

    return run


class WorkerError(Exception):
    """An oracle failed. `kind` is "missing" (its package) or "model" (it cannot run this one)."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def compute(
    load: str, model: bytes, inputs: NDArray[np.int8], output_bytes: int, report: Callable[[int], None]
) -> NDArray[np.int8]:
    """Outputs (N, output_bytes) of one oracle over inputs (N, input_bytes); `report` gets the images done.

    Raises:
        WorkerError: the oracle cannot be imported, or cannot run the model.
    """
    module, function = load.split(":")
    try:
        runner: Runner = getattr(importlib.import_module(module), function)(model)
        outputs = np.empty((len(inputs), output_bytes), np.int8)
        for first in range(0, len(inputs), _IMAGES_PER_REPORT):
            last = min(first + _IMAGES_PER_REPORT, len(inputs))
            for index in range(first, last):
                outputs[index] = runner(inputs[index])
            report(last)
    except ImportError as error:
        raise WorkerError("missing", str(error)) from error
    except Exception as error:
        # Interpreters raise what they like; the parent turns it into an error for the user.
        raise WorkerError("model", f"{type(error).__name__}: {error}") from error
    return outputs


def main(folder: Path) -> int:
    """Works on the job in `folder`; returns the process's exit code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    # Interpreters print what they like: reports get a descriptor of their own, and all else goes to the log.
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as channel:
        os.dup2(2, 1)
        threading.Thread(target=_end_with_parent, args=(folder,), daemon=True).start()
        return _work(folder, channel)


def _work(folder: Path, channel: TextIO) -> int:
    def send(report: dict[str, Any]) -> None:
        channel.write(json.dumps(report) + "\n")
        channel.flush()

    def progress(name: str, images: int) -> None:
        send({"oracle": name, "done": images})

    job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    model = (folder / "model.tflite").read_bytes()
    inputs = np.load(folder / "inputs.npy", allow_pickle=False)
    for name, load in job["loads"].items():
        started = time.monotonic()
        try:
            outputs = compute(load, model, inputs, job["output_bytes"], partial(progress, name))
        except WorkerError as error:
            send({"failed": name, "kind": error.kind, "message": str(error)})
            return 1
        np.save(folder / f"{name}.npy", outputs)
        send({"oracle": name, "seconds": round(time.monotonic() - started, 3)})
    return 0


def _end_with_parent(folder: Path) -> None:
    # os.read, not sys.stdin: a lock held here would stop the interpreter from shutting down.
    while os.read(0, 1):
        pass
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

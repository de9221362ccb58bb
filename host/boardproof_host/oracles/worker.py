"""The oracle worker: `python -m boardproof_host.oracles.worker JOB_FOLDER`, started by `process`.

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

from boardproof_host.oracles.edges import Bytes, Edges, split

# From one input to its output, both as they go over the wire. The output is only valid until the next call. The flag:
# whether state is put back to the start before.
Runner = Callable[[Bytes, bool], Bytes]

_NICENESS = 15
_IMAGES_PER_REPORT = 250
# Ample for activations of small models with large inputs; untouched pages cost nothing.
_TFLM_ARENA_BYTES = 64 << 20


def load_tflm(model: bytes, edges: Edges) -> Runner:
    """TensorFlow Lite Micro on the host, from PyPI's `tflite-micro`."""
    from tflite.Model import Model
    from tflite_micro.python.tflite_micro import runtime

    def made() -> Any:
        return runtime.Interpreter.from_bytes(model, arena_size=max(_TFLM_ARENA_BYTES, 10 * len(model)))

    interpreter = made()
    # Its reset runs no subgraph again that gives variables their first values.
    begins_anew = Model.GetRootAs(model, 0).SubgraphsLength() > 1

    def run(row: Bytes, fresh: bool) -> Bytes:
        nonlocal interpreter
        if fresh and begins_anew:
            interpreter = made()
        elif fresh:
            interpreter.reset()
        for index, values in enumerate(split(row, edges.inputs)):
            interpreter.set_input(values, index)
        interpreter.invoke()
        return _joined([interpreter.get_output(index) for index in range(len(edges.outputs))])

    return run


def load_litert(model: bytes, edges: Edges) -> Runner:
    """LiteRT as it comes: XNNPACK where it can."""
    return _litert(model, edges, "AUTO")


def load_litert_ref(model: bytes, edges: Edges) -> Runner:
    """LiteRT with its reference kernels."""
    return _litert(model, edges, "BUILTIN_REF")


def load_litert_nodelegate(model: bytes, edges: Edges) -> Runner:
    """LiteRT with its optimized kernels and no delegate."""
    return _litert(model, edges, "BUILTIN_WITHOUT_DEFAULT_DELEGATES")


def _litert(model: bytes, edges: Edges, resolver: str) -> Runner:
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        model_content=model, num_threads=1, experimental_op_resolver_type=OpResolverType[resolver]
    )
    interpreter.allocate_tensors()
    sources = [details["index"] for details in interpreter.get_input_details()]
    sinks = [details["index"] for details in interpreter.get_output_details()]

    def run(row: Bytes, fresh: bool) -> Bytes:
        if fresh:
            interpreter.reset_all_variables()
        for source, values in zip(sources, split(row, edges.inputs), strict=True):
            interpreter.set_tensor(source, values)
        interpreter.invoke()
        return _joined([interpreter.get_tensor(sink) for sink in sinks])

    return run


def _joined(outputs: list[NDArray[Any]]) -> Bytes:
    """Outputs one behind the other, as an answer carries them."""
    return np.frombuffer(b"".join(output.tobytes() for output in outputs), np.uint8)


class WorkerError(Exception):
    """An oracle failed. `kind` is "missing" (its package) or "model" (it cannot run this one)."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def compute(
    load: str,
    model: bytes,
    inputs: Bytes,
    edges: Edges,
    report: Callable[[int], None],
    *,
    stateful: bool = False,
) -> Bytes:
    """Outputs (N, output_bytes) of one oracle over inputs (N, input_bytes); `report` gets the images done. `stateful`:
    inputs are one sequence.

    Raises:
        WorkerError: the oracle cannot be imported, or cannot run the model.
    """
    module, function = load.split(":")
    try:
        runner: Runner = getattr(importlib.import_module(module), function)(model, edges)
        outputs = np.empty((len(inputs), edges.output_bytes), np.uint8)
        if not stateful:
            _check_stateless(runner, inputs)
        report(0)
        for first in range(0, len(inputs), _IMAGES_PER_REPORT):
            last = min(first + _IMAGES_PER_REPORT, len(inputs))
            for index in range(first, last):
                outputs[index] = runner(inputs[index], not stateful)
            report(last)
    except ImportError as error:
        raise WorkerError("missing", str(error)) from error
    except WorkerError:
        raise
    except Exception as error:
        # Interpreters raise what they like; the parent turns it into an error for the user.
        raise WorkerError("model", f"{type(error).__name__}: {error}") from error
    return outputs


def _check_stateless(runner: Runner, inputs: Bytes) -> None:
    """An input's outputs must not depend on what was computed before: neither a board's do, nor the verdict.

    A network with state passes where the interpreter can put it back, and so do variables that it can clear.
    """
    if not len(inputs):
        return
    before = runner(inputs[0], True).tobytes()
    runner(inputs[-1], True)
    if runner(inputs[0], True).tobytes() != before:
        raise WorkerError(
            "model", "it gives one input other outputs the second time: it keeps state between inputs"
        )


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
    inputs = np.load(folder / "inputs.npy", mmap_mode="r", allow_pickle=False)
    edges = Edges.from_json(job["edges"])
    for name, load in job["loads"].items():
        started = time.monotonic()
        try:
            outputs = compute(load, model, inputs, edges, partial(progress, name), stateful=job["stateful"])
        except WorkerError as error:
            send({"failed": name, "kind": error.kind, "message": str(error), "said": _said()})
            continue
        np.save(folder / f"{name}.npy", outputs)
        send({"oracle": name, "seconds": round(time.monotonic() - started, 3), "said": _said()})
    return 0


def _said() -> int:
    """Bytes in the log so far, which is this process's standard error."""
    return os.fstat(2).st_size


def _end_with_parent(folder: Path) -> None:
    # os.read, not sys.stdin: a lock held here would stop the interpreter from shutting down.
    while os.read(0, 1):
        pass
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

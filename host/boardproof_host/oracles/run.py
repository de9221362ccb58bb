"""Oracles at work beside a board: what they computed before comes from a cache, the rest from one worker process."""

import hashlib
import platform
import shlex
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from boardproof_export.shared.errors import BoardproofError, InputError, ToolMissingError
from boardproof_host.oracles.cache import OracleCache
from boardproof_host.oracles.edges import Bytes, Edges
from boardproof_host.oracles.oracle import (
    NoOutputs,
    Oracle,
    OracleOutputs,
    OracleSet,
    default_oracles,
    oracle_version,
)
from boardproof_host.oracles.process import Failure, OracleProcess


class OracleRun:
    """Oracles at work. Made by `start()`; use it in a `with` block, so that no worker is left behind."""

    def __init__(
        self,
        oracles: Sequence[Oracle],
        versions: dict[str, str],
        model: tuple[Path, bytes],
        inputs: Bytes,
        edges: Edges,
        *,
        stateful: bool = False,
    ) -> None:
        self._oracles = {oracle.name: oracle for oracle in oracles}
        self._reference = oracles[0]
        self._versions = versions
        self._path, self._model = model
        self._inputs, self._edges, self._stateful = inputs, edges, stateful
        self._done: dict[str, OracleOutputs] = {}
        self._failed: dict[str, NoOutputs] = {}
        self._process: OracleProcess | None = None
        self._stopped = False
        self._cache: OracleCache | None = None

    def __enter__(self) -> "OracleRun":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def begin(self, cache: OracleCache) -> None:
        """Takes what the cache has and starts a worker for the rest."""
        missing = []
        for name, oracle in self._oracles.items():
            shape = (len(self._inputs), self._edges.output_bytes)
            known = cache.read(name, self._key(oracle), shape)
            if known is None:
                missing.append(name)
            else:
                self._done[name] = OracleOutputs(oracle, known, self._versions[name], 0.0, cached=True)
        self._cache = cache
        self._work(missing)

    def poll(self) -> dict[str, int]:
        """Images that each oracle has computed so far. Never waits."""
        counts = self._process.progress() if self._process else {}
        whole = len(self._inputs)
        return {name: whole if name in self._done else counts.get(name, 0) for name in self._oracles}

    def check(self, seconds: float = 0.0) -> None:
        """Refuses a model that the reference cannot run, as soon as that is known; waits so long at most to know it.

        Raises:
            InputError: the reference cannot run the model.
            ToolMissingError: its package cannot be loaded.
        """
        name = self._reference.name
        if self._process is None or name in self._done:
            return
        self._process.answers(name, seconds)
        failure = self._process.failure(name)
        if failure is not None:
            raise _refusal(name, failure, self._path)

    def result(self) -> dict[str, OracleOutputs]:
        """Waits for all oracles; returns the outputs of those that ran, by name, the reference first.

        Raises:
            InputError: the reference cannot run the model.
            ToolMissingError: its package cannot be loaded, or the worker was stopped.
        """
        while self._process is not None:
            if self._stopped:
                raise ToolMissingError("the oracles were stopped", hint="run again without stopping it")
            outcome = self._process.wait()
            self._process = None
            for name, (outputs, seconds) in outcome.outputs.items():
                oracle = self._oracles[name]
                if self._cache is not None:
                    self._cache.write(name, self._key(oracle), outputs)
                self._done[name] = OracleOutputs(oracle, outputs, self._versions[name], seconds, cached=False)
            for name, failure in outcome.failures.items():
                if name == self._reference.name:
                    raise _refusal(name, failure, self._path)
                reason = f"cannot run: {failure.message}"
                self._failed[name] = NoOutputs(self._oracles[name], self._versions[name], reason)
            self._work(outcome.left)
        return {name: self._done[name] for name in self._oracles if name in self._done}

    @property
    def failed(self) -> dict[str, NoOutputs]:
        """The oracles that gave nothing, by name, and why; complete after `result()`. The reference is never here."""
        return dict(self._failed)

    def stop(self) -> None:
        """Ends the worker, if one is at work. May be called again."""
        self._stopped = True
        if self._process is not None:
            self._process.stop()

    def _work(self, names: Sequence[str]) -> None:
        if names:
            loads = {name: self._oracles[name].load for name in names}
            self._process = OracleProcess(
                self._model, self._inputs, loads, self._edges, stateful=self._stateful
            )

    def _key(self, oracle: Oracle) -> tuple[str, ...]:
        # LiteRT picks its kernels by processor, so outputs of one machine are not another's.
        machine = f"{platform.system()} {platform.machine()}"
        return (oracle.distribution, self._versions[oracle.name], oracle.load, machine)


def _refusal(name: str, failure: Failure, path: Path) -> BoardproofError:
    if failure.kind == "missing":
        return ToolMissingError(
            f"the oracle {name!r} cannot be loaded: {failure.message}",
            hint="install the project's dependencies again: python -m pip install .",
        )
    words = (
        "cannot run the model" if failure.kind == "model" else "gave up on the model, which may be damaged"
    )
    return InputError(
        f"the reference {name!r} {words}: {failure.message}",
        hint=f"see what the model holds, and which engine can run it: boardproof inspect {shlex.quote(str(path))}",
    )


def start(
    model: Path, inputs: Bytes, cache: Path, oracles: OracleSet | None = None, *, stateful: bool = False
) -> OracleRun:
    """Starts the oracles over inputs, uint8 (N, input_bytes) as they go to the board, and returns at once.

    Args:
        model: the .tflite file that the board runs.
        inputs: the inputs in the order that the caller wants the outputs in.
        cache: folder for outputs by content; made when it is missing.
        oracles: which ones; by default `default_oracles()`.
        stateful: the inputs are one sequence, through which the model keeps its state.

    Raises:
        InputError: the model cannot be read, or no interpreter would read it right.
        ToolMissingError: an oracle's package is not installed.
    """
    chosen = oracles or default_oracles()
    versions = {oracle.name: oracle_version(oracle) for oracle in chosen.oracles}
    content, edges = _read(model)
    if inputs.dtype != np.uint8 or inputs.ndim != 2 or inputs.shape[1] != edges.input_bytes:
        raise InputError(
            f"the inputs are {inputs.dtype} {inputs.shape}, but {model} takes {edges.input_bytes} bytes",
            hint="check that the data set is the one that the model was trained on",
        )
    if not len(inputs):
        raise InputError("there is no input to compute", hint="select one image at least")
    run = OracleRun(chosen.oracles, versions, (model, content), inputs, edges, stateful=stateful)
    digests = (hashlib.sha256(content).hexdigest(), _digest(inputs), *(["one sequence"] if stateful else []))
    run.begin(OracleCache(cache, digests))
    return run


def _read(path: Path) -> tuple[bytes, Edges]:
    from boardproof_export.shared.model import read_graph  # 0.2 s

    graph = read_graph(path)
    return graph.content, Edges.of(graph, path)


def _digest(inputs: Bytes) -> str:
    digest = hashlib.sha256(repr(inputs.shape).encode())
    digest.update(np.ascontiguousarray(inputs).data)
    return digest.hexdigest()

"""The parent's end of the oracle worker (`worker`), which runs in a process of its own.

A process, because an interpreter may crash on a bad model, holds the interpreter lock while it computes, and must
give way to the emulator that feeds the board's link.

The job is a temporary folder: job.json, model.tflite, inputs.npy, and outputs `<oracle>.npy` when an oracle is
done. The worker reports on its standard output, a JSON object a line, and ends when its standard input does: that
pipe closes by itself when the parent dies, however it dies.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from boardproof_host.oracles.edges import Bytes, Edges

_STOP_SECONDS = 2.0  # what a worker gets to end by itself


@dataclass(frozen=True)
class Failure:
    """Why an oracle has no outputs: its package cannot be loaded, it cannot run the model, or its process died."""

    kind: Literal["missing", "model", "died"]
    message: str


@dataclass(frozen=True)
class Outcome:
    """What a worker left behind. Each oracle of the job stands in exactly one of the three."""

    outputs: dict[str, tuple[Bytes, float]]  # uint8 (N, output_bytes), wall seconds
    failures: dict[str, Failure]
    left: tuple[str, ...]  # not begun, because the one before them took the process down


class OracleProcess:
    """A worker at work on `loads` (oracle name to "module:function"), one after the other. `stateful`: inputs are one
    sequence."""

    def __init__(
        self, model: bytes, inputs: Bytes, loads: Mapping[str, str], edges: Edges, *, stateful: bool = False
    ) -> None:
        self._loads = dict(loads)
        self._progress = dict.fromkeys(loads, 0)
        self._answering: set[str] = set()
        self._seconds: dict[str, float] = {}
        self._failures: dict[str, Failure] = {}
        self._over = False
        self._said_before = 0
        self._news = threading.Condition()
        self._folder = tempfile.TemporaryDirectory(prefix="boardproof-oracle-", ignore_cleanup_errors=True)
        folder = Path(self._folder.name)
        (folder / "model.tflite").write_bytes(model)
        np.save(folder / "inputs.npy", inputs)
        job = {"loads": self._loads, "edges": edges.to_json(), "stateful": stateful}
        (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
        self._log = folder / "worker.log"
        self._process = _spawn(folder, self._log)
        self._reader = threading.Thread(target=self._read, name="oracle-reader", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def progress(self) -> dict[str, int]:
        """Images done, by oracle."""
        return dict(self._progress)

    def answers(self, name: str, seconds: float) -> bool:
        """Whether an oracle has taken the model, or is at its end; waits so long at most for either."""
        with self._news:
            return self._news.wait_for(lambda: self._over or name in self._answering, seconds)

    def failure(self, name: str) -> Failure | None:
        """Why an oracle has failed, where it has so far."""
        return self._failures.get(name)

    def wait(self) -> Outcome:
        """Waits for the worker's end; the job is removed then."""
        with self._news:  # not Thread.join(): a Ctrl-C within it has CPython 3.11 take the thread for ended
            self._news.wait_for(lambda: self._over)
        self._process.wait()
        try:
            unfinished = [
                name for name in self._loads if name not in self._seconds and name not in self._failures
            ]
            if unfinished:
                self._failures[unfinished[0]] = self._death()
            folder = Path(self._folder.name)
            return Outcome(
                outputs={
                    name: (np.load(folder / f"{name}.npy", allow_pickle=False), seconds)
                    for name, seconds in self._seconds.items()
                },
                failures=dict(self._failures),
                left=tuple(unfinished[1:]),
            )
        finally:
            self.stop()

    def stop(self) -> None:
        """Ends the worker and removes the job. May be called again."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._folder.cleanup()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._news:
                self._take(json.loads(line))
                self._news.notify_all()
        with self._news:
            self._over = True
            self._news.notify_all()

    def _take(self, report: dict[str, Any]) -> None:
        self._said_before = report.get("said", self._said_before)  # what follows is the next oracle's
        if "failed" in report:
            self._failures[report["failed"]] = Failure(report["kind"], report["message"])
            self._answering.add(report["failed"])
        elif "seconds" in report:
            self._seconds[report["oracle"]] = report["seconds"]
        else:
            self._progress[report["oracle"]] = report["done"]
            self._answering.add(report["oracle"])

    def _death(self) -> Failure:
        said = self._log.read_bytes()[self._said_before :].decode(errors="replace")
        words = said.strip().splitlines()
        last = f": {words[-1]}" if words else ""
        return Failure("died", f"its process died ({_ending(self._process.returncode)}){last}")


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def _spawn(folder: Path, log: Path) -> "subprocess.Popen[str]":
    # The worker must find what this process finds, and nothing of the current folder (-P).
    paths = os.pathsep.join(path for path in sys.path if path)
    with log.open("w", encoding="utf-8") as errors:
        return subprocess.Popen(
            [sys.executable, "-P", "-W", "ignore", "-m", "boardproof_host.oracles.worker", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            encoding="utf-8",
            env=os.environ | {"PYTHONPATH": paths},
            # A Ctrl-C in the terminal is for the parent, which may still want what was computed.
            start_new_session=True,
        )

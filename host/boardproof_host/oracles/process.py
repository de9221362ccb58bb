"""The parent's end of the oracle worker (`oracle_worker`), which runs in a process of its own.

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
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boardproof_export.shared.errors import BoardproofError, InputError, ToolMissingError

_STOP_SECONDS = 2.0  # what a worker gets to end by itself


class OracleProcess:
    """A worker at work on `loads` (oracle name to "module:function"), one after the other."""

    def __init__(
        self, model: bytes, inputs: NDArray[np.int8], loads: dict[str, str], output_bytes: int
    ) -> None:
        self._loads = loads
        self._progress = dict.fromkeys(loads, 0)
        self._seconds: dict[str, float] = {}
        self._failure: dict[str, str] | None = None
        self._stopped = False
        self._folder = tempfile.TemporaryDirectory(prefix="boardproof-oracle-", ignore_cleanup_errors=True)
        folder = Path(self._folder.name)
        (folder / "model.tflite").write_bytes(model)
        np.save(folder / "inputs.npy", inputs)
        job = {"loads": loads, "output_bytes": output_bytes}
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

    def wait(self) -> dict[str, tuple[NDArray[np.int8], float]]:
        """Outputs (N, C) and wall seconds by oracle, when all are done.

        Raises:
            InputError: an oracle cannot run the model.
            ToolMissingError: an oracle's package cannot be imported, or the worker was stopped.
        """
        self._reader.join()
        self._process.wait()
        try:
            if len(self._seconds) < len(self._loads):
                raise self._error()
            folder = Path(self._folder.name)
            return {
                name: (np.load(folder / f"{name}.npy", allow_pickle=False), seconds)
                for name, seconds in self._seconds.items()
            }
        finally:
            self.stop()

    def stop(self) -> None:
        """Ends the worker and removes the job. May be called again."""
        self._stopped = True
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
            report: dict[str, Any] = json.loads(line)
            if "failed" in report:
                self._failure = report
            elif "seconds" in report:
                self._seconds[report["oracle"]] = report["seconds"]
            else:
                self._progress[report["oracle"]] = report["done"]

    def _error(self) -> BoardproofError:
        if self._failure is None:
            return self._death()
        name, message = self._failure["failed"], self._failure["message"]
        if self._failure["kind"] == "missing":
            return ToolMissingError(
                f"the oracle {name!r} cannot be loaded: {message}",
                hint="install the project's dependencies again: python -m pip install .",
            )
        return InputError(
            f"the oracle {name!r} cannot run the model: {message}",
            hint="see which ops the model has: boardproof inspect FILE.tflite",
        )

    def _death(self) -> BoardproofError:
        if self._stopped:
            return ToolMissingError("the oracles were stopped", hint="run again without stopping it")
        at_work = next(name for name in self._loads if name not in self._seconds)
        words = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        last = f": {words[-1]}" if words else ""
        return InputError(
            f"the oracle {at_work!r} died ({_ending(self._process.returncode)}){last}",
            hint="a damaged model can do that; see what it holds: boardproof inspect FILE.tflite",
        )


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
            [sys.executable, "-P", "-m", "boardproof_host.oracles.worker", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            encoding="utf-8",
            env=os.environ | {"PYTHONPATH": paths},
            # A Ctrl-C in the terminal is for the parent, which may still want what was computed.
            start_new_session=True,
        )

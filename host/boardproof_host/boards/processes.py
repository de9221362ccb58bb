"""Boards that are child processes: firmware/platform/emulator.py starts the emulators, virtual_board is one itself."""

import json
import select
import shlex
import signal
import subprocess
import sys
from pathlib import Path

from boardproof_export.shared.errors import (
    BoardproofError,
    ExitCode,
    InputError,
    LinkError,
    ToolMissingError,
)
from boardproof_export.shared.project import Project

START_SECONDS = 20.0
STOP_SECONDS = 5.0
NOTICE_SECONDS = 0.5  # between the end of its port and its own


class BoardProcess:
    """A board that is a process; use it in a `with` block, which gives its port and ends it in every case.

    Args:
        command: prints one JSON line with its port, then serves until its standard input ends.
        crashed_by: the file that is to blame where it crashes at its start.
    """

    def __init__(self, command: list[str], what: str, crashed_by: Path | None = None) -> None:
        self._command = command
        self._what = what
        self._crashed_by = crashed_by
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> str:
        """Starts it; returns its port.

        Raises:
            InputError: what it shall run cannot be run.
            ToolMissingError: a program is missing.
            LinkError: it did not start.
        """
        # A session of its own: Ctrl-C reaches the host alone, which keeps what was measured and then ends the board.
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            return _port(self._process, self._crashed_by)
        except BaseException:
            _stop(self._process)
            raise

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            _stop(self._process)

    def ended(self) -> LinkError | None:
        """Why the board is gone, where its process has ended; None while it runs."""
        if self._process is None:
            return None
        try:
            code = self._process.wait(timeout=NOTICE_SECONDS)
        except subprocess.TimeoutExpired:
            return None
        said = (
            b""
            if self._process.stderr is None or self._process.stderr.closed
            else self._process.stderr.read()
        )
        words = said.decode(errors="replace").strip()
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
        return LinkError(
            f"{self._what} {how}{': ' + words if words else ''}",
            hint="what was measured is kept",
        )


def emulated_board(project: Project, build: Path) -> BoardProcess:
    """The emulated board of a build folder."""
    script = project.firmware / "platform" / "emulator.py"
    command = [sys.executable, str(script), "serve", "--build", str(build)]
    return BoardProcess(command, f"the emulator of {build.name}")


def native_board(build: Path) -> BoardProcess:
    """The firmware of a build folder, compiled for this machine."""
    command = [sys.executable, "-m", "boardproof_host.boards.virtual.native", str(build / "program")]
    return BoardProcess(command, "the board's process")


def virtual_board(model: Path) -> BoardProcess:
    """The virtual board over a .tflite file."""
    command = [sys.executable, "-m", "boardproof_host.boards.virtual.board", "--model", str(model)]
    return BoardProcess(command, "the virtual board", crashed_by=model)


def _port(process: "subprocess.Popen[bytes]", crashed_by: Path | None) -> str:
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], START_SECONDS)
    line = process.stdout.readline() if ready else b""
    if line:
        port: str = json.loads(line)["port"]
        return port
    raise _not_started(process, crashed_by)


def _not_started(process: "subprocess.Popen[bytes]", crashed_by: Path | None) -> BoardproofError:
    try:
        process.wait(timeout=STOP_SECONDS)  # it closed its output: its exit code says why
    except subprocess.TimeoutExpired:
        process.terminate()
    _, said = process.communicate(timeout=STOP_SECONDS)
    text = said.decode(errors="replace").strip()
    kinds: dict[int, type[BoardproofError]] = {
        ExitCode.USAGE: InputError,
        ExitCode.ENVIRONMENT: ToolMissingError,
    }
    kind = kinds.get(process.returncode)
    if kind is not None:
        message, _, hint = text.partition("\n")
        return kind(message, hint=hint or "boardproof doctor")
    if crashed_by is not None and process.returncode < 0:
        return InputError(
            f"{crashed_by} crashes TensorFlow Lite Micro ({signal.Signals(-process.returncode).name}): the file is "
            "damaged, or an operator in it lacks what the interpreter takes for granted",
            hint=f"see what the file holds: boardproof inspect {shlex.quote(str(crashed_by))}",
        )
    why = text or f"it said nothing and ended with code {process.returncode}"
    return LinkError(f"the board's process did not start: {why}", hint="boardproof doctor")


def _stop(process: "subprocess.Popen[bytes]") -> None:
    if process.stdin is not None and not process.stdin.closed:
        process.stdin.close()
    try:
        process.wait(timeout=STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()

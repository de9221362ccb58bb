"""Boards that are child processes: firmware/platform/emulator.py starts the emulators, virtual_board is one itself."""

import json
import select
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def emulated_board(project: Project, build: Path) -> Iterator[str]:
    """Starts the emulated board of a build folder and yields its port; ends it in every case.

    Raises:
        ToolMissingError: the emulator is not installed.
        LinkError: it did not start.
    """
    script = project.firmware / "platform" / "emulator.py"
    with _served([sys.executable, str(script), "serve", "--build", str(build)]) as port:
        yield port


@contextmanager
def virtual_board(model: Path) -> Iterator[str]:
    """Starts the virtual board over a .tflite file and yields its port; ends it in every case.

    Raises:
        InputError: the model is no .tflite file that a board can run, or it crashes the interpreter.
        ToolMissingError: `tflite-micro` is not installed.
        LinkError: it did not start.
    """
    command = [sys.executable, "-m", "boardproof_host.boards.virtual.board", "--model", str(model)]
    with _served(command, crashed_by=model) as port:
        yield port


@contextmanager
def _served(command: list[str], crashed_by: Path | None = None) -> Iterator[str]:
    # A session of its own: Ctrl-C reaches the host alone, which keeps what was measured and then ends the board.
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield _port(process, crashed_by)
    finally:
        _stop(process)


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

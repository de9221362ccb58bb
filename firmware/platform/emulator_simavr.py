"""A simulated AVR board: libsimavr, in a small program of ours (simavr/board.c), compiled when it is first needed.

That program puts the chip's first UART on a pseudo-terminal itself. The link here only holds both ends of it open:
who looks for programs that use the port sees a process that serves it.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import subprocess
import tempfile
import tty
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from emulator_error import EXIT_MISSING, EmulatorError

SOURCE = Path(__file__).resolve().parent / "simavr" / "board.c"
RECORD_NAME = "simavr.json"  # written when the board ends; simavr/board.c says what it holds
COMPILER = "cc"
LIBRARIES = ("-lsimavr", "-lelf")


class TerminalLink:
    """A pseudo-terminal that a child serves. Use it as a context manager."""

    def __init__(self) -> None:
        self.terminal, self._device = os.openpty()
        tty.setraw(self._device)  # and held open: it stays raw, and a client may come and go
        self._life, self.life_writer = os.pipe()  # the child's: a byte when it listens, closed when it ends
        os.set_blocking(self._life, False)
        self.broken = False  # the emulator ended

    @property
    def port(self) -> str:
        """The device that a host opens as the board's serial port."""
        return os.ttyname(self._device)

    def inherited(self) -> tuple[int, ...]:
        """File descriptors that the emulator must inherit."""
        return (self.terminal, self.life_writer)

    def opened_by_emulator(self) -> None:
        """To be called when the emulator has inherited its end: from then on its death closes the pipe."""
        os.close(self.life_writer)
        self.life_writer = -1

    def emulator_listens(self, pid: int) -> bool:
        """Whether the emulator has loaded the firmware."""
        del pid
        with contextlib.suppress(BlockingIOError):
            return bool(os.read(self._life, 1))
        return False

    def pump(self, *, until_readable: Sequence[int]) -> None:
        """Returns when one of the descriptors is readable and has ended, or the emulator is gone."""
        while True:
            ready, _, _ = select.select([self._life, *until_readable], [], [])
            for descriptor in ready:
                if os.read(descriptor, 4096) == b"":
                    self.broken = descriptor == self._life
                    return

    def __enter__(self) -> TerminalLink:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for descriptor in (self.terminal, self.life_writer, self._device, self._life):
            if descriptor >= 0:
                os.close(descriptor)


@dataclass(frozen=True)
class SimavrMachine:
    """What to simulate: the `emulator` section of the board's JSON, and the program to run."""

    name: str  # simavr's name of the chip
    frequency: int  # core clock in Hz
    elf: Path

    @property
    def program(self) -> str:
        """The simulator, in the build folder."""
        return str(self.elf.parent / "simavr_board")

    @property
    def title(self) -> str:
        """What runs, in words."""
        return f"the simulated {self.name}"

    @property
    def known_to_work(self) -> str:
        """The version to compare with."""
        return "simavr 1.6 is known to work; a firmware that crashes there may have run out of RAM"

    def prepare(self) -> None:
        """Compiles the simulator unless it is newer than its source.

        Raises:
            EmulatorError: there is no compiler, or no libsimavr.
        """
        program = Path(self.program)
        if program.is_file() and program.stat().st_mtime >= SOURCE.stat().st_mtime:
            return
        hint = "apt-get install gcc libc6-dev libsimavr-dev libelf-dev (Debian, Ubuntu)"
        if shutil.which(COMPILER) is None:
            raise EmulatorError("there is no C compiler for this machine", hint=hint, code=EXIT_MISSING)
        with tempfile.TemporaryDirectory(dir=program.parent) as folder:
            fresh = Path(folder) / program.name
            command = [COMPILER, "-std=gnu11", "-O2", "-o", str(fresh), str(SOURCE), *LIBRARIES]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                said = (line for line in done.stderr.splitlines() if "error" in line)
                why = f"the AVR simulator cannot be compiled: {next(said, 'the compiler failed')}"
                raise EmulatorError(why, hint=hint, code=EXIT_MISSING)
            fresh.replace(program)

    def open_link(self) -> TerminalLink:
        """The link that `command` takes."""
        return TerminalLink()

    def command(self, link: TerminalLink) -> list[str]:
        """The simulator's command line."""
        numbers = [str(self.frequency), str(link.terminal), str(link.life_writer)]
        return [self.program, str(self.elf), self.name, *numbers, str(self.elf.parent / RECORD_NAME)]

    def choose_core(self) -> int | None:
        """It runs on any core of this machine."""
        return None

    def settle(self, pid: int) -> None:
        """Nothing is to be done for a simulator that runs."""

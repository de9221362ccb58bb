"""Why there is no emulated board, and the exit codes of `emulator.py`."""

from __future__ import annotations

EXIT_USAGE = 2
EXIT_DIED = 3
EXIT_MISSING = 4


class EmulatorError(Exception):
    """A message, the next action, and the process's exit code."""

    def __init__(self, message: str, *, hint: str, code: int) -> None:
        super().__init__(f"{message}\n{hint}")
        self.code = code

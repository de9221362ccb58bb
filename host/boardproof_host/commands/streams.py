"""Standard output and error as commands need them: there, able to say every character, no reason to lose a run."""

import contextlib
import os
import sys
from typing import Any, TextIO


class Forgiving:
    """Standard error whose disk is full or whose reader is gone: what cannot be said is dropped, the work goes on."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Says it, if it can be said."""
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Likewise."""
        with contextlib.suppress(OSError, ValueError):
            self._stream.flush()


def prepare() -> None:
    """Opens what was closed, and has every character pass."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started us; the next file would get its number
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w"))
        stream = getattr(sys, name)
        with contextlib.suppress(AttributeError, ValueError):  # a stream of a test's own
            stream.reconfigure(errors="backslashreplace")
    if not isinstance(sys.stderr, Forgiving):
        sys.stderr = Forgiving(sys.stderr)


def say_nothing_more() -> None:
    """Keeps the interpreter from failing once more when it flushes a standard output that takes nothing."""
    with contextlib.suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)

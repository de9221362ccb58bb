"""A pseudo-terminal as the serial port of a board that is a process."""

import os
import select
import stat
import termios
import tty

READ_BYTES = 65536
UNHEARD_SECONDS = 2.0  # an answer that nobody reads for so long is dropped, as on a wire


def lifeline() -> int | None:
    """Standard input, where its end can tell that whoever started this is gone; not where it is a file or /dev/null."""
    mode = os.fstat(0).st_mode
    return 0 if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(0) else None


class PtyLink:
    """A pseudo-terminal whose other end is the port. It keeps that end open, so that its raw mode stays.

    Args:
        until: a descriptor whose end of file ends the service; None to serve until a signal.

    `board_end` is the descriptor that a program of its own may serve instead, without blocking.
    """

    def __init__(self, until: int | None = None) -> None:
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.board_end = self._master
        self.port = os.ttyname(self._slave)
        self._until = until
        self._inputs = [self._master] if until is None else [self._master, until]

    def read(self) -> bytes:
        """Waits for bytes from the host; b"" at the end of the service."""
        while True:
            ready, _, _ = select.select(self._inputs, [], [])
            if self._until in ready and self._until is not None and not os.read(self._until, 4096):
                return b""
            if self._master in ready:
                return os.read(self._master, READ_BYTES)

    def write(self, data: bytes) -> None:
        """Writes an answer; drops what is unread when nobody listens."""
        left = memoryview(data)
        while left:
            _, writable, _ = select.select([], [self._master], [], UNHEARD_SECONDS)
            if not writable:
                termios.tcflush(self._slave, termios.TCIFLUSH)
                return
            left = left[os.write(self._master, left) :]

    def close(self) -> None:
        """Closes both ends: the port is gone."""
        os.close(self._master)
        os.close(self._slave)

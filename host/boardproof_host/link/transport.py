"""What a session needs of a byte pipe. The pipes: ports/serial_port.py, and disturbance on top of them."""

from typing import Protocol

from boardproof_export.shared.errors import LinkError

SAFE_BAUD = 115200


class PortGoneError(LinkError):
    """The pipe vanished: unplugged, renumbered, or closed by the other end. Opening it again may help."""


class Transport(Protocol):
    """A byte pipe. One contract for all, held by tests/contract/test_transport.py.

    `read` returns what has arrived, at least one byte, or b"" after `timeout` seconds without any.
    `write` returns when the pipe has taken all bytes, and raises StalledError when it takes none for `write_seconds`.
    Both raise PortGoneError once the pipe is gone. `baud` is the rate of a pipe that has one of its own, whatever the
    board says; 0 for all others.
    """

    name: str
    write_seconds: float

    @property
    def baud(self) -> int: ...

    def read(self, timeout: float) -> bytes: ...

    def write(self, data: bytes) -> None: ...

    def set_baud(self, baud: int) -> None: ...

    def close(self) -> None: ...

"""Byte pipes to a board: serial ports, pseudo-terminals, and every other URL that pyserial knows."""

import contextlib
import os
import re
import select
import time

import serial

from boardproof_export.shared.errors import InputError, LinkError
from boardproof_host.link.refusals import StalledError
from boardproof_host.link.transport import SAFE_BAUD, PortGoneError
from boardproof_host.ports import advice

READ_BYTES = 65536
WRITE_BYTES = 4096  # handed over at a time
WRITE_SECONDS = 10.0


class SerialTransport:
    """A port opened by pyserial.

    Args:
        url: a device (`/dev/ttyACM0`, `COM3`), or a pyserial URL (`socket://host:port`, `rfc2217://...`, `spy://...`).
        baud: line rate; links without a rate ignore it.

    Raises:
        LinkError: the port is absent, busy, not permitted or no serial port.
        InputError: the URL's scheme is unknown.
    """

    baud = 0  # the board tells it

    def __init__(self, url: str, baud: int = SAFE_BAUD) -> None:
        self.name = url
        self.write_seconds = WRITE_SECONDS
        self._port = _open(url, baud)
        self._fileno = _descriptor(self._port)

    def read(self, timeout: float) -> bytes:
        """See Transport."""
        try:
            if self._fileno is None:
                return self._read_slowly(timeout)
            ready, _, _ = select.select([self._fileno], [], [], max(0.0, timeout))
            if not ready:
                return b""
            data = os.read(self._fileno, READ_BYTES)
        except (OSError, serial.SerialException, TypeError, ValueError) as error:
            raise _gone(self.name, error) from error
        if not data:
            raise _gone(self.name, "the other end closed it")
        return data

    def _read_slowly(self, timeout: float) -> bytes:
        """For ports without a descriptor to wait on (rfc2217, spy, Windows): pyserial's own time-out is coarse."""
        deadline = time.monotonic() + timeout
        while True:
            waiting = self._port.in_waiting  # type: ignore[attr-defined]  # missing in the stubs
            data: bytes = self._port.read(max(1, waiting))
            if data or time.monotonic() >= deadline:
                return data

    def write(self, data: bytes) -> None:
        """See Transport."""
        try:
            if self._fileno is None:
                self._write_slowly(data)
            else:
                self._write_pieces(self._fileno, data)
        except serial.SerialTimeoutException as error:
            raise self._stalled() from error
        except (OSError, serial.SerialException, ValueError) as error:
            raise _gone(self.name, error) from error

    def _write_pieces(self, fileno: int, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            _, ready, _ = select.select([], [fileno], [], self.write_seconds)
            if not ready:
                raise self._stalled()
            with contextlib.suppress(BlockingIOError):
                rest = rest[os.write(fileno, rest[:WRITE_BYTES]) :]

    def _write_slowly(self, data: bytes) -> None:
        """For ports without a descriptor: pyserial's own time-out, which is for all of the data."""
        limited = "rfc2217" not in type(self._port).__module__  # it has none: its server takes what comes
        if limited and self._port.write_timeout != self.write_seconds:
            self._port.write_timeout = self.write_seconds
        for start in range(0, len(data), WRITE_BYTES):
            self._port.write(data[start : start + WRITE_BYTES])

    def _stalled(self) -> StalledError:
        return StalledError(
            f"{self.name} took no byte for {self.write_seconds:.0f} s: the board has stopped reading",
            hint="press reset on the board, then go on: boardproof run --resume",
        )

    def set_baud(self, baud: int) -> None:
        """Changes the line rate once all output has left.

        Raises:
            LinkError: the adapter cannot take this rate.
        """
        try:
            self._port.flush()
            self._port.baudrate = baud
        except (OSError, ValueError, serial.SerialException) as error:
            raise LinkError(
                f"{self.name} cannot run at {baud} baud: {error}", hint="choose a lower rate with --baud"
            ) from error

    def close(self) -> None:
        """Closes the port; closing twice is fine."""
        self._fileno = None
        self._port.close()


def _descriptor(port: serial.SerialBase) -> int | None:
    """The file descriptor to wait on, or None where the port buffers bytes of its own."""
    if os.name != "posix" or (not isinstance(port, serial.Serial) and "socket" not in type(port).__module__):
        return None
    if "spy" in type(port).__module__:
        return None
    try:
        return int(port.fileno())
    except (OSError, AttributeError, ValueError):
        return None


def _open(url: str, baud: int) -> serial.SerialBase:
    advice.check(url)
    try:
        port: serial.SerialBase = serial.serial_for_url(url, baudrate=baud, timeout=0.02, exclusive=True)
        return port
    except (ValueError, re.error) as error:  # the second of hwgrep://, which takes a regular expression
        raise InputError(
            f"{url} is no port: {error}", hint="give a device such as /dev/ttyACM0 or a pyserial URL"
        ) from error
    except OSError as error:  # SerialException is one
        raise advice.unopened(url, error) from error


def _gone(name: str, why: object) -> PortGoneError:
    return PortGoneError(
        f"{name} is gone: {why}", hint="check the cable and the board's power, then run again"
    )

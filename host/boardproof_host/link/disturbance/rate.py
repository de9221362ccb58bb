"""A byte pipe with the line rate of a UART, so that a link's efficiency can be measured without a board.

8N1: a start bit, eight data bits and a stop bit, 10 bits a byte, in both directions at once.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from boardproof_export.shared.errors import InputError
from boardproof_host.link.disturbance.wrapper import TransportWrapper
from boardproof_host.link.timeouts import BITS_PER_BYTE
from boardproof_host.link.transport import Transport

PIECE_BYTES = 32  # handed over at a time: as a UART's FIFO does, and what keeps the cost in Python low


@dataclass(slots=True)
class _Burst:
    """Bytes that follow each other on the wire without a gap."""

    data: bytes
    starts: float  # seconds: the first start bit
    done: int = 0  # bytes that have come out


class Line:
    """One direction of a UART: what goes in comes out a byte at a time.

    Args:
        seconds_per_byte: time of a byte on the wire.
    """

    def __init__(self, seconds_per_byte: float) -> None:
        self.seconds_per_byte = seconds_per_byte
        self._bursts: deque[_Burst] = deque()
        self._free = 0.0  # when the last byte's stop bit has passed

    def put(self, data: bytes, now: float) -> None:
        """Takes bytes at time `now`; they queue behind those that were put before."""
        starts = max(now, self._free)
        self._bursts.append(_Burst(data, starts))
        self._free = starts + len(data) * self.seconds_per_byte

    def take(self, now: float) -> bytes:
        """The bytes whose stop bit has passed by `now`."""
        out = b""
        while self._bursts:
            burst = self._bursts[0]
            # A millionth of a byte: sums of floating-point times must not hold a byte back.
            passed = int((now - burst.starts) / self.seconds_per_byte + 1e-6)
            if passed <= burst.done:
                break
            out += burst.data[burst.done : passed]
            burst.done = passed
            if passed < len(burst.data):
                break
            self._bursts.popleft()
        return out

    def next(self) -> float | None:
        """When it is worth to take again; None when the line is empty."""
        if not self._bursts:
            return None
        burst = self._bursts[0]
        return burst.starts + min(len(burst.data), burst.done + PIECE_BYTES) * self.seconds_per_byte


class ThrottledTransport(TransportWrapper):
    """Gives any pipe a line rate. Bytes move while somebody reads, as a session always does.

    Args:
        inner: the pipe.
        baud: line rate; `set_baud` changes it.
        clock: seconds that never go back, by which `inner.read` waits.

    Raises:
        InputError: the rate is not positive.
    """

    def __init__(self, inner: Transport, baud: int, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(inner)
        self._clock = clock
        self._down = Line(_seconds_per_byte(baud))
        self._up = Line(_seconds_per_byte(baud))

    @property
    def baud(self) -> int:
        """The line's rate."""
        return round(BITS_PER_BYTE / self._down.seconds_per_byte)

    def read(self, timeout: float) -> bytes:
        """See Transport."""
        deadline = self._clock() + timeout
        while True:
            now = self._clock()
            self._push(now)
            data = self._up.take(now)
            if data:
                return data
            wakes = [time for time in (self._down.next(), self._up.next()) if time is not None]
            wait = max(0.0, min([deadline, *wakes]) - now)
            data = self._inner.read(wait)
            if data:
                self._up.put(data, self._clock())
            elif now >= deadline:
                return b""

    def write(self, data: bytes) -> None:
        """See Transport: the line has taken the bytes, as a driver's buffer does; they leave at its rate."""
        now = self._clock()
        self._down.put(data, now)
        self._push(now)

    def set_baud(self, baud: int) -> None:
        """See Transport: what is on the wire still leaves at the rate before."""
        while (due := self._down.next()) is not None:
            now = self._clock()
            received = self._inner.read(max(0.0, due - now))
            if received:
                self._up.put(received, self._clock())
            self._push(self._clock())
        self._inner.set_baud(baud)
        self._down.seconds_per_byte = self._up.seconds_per_byte = _seconds_per_byte(baud)

    def _push(self, now: float) -> None:
        data = self._down.take(now)
        if data:
            self._inner.write(data)


def _seconds_per_byte(baud: int) -> float:
    if baud <= 0:
        raise InputError(f"{baud} is no line rate", hint="give a rate in baud, as in --throttle 921600")
    return BITS_PER_BYTE / baud

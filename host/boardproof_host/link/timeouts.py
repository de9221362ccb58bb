"""How long to wait: what is on the wire still needs its time there, and the rest follows from measured round trips."""

from dataclasses import dataclass

BITS_PER_BYTE = 10  # 8N1: a start bit, eight data bits, a stop bit
FIRST = 2.0  # seconds from the end of a request to its answer, before anything was measured
LONGEST = 8.0  # seconds, beyond the first guess: a lost frame costs no more
BACKOFFS = 5


@dataclass(frozen=True)
class Patience:
    """How long the session waits, in seconds, beyond the time that the bytes take on the wire."""

    hello: float = 8.0  # for the first answer: a board that resets on open runs its boot loader first
    hello_every: float = 0.5  # between two hellos
    silence: float | None = None  # without one good answer: the board is lost; None: as long as hello implies
    tries: int = 256  # transmissions of one request
    reopen: float = 30.0  # for a port that vanished to come back
    minimum: float = 0.2  # shortest time-out of a request
    stop: float = 1.0  # for what is in flight, when the caller wants to stop

    def silence_of(self, inference_seconds: float) -> float:
        """The limit of silence for a board whose inference may take so long."""
        return max(10.0, 2 * inference_seconds) if self.silence is None else self.silence


@dataclass
class Wire:
    """One direction of a line: when what was put on it will have left.

    Args:
        baud: line rate; 0 where bytes take no time that is known.
    """

    baud: int = 0
    free: float = 0.0  # when the last byte has left

    def seconds(self, count: int) -> float:
        """Time of `count` bytes."""
        return count * BITS_PER_BYTE / self.baud if self.baud else 0.0

    def waiting(self, now: float) -> int:
        """Bytes that were put on it and have not left yet."""
        return round(max(0.0, self.free - now) * self.baud / BITS_PER_BYTE)

    def put(self, count: int, now: float) -> float:
        """Takes bytes at time `now`, behind those before; returns when the last has left."""
        self.free = max(now, self.free) + self.seconds(count)
        return self.free


@dataclass
class RoundTrip:
    """RFC 6298 (Computing TCP's Retransmission Timer): smoothed round trip plus four deviations.

    A round trip is counted from when the request has left the wire to its answer.

    Args:
        minimum: shortest time-out in seconds.
        first: time-out before anything was measured.
    """

    minimum: float
    first: float = FIRST
    _smoothed: float | None = None
    _deviation: float = 0.0

    def observe(self, seconds: float) -> None:
        """Takes the round trip of a request that was sent once (Karn's rule)."""
        if self._smoothed is None:
            self._smoothed, self._deviation = seconds, seconds / 2
            return
        self._deviation += (abs(seconds - self._smoothed) - self._deviation) / 4
        self._smoothed += (seconds - self._smoothed) / 8

    def timeout(self, retries: int) -> float:
        """Seconds to wait for an answer; doubled for each retry already made."""
        base = self.first if self._smoothed is None else self._smoothed + 4 * self._deviation
        base = max(self.minimum, base)
        return min(max(base, LONGEST), base * 2.0 ** min(retries, BACKOFFS))

"""Time-outs from measured round trips."""

from dataclasses import dataclass

FIRST = 2.0  # seconds, before anything was measured
LONGEST = 8.0
BACKOFFS = 5


@dataclass
class RoundTrip:
    """RFC 6298 (Computing TCP's Retransmission Timer): smoothed round trip plus four deviations.

    Args:
        minimum: shortest time-out in seconds.
    """

    minimum: float
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
        base = FIRST if self._smoothed is None else self._smoothed + 4 * self._deviation
        return min(LONGEST, max(self.minimum, base) * 2.0 ** min(retries, BACKOFFS))

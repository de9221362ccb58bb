"""A pipe around another one, which passes on what it does not change."""

from boardproof_host.link.transport import Transport


class TransportWrapper:
    """What a disturbed pipe has of the pipe within. `read` and `write` are the disturbance's own.

    Args:
        inner: the pipe.
    """

    def __init__(self, inner: Transport) -> None:
        self.name = inner.name
        self._inner = inner

    @property
    def baud(self) -> int:
        """See Transport."""
        return self._inner.baud

    @property
    def write_seconds(self) -> float:
        """See Transport."""
        return self._inner.write_seconds

    @write_seconds.setter
    def write_seconds(self, seconds: float) -> None:
        self._inner.write_seconds = seconds

    def set_baud(self, baud: int) -> None:
        """See Transport."""
        self._inner.set_baud(baud)

    def close(self) -> None:
        """Closes the pipe; what was still on its way is lost."""
        self._inner.close()

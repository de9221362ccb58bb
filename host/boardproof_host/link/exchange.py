"""Frames over one pipe: sequence numbers, counters, and when what was sent has left the wire."""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from boardproof_host.link.timeouts import Wire
from boardproof_host.link.transport import Transport
from boardproof_host.protocol.frame import Frame, FrameParser
from boardproof_host.protocol.messages import FRAME_OVERHEAD

SEQ_MASK = 0xFFFFFFFF
HELLO_BYTES = 4096  # longest frame that is taken before hello says how long answers are


@dataclass
class LinkCounters:
    """What the link did since the session was made."""

    bytes_down: int = 0  # host to board
    bytes_up: int = 0
    payload_down: int = 0  # input bytes before framing and packing
    retransmits: int = 0
    damaged_down: int = 0  # frames that the board dropped since hello, as it said at the end
    restarts: int = 0  # times that the board lost the session in mid-run
    reopened: int = 0  # times that the port vanished and came back
    answered: int = 0  # inferences
    confirmed: int = 0  # of these, confirmed by the board's digest


@dataclass
class Exchange:
    """Sends and receives; what the frames mean is the caller's.

    Args:
        transport: the byte pipe, which the exchange neither opens nor closes.
        clock: seconds that never go back; the transport's `read` waits by the same clock.
        seed: of nonces and sequence numbers, for replay.
    """

    transport: Transport
    clock: Callable[[], float] = time.monotonic
    seed: int | None = None
    counters: LinkCounters = field(default_factory=LinkCounters)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.seq = self.random.getrandbits(32)  # of the next request
        self.wire = Wire(self.transport.baud)
        self._parser = FrameParser(HELLO_BYTES)
        self._damaged_before = 0  # by parsers before this one
        self._longest = HELLO_BYTES

    @property
    def damaged(self) -> int:
        """Chunks received that were no frame: boot text, or damage."""
        return self._damaged_before + self._parser.damaged

    @property
    def foreign(self) -> bytes:
        """The newest of these."""
        return self._parser.foreign

    def expect(self, longest_payload: int) -> None:
        """Takes frames with payloads as long as this."""
        longest = max(HELLO_BYTES, longest_payload + FRAME_OVERHEAD)
        if longest != self._longest:
            self._longest = longest
            self._begin_parsing()

    def use(self, transport: Transport) -> None:
        """Goes on over another pipe."""
        self.transport = transport
        self.wire = Wire(transport.baud)
        self._begin_parsing()

    def rate(self, baud: int) -> None:
        """The board's line runs at this rate now; 0: it has none. A slower cable decides."""
        rates = [rate for rate in (baud, self.transport.baud) if rate]
        self.wire.baud = min(rates, default=0)

    def _begin_parsing(self) -> None:
        self._damaged_before = self.damaged
        self._parser = FrameParser(self._longest)

    def next_seq(self) -> int:
        """A sequence number for a new request."""
        seq = self.seq
        self.seq = (seq + 1) & SEQ_MASK
        return seq

    def send(self, data: bytes) -> float:
        """Hands bytes to the pipe; returns when they will have left the wire."""
        self.counters.bytes_down += len(data)
        left = self.wire.put(len(data), self.clock())
        self.transport.write(data)
        return left

    @property
    def bytes_down(self) -> int:
        """Bytes that have left: what waits on the line does not count, a stopped stream leaves it there."""
        return self.counters.bytes_down - self.wire.waiting(self.clock())

    def receive(self, timeout: float) -> list[Frame]:
        """The frames that have come, after `timeout` seconds at most."""
        data = self.transport.read(timeout)
        self.counters.bytes_up += len(data)
        return self._parser.feed(data) if data else []

    def frames_until(self, deadline: float) -> Iterator[Frame]:
        """Frames as they come, until a moment of the clock."""
        while (left := deadline - self.clock()) > 0:
            yield from self.receive(left)

    def drain(self, seconds: float) -> None:
        """Throws away what arrives for a while."""
        for _ in self.frames_until(self.clock() + seconds):
            pass

"""The window of requests in flight: when to send, when to send again, what an answer proves.

What the board promises (docs/PROTOCOL.md): it handles requests in the order of their arrival, answers a repeated
request from the last `answers_kept` answers, and can hold `receive_bytes` behind the request it works on. From
that follow the window (sequence numbers in flight span less than `answers_kept`; all frames but the oldest fit in
`receive_bytes`) and the loss rule (an answer to a later transmission proves that earlier ones were lost).
"""

import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from boardproof_export.manifest.errors import LinkError

from boardproof_host.identity import Identity, refused_by_board
from boardproof_host.protocol import messages
from boardproof_host.protocol.frame import Frame, encode
from boardproof_host.protocol.messages import ErrorCode, Feature
from boardproof_host.protocol.packed import pack
from boardproof_host.protocol.unpack import unpack
from boardproof_host.transport import PortGoneError

if TYPE_CHECKING:
    from boardproof_host.session import Session

SEQ_MASK = 0xFFFFFFFF
RESTARTS_WITHOUT_PROGRESS = 5


@dataclass(frozen=True, slots=True)
class Answer:
    """One inference, as the board reports it."""

    index: int  # of the input, counted by the caller
    output: bytes  # int8 values
    ticks: int


@dataclass(slots=True)
class _Request:
    index: int
    frame: bytes
    input_crc: int
    order: int = 0  # of its last transmission
    sent: float = 0.0
    tries: int = 0


class Window:
    """The window: which requests are in flight, when to send, when to send again."""

    def __init__(self, session: "Session", inputs: Iterable[tuple[int, bytes]]) -> None:
        assert session.identity is not None
        self._s = session
        self._identity = session.identity
        self._inputs = iter(inputs)
        self._packed = session.packed and bool(self._identity.features & Feature.PACKED_INPUT)
        self._flight: dict[int, _Request] = {}  # by sequence number, oldest first
        self._bytes = 0  # of all frames in flight
        self._waiting: _Request | None = None
        self._progress = self._s.clock()
        self._restarts = 0  # since the last good answer
        self._order = 0  # counts transmissions

    def run(self) -> Iterator[Answer]:
        while True:
            answers: list[Answer] = []
            try:
                while self._send_next():
                    pass
                if not self._flight:
                    return
                for frame in self._s.receive(max(0.0, self._deadline() - self._s.clock())):
                    answer = self._take(frame)
                    if answer is not None:
                        answers.append(answer)
                self._retry_expired()
            except PortGoneError as gone:
                self._s.counters.reopened += 1
                self._begin_again(partial(self._s.open_again, gone))
            yield from answers

    def _send_next(self) -> bool:
        """Sends one more request if there is one and the window has room."""
        if self._waiting is None:
            item = next(self._inputs, None)
            if item is None:
                return False
            self._waiting = self._prepare(*item)
        if self._flight:
            oldest_seq, oldest = next(iter(self._flight.items()))
            if (self._s.seq - oldest_seq) & SEQ_MASK >= self._identity.answers_kept:
                return False
            behind = self._bytes - len(oldest.frame) + len(self._waiting.frame)
            if behind > self._identity.receive_bytes:
                return False
        else:
            self._progress = self._s.clock()
        request, self._waiting = self._waiting, None
        seq = self._s.next_seq()
        request.frame = encode(request.frame[0], seq, request.frame[1:])
        self._flight[seq] = request
        self._bytes += len(request.frame)
        self._transmit(request)
        return True

    def _prepare(self, index: int, data: bytes) -> _Request:
        """Chooses the shorter of plain and packed; the frame is made once the sequence number is known."""
        self._s.counters.payload_down += len(data)
        body = bytes([messages.Infer.TYPE]) + data
        if self._packed:
            packed = pack(data, self._identity.input_zero_point)
            if len(packed) < len(data):
                body = bytes([messages.InferPacked.TYPE]) + packed
        return _Request(index, body, zlib.crc32(data))

    def _transmit(self, request: _Request) -> None:
        if request.tries >= self._s.patience.tries:
            raise self._s.silent()
        if request.tries:
            self._s.counters.retransmits += 1
        self._order += 1
        request.order = self._order
        request.sent = self._s.clock()
        request.tries += 1
        self._s.send(request.frame)

    def _deadline(self) -> float:
        """When the oldest request counts as lost: one time-out after it was sent, or after the last answer."""
        oldest = next(iter(self._flight.values()))
        return max(oldest.sent, self._progress) + self._s.round_trip.timeout(oldest.tries - 1)

    def _retry_expired(self) -> None:
        now = self._s.clock()
        if not self._flight:
            return
        if now - self._progress > self._s.patience.silence:
            self._begin_again(self._s.fall_back)
            return
        if now >= self._deadline():
            self._transmit(next(iter(self._flight.values())))

    def _take(self, frame: Frame) -> Answer | None:
        request = self._flight.get(frame.seq)
        if request is None:
            return None  # answered before: a repeated answer
        if frame.type == messages.Error.TYPE:
            self._refused(unpack(messages.Error, frame))
            return None
        if frame.type != messages.InferAnswer.TYPE:
            return None
        answer = unpack(messages.InferAnswer, frame)
        if len(answer.output) != self._identity.output_bytes:
            raise LinkError(
                f"the board answered {len(answer.output)} outputs, not {self._identity.output_bytes}",
                hint="flash the firmware again: pio run -t upload",
            )
        self._progress = self._s.clock()
        self._restarts = 0
        if request.tries == 1:
            self._s.round_trip.observe(self._progress - request.sent)
        self._forget(frame.seq)
        self._s.digest = (self._s.digest + _digest(answer)) & SEQ_MASK
        if answer.input_crc != request.input_crc:
            raise LinkError(
                f"the board computed on another input than image {request.index} (CRC differs) though the "
                "link's CRC holds",
                hint="the firmware or the board's memory is at fault: flash it again, then run again",
            )
        self._resend_lost(request.order)
        return Answer(request.index, answer.output, answer.ticks)

    def _forget(self, seq: int) -> None:
        self._bytes -= len(self._flight.pop(seq).frame)

    def _resend_lost(self, order: int) -> None:
        """The board answers in order: what was sent before an answered request, and not answered, was lost."""
        for request in [r for r in self._flight.values() if r.order < order]:
            self._transmit(request)

    def _refused(self, error: messages.Error) -> None:
        if error.code != ErrorCode.NO_SESSION:
            raise refused_by_board(error)
        self._s.counters.restarts += 1
        self._begin_again(self._s.hello)

    def _begin_again(self, recover: Callable[[], Identity]) -> None:
        """After `recover` brought back a session with the same firmware, sends all in flight once more."""
        before = self._identity
        self._restarts += 1
        if self._restarts > RESTARTS_WITHOUT_PROGRESS:
            raise LinkError(
                f"the board is lost again and again ({self._restarts} times at image "
                f"{next(iter(self._flight.values())).index})",
                hint="check its power supply and its stack; boardproof run --images A:B narrows the image down",
            )
        self._identity = recover()
        self._identity.check_same(before)
        self._progress = self._s.clock()
        for request in list(self._flight.values()):
            self._transmit(request)


def _digest(answer: messages.InferAnswer) -> int:
    return zlib.crc32(answer.output, zlib.crc32(struct.pack("<I", answer.input_crc)))

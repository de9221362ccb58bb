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

from boardproof_export.shared.errors import BoardproofError, LinkError
from boardproof_host.link.handshake import Identity, refused_by_board
from boardproof_host.link.transport import PortGoneError
from boardproof_host.protocol import messages
from boardproof_host.protocol.frame import Frame, encode, longest_on_wire
from boardproof_host.protocol.messages import ErrorCode, Feature
from boardproof_host.protocol.packed import pack
from boardproof_host.protocol.unpack import unpack

if TYPE_CHECKING:
    from boardproof_host.link.session import Session

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
    kind: int  # message type
    payload: bytes
    input_crc: int
    frame: bytes = b""  # with its present sequence number
    order: int = 0  # of its last transmission
    sent: float = 0.0
    tries: int = 0


class Window:
    """The window: which requests are in flight, when to send, when to send again.

    What a piece of received bytes means is noted first and acted on afterwards, so that a port that vanishes while
    something is sent again costs no answer that has already come.
    """

    def __init__(self, session: "Session", inputs: Iterable[tuple[int, bytes]]) -> None:
        assert session.identity is not None
        self._s = session
        self._identity = session.identity
        self._inputs = iter(inputs)
        self._packed = session.packed and bool(self._identity.features & Feature.PACKED_INPUT)
        self._flight: dict[int, _Request] = {}  # by sequence number, oldest first
        self._bytes = 0  # of all frames in flight
        self._waiting: _Request | None = None
        self._heard = self._s.clock()  # when the board was last known to be there
        self._expired = 0  # time-outs since then
        self._restarts = 0  # since the last good answer
        self._order = 0  # counts transmissions
        self._proven = 0  # the board has handled what arrived of transmissions before this one
        self._probes: dict[int, int] = {}  # by sequence number: the order of a status request
        self._session_lost = False

    def run(self) -> Iterator[Answer]:
        while True:
            answers: list[Answer] = []
            gone: PortGoneError | None = None
            try:
                while self._send_next():
                    pass
                if not self._flight:
                    return
                for frame in self._s.receive(max(0.0, self._deadline() - self._s.clock())):
                    self._take(frame, answers)
                self._act()
            except PortGoneError as error:
                gone = error
            except BoardproofError:
                yield from answers
                raise
            yield from answers
            if gone is not None:
                self._open_again(gone)

    def _send_next(self) -> bool:
        """Sends one more request if there is one and the window has room."""
        if self._waiting is None:
            item = next(self._inputs, None)
            if item is None:
                return False
            self._waiting = self._prepare(*item)
        if self._flight:
            oldest_seq = next(iter(self._flight))
            if (self._s.seq - oldest_seq) & SEQ_MASK >= self._identity.answers_kept:
                return False
            if not self._has_room(longest_on_wire(len(self._waiting.payload))):
                return False
        else:
            self._hear()
        request, self._waiting = self._waiting, None
        self._enter(request)
        self._transmit(request)
        return True

    def _has_room(self, count: int) -> bool:
        """Would `count` bytes more fit the board's receive buffer, behind the frame that it works on?"""
        oldest = next(iter(self._flight.values()))
        return self._bytes - len(oldest.frame) + count <= self._identity.receive_bytes

    def _prepare(self, index: int, data: bytes) -> _Request:
        """Chooses the shorter of plain and packed."""
        self._s.counters.payload_down += len(data)
        if self._packed:
            packed = pack(data, self._identity.input_zero_point)
            if len(packed) < len(data):
                return _Request(index, messages.InferPacked.TYPE, packed, zlib.crc32(data))
        return _Request(index, messages.Infer.TYPE, data, zlib.crc32(data))

    def _enter(self, request: _Request) -> None:
        """Puts a request into the window, with the next sequence number."""
        seq = self._s.next_seq()
        request.frame = encode(request.kind, seq, request.payload)
        self._flight[seq] = request
        self._bytes += len(request.frame)

    def _transmit(self, request: _Request) -> None:
        if request.tries >= self._s.patience.tries:
            raise LinkError(
                f"image {request.index} was sent {request.tries} times and never arrived whole",
                hint="the line damages most frames: check the cable, or choose a lower rate with --baud",
            )
        if request.tries:
            self._s.counters.retransmits += 1
        self._order += 1
        request.order = self._order
        request.sent = self._s.clock()
        request.tries += 1
        self._s.send(request.frame)

    def _probe(self) -> None:
        """Sends a status request behind what was sent again: its answer tells at once whether that was lost, too.

        It is short, so it gets through where long frames do not.
        """
        seq = self._s.next_seq()
        frame = encode(messages.Status.TYPE, seq, b"")
        if self._has_room(len(frame)):
            self._order += 1
            self._probes[seq] = self._order
            self._s.send(frame)

    def _hear(self) -> None:
        self._heard = self._s.clock()
        self._expired = 0

    def _deadline(self) -> float:
        """When the oldest request counts as lost: one time-out after it was sent, or after the board was heard."""
        oldest = next(iter(self._flight.values()))
        return max(oldest.sent, self._heard) + self._s.round_trip.timeout(self._expired)

    def _take(self, frame: Frame, answers: list[Answer]) -> None:
        """Notes what a frame says; adds its answer to `answers`."""
        request = self._flight.get(frame.seq)
        probe = self._probes.pop(frame.seq, None)
        if request is None and probe is None:
            return  # answered before: a repeated answer
        if frame.type == messages.Error.TYPE:
            error = unpack(messages.Error, frame)
            if error.code != ErrorCode.NO_SESSION:
                raise refused_by_board(error)
            self._session_lost = True
        elif probe is not None:
            self._hear()
            self._proven = max(self._proven, probe)
        elif request is not None and frame.type == messages.InferAnswer.TYPE:
            self._hear()
            self._proven = max(self._proven, request.order)
            answers.append(self._answered(frame, request))

    def _answered(self, frame: Frame, request: _Request) -> Answer:
        answer = unpack(messages.InferAnswer, frame)
        if len(answer.output) != self._identity.output_bytes:
            raise LinkError(
                f"the board answered {len(answer.output)} outputs, not {self._identity.output_bytes}",
                hint="flash the firmware again: pio run -t upload",
            )
        if answer.input_crc != request.input_crc:
            raise LinkError(
                f"the board computed on another input than image {request.index} (CRC differs) though the "
                "link's CRC holds",
                hint="the firmware or the board's memory is at fault: flash it again, then run again",
            )
        self._restarts = 0
        if request.tries == 1:
            self._s.round_trip.observe(self._heard - request.sent)
        del self._flight[frame.seq]
        self._bytes -= len(request.frame)
        self._s.digest = (self._s.digest + _digest(answer)) & SEQ_MASK
        return Answer(request.index, answer.output, answer.ticks)

    def _act(self) -> None:
        """Does what the received frames, or their absence, ask for."""
        if self._session_lost:
            self._s.counters.restarts += 1
            self._begin_again(self._s.hello)
            return
        # The board answers in order: what was sent before an answered request, and not answered, was lost.
        lost = [request for request in self._flight.values() if request.order < self._proven]
        if not lost and self._flight and self._s.clock() >= self._deadline():
            if self._s.clock() - self._heard > self._s.patience.silence:
                self._begin_again(self._s.fall_back)
                return
            self._expired += 1
            lost = [next(iter(self._flight.values()))]
        for request in lost:
            self._transmit(request)
        if lost:
            self._probe()

    def _open_again(self, gone: PortGoneError) -> None:
        """After the port vanished, and while it vanishes again: opens it and goes on."""
        while self._s.reopen is not None:
            self._s.counters.reopened += 1
            try:
                self._begin_again(partial(self._s.open_again, gone))
                return
            except PortGoneError as again:
                gone = again
        raise gone

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
        self._hear()
        self._session_lost = False
        self._probes.clear()
        # New sequence numbers: the board drops those from before its hello, as an old frame may still be on its way.
        requests = list(self._flight.values())
        self._flight.clear()
        self._bytes = 0
        for request in requests:
            self._enter(request)
        for request in requests:
            self._transmit(request)


def _digest(answer: messages.InferAnswer) -> int:
    return zlib.crc32(answer.output, zlib.crc32(struct.pack("<I", answer.input_crc)))

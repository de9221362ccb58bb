"""The window of requests in flight: when to send, when to send again, what an answer proves.

A state machine without I/O: it is told the time and what came, and says what to send.

What the board promises (docs/PROTOCOL.md): it handles requests in the order of their arrival, answers a repeated
request from the last `answers_kept` answers, and can hold `receive_bytes` behind the request it works on. From
that follow the window (sequence numbers in flight span less than `answers_kept`; all frames but the oldest fit in
`receive_bytes`) and the loss rule (an answer to a later transmission proves that earlier ones were lost).
"""

import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from boardproof_export.shared.errors import LinkError
from boardproof_host.link.exchange import SEQ_MASK
from boardproof_host.link.handshake import Identity
from boardproof_host.link.refusals import FLASH, refused_by_board
from boardproof_host.link.timeouts import Patience, RoundTrip
from boardproof_host.protocol import messages
from boardproof_host.protocol.frame import Frame, encode, longest_on_wire
from boardproof_host.protocol.messages import ErrorCode, Feature
from boardproof_host.protocol.packed import pack
from boardproof_host.protocol.unpack import unpack

RESTARTS_WITHOUT_PROGRESS = 5
PROBES_AHEAD = 1 << 20


@dataclass(frozen=True, slots=True)
class Answer:
    """One inference, as the board reports it."""

    index: int  # of the input, counted by the caller
    output: bytes  # the outputs, one behind the other
    ticks: int


@dataclass(slots=True)
class Request:
    """An input on its way."""

    index: int
    kind: int  # message type
    payload: bytes
    input_crc: int
    frame: bytes = b""  # with its present sequence number
    order: int = 0  # of its last transmission
    first_order: int = 0  # of its first one: an answer is at least to that
    left: float = 0.0  # when that had left the wire
    first_left: float = 0.0  # when its first one had
    tries: int = 0


@dataclass(slots=True)
class Sending:
    """A frame to be sent now; `sent` has to be called with the time at which it will have left the wire."""

    frame: bytes
    request: Request | None  # None for a question behind what was sent again

    def sent(self, left: float) -> None:
        if self.request is not None:
            self.request.left = left
            if self.request.tries == 1:
                self.request.first_left = left


class Window:
    """The requests of one stream.

    Args:
        inputs: pairs of the caller's index and all input bytes. Read lazily, one window ahead.
        identity: the board's; `begin_again` takes another one of the same firmware.
        next_seq: gives sequence numbers.
        packed: send packed inputs where that is shorter and the board takes them.
        ordered: the board computes in the order of sequence numbers, and refuses what comes early: they are the inputs'
            alone.
        now: seconds, of the same clock as all times below.
    """

    def __init__(
        self,
        inputs: Iterable[tuple[int, bytes]],
        identity: Identity,
        next_seq: Callable[[], int],
        patience: Patience,
        *,
        packed: bool,
        ordered: bool = False,
        now: float,
        answer_seconds: float = 0.0,
    ) -> None:
        self._inputs = iter(inputs)
        self._identity = identity
        self._ordered = ordered
        self._next_seq = next_seq
        self._patience = patience
        self._packed = packed and bool(identity.features & Feature.PACKED_INPUT)
        first = max(2.0, identity.inference_seconds) + answer_seconds
        self._round_trip = RoundTrip(patience.minimum, first)
        self._silence = patience.silence_of(identity.inference_seconds) + answer_seconds
        self._flight: dict[int, Request] = {}  # by sequence number, oldest first
        self._bytes = 0  # of all frames in flight
        self._waiting: Request | None = None
        self._last_seq = 0
        self._heard = now  # when the board was last known to be there
        self._expired = 0  # time-outs since then
        self._restarts = 0  # since the last good answer
        self._order = 0  # counts transmissions
        self._proven = 0  # the board has handled what arrived of transmissions before this one
        self._probes: dict[int, int] = {}  # by sequence number: the order of a status request
        self.session_lost = False  # the board said so: hello, then begin_again()
        self.retransmits = 0
        self.payload_bytes = 0  # inputs before packing
        self.digest = 0  # over the answers since this session's hello
        self.unconfirmed = 0  # how many these are

    @property
    def identity(self) -> Identity:
        """The board's."""
        return self._identity

    @property
    def idle(self) -> bool:
        """Nothing is in flight."""
        return not self._flight

    def next(self, now: float) -> Sending | None:
        """One more request, if there is one and the window has room."""
        if self._waiting is None:
            item = next(self._inputs, None)
            if item is None:
                return None
            self._waiting = self._prepare(*item)
        if self._flight:
            oldest_seq = next(iter(self._flight))
            if (self._last_seq + 1 - oldest_seq) & SEQ_MASK >= self._identity.answers_kept:
                return None
            if not self._has_room(longest_on_wire(len(self._waiting.payload))):
                return None
        else:
            self._hear(now)
        request, self._waiting = self._waiting, None
        self._enter(request)
        return self._transmit(request)

    def _has_room(self, count: int) -> bool:
        """Would `count` bytes more fit the board's receive buffer, behind the frame that it works on?"""
        oldest = next(iter(self._flight.values()))
        return self._bytes - len(oldest.frame) + count <= self._identity.receive_bytes

    def _prepare(self, index: int, data: bytes) -> Request:
        """Chooses the shorter of plain and packed."""
        self.payload_bytes += len(data)
        if self._packed:
            packed = pack(data, self._identity.packed_fill)
            if len(packed) < len(data):
                return Request(index, messages.InferPacked.TYPE, packed, zlib.crc32(data))
        return Request(index, messages.Infer.TYPE, data, zlib.crc32(data))

    def _seq(self) -> int:
        self._last_seq = self._next_seq()
        return self._last_seq

    def _enter(self, request: Request) -> None:
        """Puts a request into the window, with the next sequence number."""
        seq = self._seq()
        request.frame = encode(request.kind, seq, request.payload)
        self._flight[seq] = request
        self._bytes += len(request.frame)

    def _transmit(self, request: Request) -> Sending:
        if request.tries >= self._patience.tries:
            raise LinkError(
                f"image {request.index} was sent {request.tries} times and never arrived whole",
                hint="the line damages most frames: check the cable, or choose a lower rate with --baud",
            )
        self.retransmits += request.tries > 0
        self._order += 1
        request.order = self._order
        if request.tries == 0:
            request.first_order = self._order
        request.tries += 1
        return Sending(request.frame, request)

    def _probe(self) -> Iterator[Sending]:
        """A status request behind what was sent again: its answer tells at once whether that was lost, too.

        It is short, so it gets through where long frames do not.
        """
        # Where order counts, the next number is the next input's: a probe takes one that no input will have soon.
        seq = (self._last_seq + PROBES_AHEAD + self._order) & SEQ_MASK if self._ordered else self._seq()
        frame = encode(messages.Status.TYPE, seq, b"")
        if self._has_room(len(frame)):
            self._order += 1
            self._probes[seq] = self._order
            yield Sending(frame, None)

    def _hear(self, now: float) -> None:
        self._heard = now
        self._expired = 0

    def deadline(self) -> float:
        """When the oldest request counts as lost: one time-out after it has left the wire, or the board was heard."""
        oldest = next(iter(self._flight.values()))
        return max(oldest.left, self._heard) + self._round_trip.timeout(self._expired)

    def silent(self, now: float) -> bool:
        """The board was not heard for so long that it counts as lost."""
        if not self._flight:
            return False
        since = max(next(iter(self._flight.values())).first_left, self._heard)
        return now - since > self._silence and now >= self.deadline()

    def take(self, frame: Frame, now: float) -> Answer | None:
        """Notes what a frame says; returns the answer that it holds.

        Raises:
            BoardproofError: the board refuses, or what it computed is not to be trusted.
        """
        request = self._flight.get(frame.seq)
        probe = self._probes.pop(frame.seq, None)
        if request is None and probe is None:
            return None  # answered before: a repeated answer
        if frame.type == messages.Error.TYPE:
            error = unpack(messages.Error, frame)
            if error.code == ErrorCode.OUT_OF_ORDER and request is not None:
                self._hear(now)
                self._proven = max(self._proven, request.order + 1)  # it is to be sent again, too
                return None
            if error.code != ErrorCode.NO_SESSION:
                raise refused_by_board(error)
            self.session_lost = True
        elif probe is not None:
            self._hear(now)
            self._proven = max(self._proven, probe)
        elif request is not None and frame.type == messages.InferAnswer.TYPE:
            self._hear(now)
            self._proven = max(self._proven, request.first_order)  # of a repeated one nobody knows which
            return self._answered(frame, request)
        return None

    def _answered(self, frame: Frame, request: Request) -> Answer:
        answer = unpack(messages.InferAnswer, frame)
        if len(answer.output) != self._identity.output_bytes:
            raise LinkError(
                f"the board answered {len(answer.output)} bytes of outputs, not {self._identity.output_bytes}",
                hint=FLASH,
            )
        if answer.input_crc != request.input_crc:
            raise LinkError(
                f"the board computed on another input than image {request.index} (CRC differs) though the "
                "link's CRC holds",
                hint="the firmware or the board's memory is at fault: flash it again, then run again",
            )
        self._restarts = 0
        if request.tries == 1:
            self._round_trip.observe(max(0.0, self._heard - request.left))
        del self._flight[frame.seq]
        self._bytes -= len(request.frame)
        self.digest = (self.digest + _digest(answer)) & SEQ_MASK
        self.unconfirmed += 1
        return Answer(request.index, answer.output, answer.ticks)

    def repeats(self, now: float) -> list[Sending]:
        """What has to be sent again: what an answer proved lost, else the oldest when its time is over."""
        # The board answers in order: what was sent before an answered request, and not answered, was lost.
        lost = [request for request in self._flight.values() if request.order < self._proven]
        if not lost and self._flight and now >= self.deadline():
            self._expired += 1
            lost = [next(iter(self._flight.values()))]
        if not lost:
            return []
        return [*(self._transmit(request) for request in lost), *self._probe()]

    def begin_again(self, identity: Identity, now: float) -> list[Sending]:
        """After a new hello of the same firmware: all that is in flight, once more.

        Raises:
            LinkError: it is another firmware, or it came to this again and again without an answer.
        """
        identity.check_same(self._identity)
        self._restarts += 1
        if self._restarts > RESTARTS_WITHOUT_PROGRESS:
            where = next(iter(self._flight.values()), self._waiting)
            image = "" if where is None else f" at image {where.index}"
            raise LinkError(
                f"the board is lost again and again ({self._restarts} times{image})",
                hint="check its power supply and its stack; boardproof run --images A:B narrows the image down",
            )
        self._identity = identity
        self._hear(now)
        self.session_lost = False
        self._probes.clear()
        self.digest = self.unconfirmed = 0
        # New sequence numbers: the board drops those from before its hello, as an old frame may still be on its way.
        requests = list(self._flight.values())
        self._flight.clear()
        self._bytes = 0
        for request in requests:
            self._enter(request)
        return [self._transmit(request) for request in requests]


def _digest(answer: messages.InferAnswer) -> int:
    return zlib.crc32(answer.output, zlib.crc32(struct.pack("<I", answer.input_crc)))

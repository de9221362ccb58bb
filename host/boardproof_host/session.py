"""A session with a board: hello, then a stream of inputs through a window of requests in flight.

What the board promises (docs/PROTOCOL.md): it handles requests in the order of their arrival, answers a repeated
request from the last `answers_kept` answers, and can hold `receive_bytes` behind the request it works on. From
that follow the window (sequence numbers in flight span less than `answers_kept`; all frames but the oldest fit in
`receive_bytes`) and the loss rule (an answer to a later transmission proves that earlier ones were lost).
"""

import random
import struct
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from boardproof_export.manifest.errors import LinkError

from boardproof_host.identity import Identity, refused_by_board
from boardproof_host.protocol import messages
from boardproof_host.protocol.frame import Frame, FrameParser, encode
from boardproof_host.protocol.messages import ErrorCode, Feature, MalformedPayloadError
from boardproof_host.protocol.packed import pack
from boardproof_host.roundtrip import RoundTrip
from boardproof_host.transport import Transport

SEQ_MASK = 0xFFFFFFFF
RESTARTS_WITHOUT_PROGRESS = 5
Request = messages.Hello | messages.Status | messages.Echo | messages.Profile | messages.SetBaud
M = TypeVar("M", messages.HelloAnswer, messages.InferAnswer, messages.StatusAnswer, messages.Error)


@dataclass(frozen=True)
class Patience:
    """How long the session waits. Times in seconds."""

    hello: float = 8.0  # for the first answer: a board that resets on open runs its boot loader first
    hello_every: float = 0.5  # between two hellos
    silence: float = 10.0  # without one good answer: the board is lost
    tries: int = 64  # transmissions of one request
    minimum: float = 0.2  # shortest time-out of a request


@dataclass
class LinkCounters:
    """What the link did since the session was made."""

    bytes_down: int = 0  # host to board
    bytes_up: int = 0
    payload_down: int = 0  # input bytes before framing and packing
    retransmits: int = 0
    restarts: int = 0  # times that the board lost the session in mid-run


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


@dataclass
class Session:
    """A conversation over one transport, which the session neither opens nor closes.

    Args:
        transport: the byte pipe.
        patience: time-outs.
        seed: of nonces and sequence numbers, for replay.
        packed: send packed inputs where the board takes them.
        clock: seconds that never go back; the transport's `read` waits by the same clock.
    """

    transport: Transport
    patience: Patience = field(default_factory=Patience)
    seed: int | None = None
    packed: bool = True
    clock: Callable[[], float] = time.monotonic
    counters: LinkCounters = field(default_factory=LinkCounters)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._parser = FrameParser()
        self._seq = self._random.getrandbits(32)
        self._order = 0
        self._rtt = RoundTrip(self.patience.minimum)
        self._digest = 0
        self.identity: Identity | None = None

    @property
    def damaged(self) -> int:
        """Chunks received that were no frame: boot text, or damage."""
        return self._parser.damaged

    # -- requests one at a time -----------------------------------------------------------------------------

    def hello(self) -> Identity:
        """Opens the session on the board.

        Raises:
            LinkError: silence, another protocol version, or an engine that did not start.
        """
        deadline = self.clock() + self.patience.hello
        while True:
            nonce = self._random.getrandbits(32)
            started = self.clock()
            answer = self._try_hello(nonce, min(self.patience.hello_every, max(0.05, deadline - started)))
            if answer is not None:
                self._digest = 0
                self.identity = answer
                return answer
            if self.clock() >= deadline:
                raise self._silent()

    def _try_hello(self, nonce: int, timeout: float) -> Identity | None:
        seq = self._next_seq()
        self._send(encode(messages.Hello.TYPE, seq, messages.Hello(nonce, messages.VERSION).pack()))
        deadline = self.clock() + timeout
        for frame in self._frames_until(deadline):
            if frame.seq != seq:
                continue
            if frame.type == messages.Error.TYPE:
                raise refused_by_board(_unpack(messages.Error, frame))
            if frame.type == messages.HelloAnswer.TYPE:
                answer = _unpack(messages.HelloAnswer, frame)
                if answer.nonce == nonce:
                    return Identity.of(answer)
        return None

    def ask(self, request: Request, timeout: float = 0.5, tries: int = 6) -> bytes:
        """Sends one request until it is answered; returns the answer's payload.

        Raises:
            LinkError: no answer, or the board answers with an error.
        """
        seq = self._next_seq()
        data = encode(request.TYPE, seq, request.pack())
        for attempt in range(tries):
            if attempt:
                self.counters.retransmits += 1
            self._send(data)
            for frame in self._frames_until(self.clock() + timeout * 2**attempt):
                if frame.seq != seq:
                    continue
                if frame.type == messages.Error.TYPE:
                    raise refused_by_board(_unpack(messages.Error, frame))
                if frame.type == request.ANSWER:
                    return frame.payload
        raise self._silent()

    def status(self) -> messages.StatusAnswer:
        """Asks for the board's counters of this session."""
        payload = self.ask(messages.Status())
        return _unpack(messages.StatusAnswer, Frame(messages.StatusAnswer.TYPE, 0, payload))

    # -- the stream -----------------------------------------------------------------------------------------

    def stream(self, inputs: Iterable[tuple[int, bytes]]) -> Iterator[Answer]:
        """Sends inputs through the window and yields the answers, mostly in order.

        Args:
            inputs: pairs of the caller's index and `input_bytes` int8 values. Read lazily, one window ahead.

        Raises:
            LinkError: the board is silent or refuses; what was yielded before stands.
        """
        if self.identity is None:
            self.hello()
        return _Stream(self, inputs).run()

    def check_digest(self) -> None:
        """Compares the board's digest over all answers since hello with the answers that arrived.

        Raises:
            LinkError: they differ: some answer was not what the board computed.
        """
        board = self.status().digest
        if board != self._digest:
            raise LinkError(
                f"the board's digest over its answers is {board:08x}, the host's {self._digest:08x}",
                hint="do not trust this run; run again, and report it if it happens twice",
            )

    # -- plumbing -------------------------------------------------------------------------------------------

    def _next_seq(self) -> int:
        seq = self._seq
        self._seq = (seq + 1) & SEQ_MASK
        return seq

    def _send(self, data: bytes) -> None:
        self.counters.bytes_down += len(data)
        self.transport.write(data)

    def _receive(self, timeout: float) -> list[Frame]:
        data = self.transport.read(timeout)
        self.counters.bytes_up += len(data)
        return self._parser.feed(data) if data else []

    def _frames_until(self, deadline: float) -> Iterator[Frame]:
        while (left := deadline - self.clock()) > 0:
            yield from self._receive(left)

    def _silent(self) -> LinkError:
        said = self._parser.foreign
        heard = f"; it sent something else: {said[-80:]!r}" if said else ""
        return LinkError(
            f"no answer from a boardproof board at {self.transport.name}{heard}",
            hint="flash the firmware (pio run -t upload), check the port (boardproof ports), press reset",
        )


class _Stream:
    """The window: which requests are in flight, when to send, when to send again."""

    def __init__(self, session: Session, inputs: Iterable[tuple[int, bytes]]) -> None:
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

    def run(self) -> Iterator[Answer]:
        while True:
            while self._send_next():
                pass
            if not self._flight:
                return
            for frame in self._s._receive(max(0.0, self._deadline() - self._s.clock())):
                answer = self._take(frame)
                if answer is not None:
                    yield answer
            self._retry_expired()

    def _send_next(self) -> bool:
        """Sends one more request if there is one and the window has room."""
        if self._waiting is None:
            item = next(self._inputs, None)
            if item is None:
                return False
            self._waiting = self._prepare(*item)
        if self._flight:
            oldest_seq, oldest = next(iter(self._flight.items()))
            if (self._s._seq - oldest_seq) & SEQ_MASK >= self._identity.answers_kept:
                return False
            behind = self._bytes - len(oldest.frame) + len(self._waiting.frame)
            if behind > self._identity.receive_bytes:
                return False
        else:
            self._progress = self._s.clock()
        request, self._waiting = self._waiting, None
        seq = self._s._next_seq()
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
            raise self._s._silent()
        if request.tries:
            self._s.counters.retransmits += 1
        self._s._order += 1
        request.order = self._s._order
        request.sent = self._s.clock()
        request.tries += 1
        self._s._send(request.frame)

    def _deadline(self) -> float:
        """When the oldest request counts as lost: one time-out after it was sent, or after the last answer."""
        oldest = next(iter(self._flight.values()))
        return max(oldest.sent, self._progress) + self._s._rtt.timeout(oldest.tries - 1)

    def _retry_expired(self) -> None:
        now = self._s.clock()
        if not self._flight:
            return
        if now - self._progress > self._s.patience.silence:
            raise self._s._silent()
        if now >= self._deadline():
            self._transmit(next(iter(self._flight.values())))

    def _take(self, frame: Frame) -> Answer | None:
        request = self._flight.get(frame.seq)
        if request is None:
            return None  # answered before: a repeated answer
        if frame.type == messages.Error.TYPE:
            self._refused(_unpack(messages.Error, frame))
            return None
        if frame.type != messages.InferAnswer.TYPE:
            return None
        answer = _unpack(messages.InferAnswer, frame)
        if len(answer.output) != self._identity.output_bytes:
            raise LinkError(
                f"the board answered {len(answer.output)} outputs, not {self._identity.output_bytes}",
                hint="flash the firmware again: pio run -t upload",
            )
        self._progress = self._s.clock()
        self._restarts = 0
        if request.tries == 1:
            self._s._rtt.observe(self._progress - request.sent)
        self._forget(frame.seq)
        self._s._digest = (self._s._digest + _digest(answer)) & SEQ_MASK
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
        before = self._identity
        self._s.counters.restarts += 1
        self._restarts += 1
        if self._restarts > RESTARTS_WITHOUT_PROGRESS:
            raise LinkError(
                f"the board restarts again and again ({self._restarts} times at image "
                f"{next(iter(self._flight.values())).index})",
                hint="check its power supply and its stack; boardproof run --images A:B narrows the image down",
            )
        self._identity = self._s.hello()
        self._identity.check_same(before)
        self._progress = self._s.clock()
        for request in list(self._flight.values()):
            self._transmit(request)


def _digest(answer: messages.InferAnswer) -> int:
    return zlib.crc32(answer.output, zlib.crc32(struct.pack("<I", answer.input_crc)))


def _unpack(kind: type[M], frame: Frame) -> M:
    """Unpacks a frame whose CRC held; a wrong layout then means another firmware, not damage."""
    try:
        return kind.unpack(frame.payload)
    except MalformedPayloadError as error:
        raise LinkError(
            f"the board's message of type {frame.type:#04x} has another layout: {error}",
            hint="the firmware is of another boardproof version: build and flash it again",
        ) from error

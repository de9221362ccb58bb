"""A session with a board: hello, requests one at a time, a stream of inputs, and what to do when the board is lost."""

import random
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from boardproof_export.shared.errors import InputError, LinkError
from boardproof_host.link.handshake import Identity, refused_by_board
from boardproof_host.link.timeouts import RoundTrip
from boardproof_host.link.transport import SAFE_BAUD, PortGoneError, Transport
from boardproof_host.link.window import SEQ_MASK, Answer, Window
from boardproof_host.ports.advice import no_answer
from boardproof_host.protocol import messages
from boardproof_host.protocol.frame import Frame, FrameParser, encode
from boardproof_host.protocol.messages import Feature
from boardproof_host.protocol.unpack import unpack

ECHO_BYTES = 64  # what every board takes in one echo
ECHO_SECONDS = 0.1
TRIAL_SECONDS = 0.7  # longer than the board's trial of a rate (RATE_TRIAL_MS)
Request = messages.Hello | messages.Status | messages.Echo | messages.Profile | messages.SetBaud


@dataclass(frozen=True)
class Patience:
    """How long the session waits. Times in seconds."""

    hello: float = 8.0  # for the first answer: a board that resets on open runs its boot loader first
    hello_every: float = 0.5  # between two hellos
    silence: float = 10.0  # without one good answer: the board is lost
    tries: int = 256  # transmissions of one request
    reopen: float = 30.0  # for a port that vanished to come back
    minimum: float = 0.2  # shortest time-out of a request


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


@dataclass
class Session:
    """A conversation over one transport, which the session neither opens nor closes.

    Args:
        transport: the byte pipe.
        patience: time-outs.
        seed: of nonces and sequence numbers, for replay.
        packed: send packed inputs where the board takes them.
        clock: seconds that never go back; the transport's `read` waits by the same clock.
        reopen: opens the pipe again after it vanished, waiting so many seconds at most; raises LinkError.
    """

    transport: Transport
    patience: Patience = field(default_factory=Patience)
    seed: int | None = None
    packed: bool = True
    clock: Callable[[], float] = time.monotonic
    reopen: Callable[[float], Transport] | None = None
    counters: LinkCounters = field(default_factory=LinkCounters)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._parser = FrameParser()
        self._damaged_before = 0  # by parsers of pipes that are gone
        self.seq = self._random.getrandbits(32)  # of the next request
        self.round_trip = RoundTrip(self.patience.minimum)
        self.digest = 0  # over the answers since hello
        self._baud: int | None = None  # above the safe rate
        self._rates: tuple[int, ...] = ()  # to be tried again when the port comes back
        self.identity: Identity | None = None

    @property
    def damaged(self) -> int:
        """Chunks received that were no frame: boot text, or damage."""
        return self._damaged_before + self._parser.damaged

    # -- requests one at a time -----------------------------------------------------------------------------

    def hello(self) -> Identity:
        """Opens the session on the board.

        Raises:
            LinkError: silence, another protocol version, or an engine that did not start.
        """
        deadline = self.clock() + self.patience.hello
        # One nonce for all tries: an answer to an earlier try is as good, and a late try opens no other session.
        nonce = self._random.getrandbits(32)
        mine: set[int] = set()  # sequence numbers of the tries
        while (left := deadline - self.clock()) > 0:
            data = messages.Hello(nonce, messages.VERSION).pack()
            mine.add(self.seq)
            self.send(encode(messages.Hello.TYPE, self.next_seq(), data))
            for frame in self._frames_until(self.clock() + min(self.patience.hello_every, left)):
                identity = self._identity_in(frame, nonce) if frame.seq in mine else None
                if identity is not None:
                    self.digest = 0
                    self.identity = identity
                    return identity
        raise self.silent()

    def _identity_in(self, frame: Frame, nonce: int) -> Identity | None:
        if frame.type == messages.Error.TYPE:
            raise refused_by_board(unpack(messages.Error, frame))
        if frame.type != messages.HelloAnswer.TYPE:
            return None
        answer = unpack(messages.HelloAnswer, frame)
        return Identity.of(answer) if answer.nonce == nonce else None

    def ask(self, request: Request, timeout: float = 0.5, tries: int = 6) -> bytes:
        """Sends one request until it is answered; returns the answer's payload.

        Raises:
            LinkError: no answer, or the board answers with an error.
        """
        seq = self.next_seq()
        data = encode(request.TYPE, seq, request.pack())
        for attempt in range(tries):
            if attempt:
                self.counters.retransmits += 1
            self.send(data)
            for frame in self._frames_until(self.clock() + timeout * 2**attempt):
                if frame.seq != seq:
                    continue
                if frame.type == messages.Error.TYPE:
                    raise refused_by_board(unpack(messages.Error, frame))
                if frame.type == request.ANSWER:
                    return frame.payload
        raise self.silent()

    def status(self) -> messages.StatusAnswer:
        """Asks for the board's counters of this session."""
        payload = self.ask(messages.Status())
        return unpack(messages.StatusAnswer, Frame(messages.StatusAnswer.TYPE, 0, payload))

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
        return Window(self, inputs).run()

    def check_digest(self) -> None:
        """Compares the board's digest over all answers since hello with the answers that arrived.

        Raises:
            LinkError: they differ: some answer was not what the board computed.
        """
        status = self.status()
        self.counters.damaged_down = status.damaged
        if status.digest != self.digest:
            raise LinkError(
                f"the board's digest over its answers is {status.digest:08x}, the host's {self.digest:08x}",
                hint="do not trust this run; run again, and report it if it happens twice",
            )

    # -- recovery -------------------------------------------------------------------------------------------

    def open_again(self, gone: PortGoneError) -> Identity:
        """After the pipe vanished: opens it anew and says hello.

        Raises:
            LinkError: it cannot be opened again, or does not come back in time.
        """
        if self.reopen is None:
            raise gone
        self.transport.close()
        self.transport = self.reopen(self.patience.reopen)
        self._damaged_before = self.damaged
        self._parser = FrameParser()
        self._baud = None
        identity = self.hello()
        self.raise_baud(self._rates)
        return self.identity or identity

    def fall_back(self) -> Identity:
        """After long silence: the board may have restarted at its safe rate. Both stay there, for the rate is in doubt.

        Raises:
            LinkError: it is silent there, too.
        """
        if self._baud is None:
            raise self.silent()
        self._baud = None
        self.transport.set_baud(SAFE_BAUD)
        return self.hello()

    def raise_baud(self, rates: Iterable[int]) -> int | None:
        """Changes to the first of `rates` that works in both directions; returns it, or None where none does.

        The board falls back by itself where the self-test is not heard; so does the host.

        Raises:
            LinkError: the board is not heard even at the safe rate.
        """
        assert self.identity is not None
        if not self.identity.features & Feature.BAUD:
            return None
        self._rates = tuple(rates)
        for rate in self._rates:
            if self._try_baud(rate):
                self._baud = rate
                self.identity = self.hello()
                return rate
        return None

    def _try_baud(self, rate: int) -> bool:
        try:
            self.ask(messages.SetBaud(rate))
        except InputError:
            return False  # the board cannot; nothing has changed
        try:
            self.transport.set_baud(rate)
            for start in range(0, 256, ECHO_BYTES):
                data = bytes(range(start, start + ECHO_BYTES))
                if self.ask(messages.Echo(data), timeout=ECHO_SECONDS, tries=2) != data:
                    raise LinkError("the echo differs", hint="choose a lower rate")
        except LinkError:
            self.transport.set_baud(SAFE_BAUD)
            self._drain(TRIAL_SECONDS)
            self.hello()
            return False
        return True

    def _drain(self, seconds: float) -> None:
        """Throws away what arrives for a while."""
        for _ in self._frames_until(self.clock() + seconds):
            pass

    # -- plumbing -------------------------------------------------------------------------------------------

    def next_seq(self) -> int:
        seq = self.seq
        self.seq = (seq + 1) & SEQ_MASK
        return seq

    def send(self, data: bytes) -> None:
        self.counters.bytes_down += len(data)
        self.transport.write(data)

    def receive(self, timeout: float) -> list[Frame]:
        data = self.transport.read(timeout)
        self.counters.bytes_up += len(data)
        return self._parser.feed(data) if data else []

    def _frames_until(self, deadline: float) -> Iterator[Frame]:
        while (left := deadline - self.clock()) > 0:
            yield from self.receive(left)

    def silent(self) -> LinkError:
        return no_answer(self.transport.name, self._parser.foreign)

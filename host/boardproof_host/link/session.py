"""A session with a board: requests one at a time, a stream of inputs, and what to do when the board is lost."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial

from boardproof_export.shared.errors import BoardproofError, LinkError
from boardproof_host.link import rates
from boardproof_host.link.exchange import Exchange, LinkCounters
from boardproof_host.link.handshake import Identity, say_hello
from boardproof_host.link.refusals import Advice, DigestError, StateLostError, no_answer, refused_by_board
from boardproof_host.link.timeouts import Patience
from boardproof_host.link.transport import PortGoneError, Transport
from boardproof_host.link.window import Answer, Sending, Window
from boardproof_host.protocol import messages
from boardproof_host.protocol.frame import Frame, encode, longest_on_wire
from boardproof_host.protocol.messages import Feature
from boardproof_host.protocol.unpack import unpack

WAKE_SECONDS = 0.2  # how often a stream looks whether it shall stop
Request = (
    messages.Status
    | messages.Echo
    | messages.Profile
    | messages.Layer
    | messages.Ops
    | messages.SetBaud
    | messages.KeepState
)


@dataclass
class Session:
    """A conversation over one transport, which the session neither opens nor closes.

    Args:
        transport: the byte pipe.
        patience: time-outs.
        seed: of nonces and sequence numbers, for replay.
        packed: send packed inputs where the board takes them.
        stateful: each stream is one sequence, through which the model keeps its state.
        clock: seconds that never go back; the transport's `read` waits by the same clock.
        reopen: opens the pipe again after it vanished, waiting so many seconds at most; raises LinkError.
        advice: what else may be the matter where a board does not answer.
        gone: why the board itself is gone, where somebody knows: its process has ended.
    """

    transport: Transport
    patience: Patience = field(default_factory=Patience)
    seed: int | None = None
    packed: bool = True
    stateful: bool = False
    clock: Callable[[], float] = time.monotonic
    reopen: Callable[[float], Transport] | None = None
    advice: Advice | None = None
    gone: Callable[[], BoardproofError | None] | None = None

    def __post_init__(self) -> None:
        self.exchange = Exchange(self.transport, self.clock, self.seed)
        self.identity: Identity | None = None
        self._window: Window | None = None  # of the newest stream, for its digest
        self._fast = False  # the line runs above the safe rate
        self._rates: tuple[int, ...] = ()  # to be tried again when the port comes back

    @property
    def counters(self) -> LinkCounters:
        """What the link did since the session was made."""
        return self.exchange.counters

    @property
    def damaged(self) -> int:
        """Chunks received that were no frame: boot text, or damage."""
        return self.exchange.damaged

    # -- requests one at a time -----------------------------------------------------------------------------

    def hello(self) -> Identity:
        """Opens the session on the board.

        Raises:
            LinkError: silence, another protocol version, or an engine that did not start.
        """
        try:
            self.identity = say_hello(self.exchange, self.patience, self.advice)
        except (PortGoneError, LinkError) as error:
            raise self._because(error) from error
        self.transport.write_seconds = self._silence()
        return self.identity

    def ask(self, request: Request, timeout: float = 0.5, tries: int = 6) -> bytes:
        """Sends one request until it is answered; returns the answer's payload.

        Args:
            timeout: seconds from when the request has left the wire, and beyond the answer's own time there.

        Raises:
            LinkError: no answer, or the board answers with an error.
        """
        seq = self.exchange.next_seq()
        data = encode(request.TYPE, seq, request.pack())
        for attempt in range(tries):
            if attempt:
                self.counters.retransmits += 1
            left = max(self.exchange.send(data), self.clock()) + self._answer_seconds()
            for frame in self.exchange.frames_until(left + timeout * 2**attempt):
                if frame.seq != seq:
                    continue
                if frame.type == messages.Error.TYPE:
                    raise refused_by_board(unpack(messages.Error, frame))
                if frame.type == request.ANSWER:
                    return frame.payload
        raise self._silent()

    def look(self, request: messages.Profile | messages.Layer) -> bytes:
        """As `ask`, for a request that the board answers after an inference, looked into."""
        seconds = 0.0 if self.identity is None else self.identity.inference_seconds
        return self.ask(request, timeout=max(20.0, 2 * seconds), tries=2)

    def status(self) -> messages.StatusAnswer:
        """Asks for the board's counters of this session."""
        payload = self.ask(messages.Status(), timeout=max(0.5, self._inference_seconds()))
        return unpack(messages.StatusAnswer, Frame(messages.StatusAnswer.TYPE, 0, payload))

    # -- the stream -----------------------------------------------------------------------------------------

    def stream(
        self, inputs: Iterable[tuple[int, bytes]], stop: Callable[[], bool] | None = None
    ) -> Iterator[Answer]:
        """Sends inputs through the window and yields the answers, mostly in order.

        Args:
            inputs: pairs of the caller's index and all input bytes. Read lazily, one window ahead.
            stop: asked now and then; when it says so, only what comes within `patience.stop` is waited for.

        Raises:
            LinkError: the board is silent or refuses; what was yielded before stands.
            StateLostError: of a sequence: it has to be streamed again from its first input.
        """
        identity = self.identity or self.hello()
        if self.stateful:
            self._begin_sequence(identity)
        seconds = self._answer_seconds()
        window = Window(
            inputs,
            identity,
            self.exchange.next_seq,
            self.patience,
            packed=self.packed,
            ordered=self.stateful,
            now=self.clock(),
            answer_seconds=seconds,
        )
        before = self._window
        if before is not None:  # of the same session on the board: its digest goes on
            window.digest, window.unconfirmed = before.digest, before.unconfirmed
        self._window = window
        return self._run(window, stop)

    def _begin_sequence(self, identity: Identity) -> None:
        if not identity.features & Feature.STATE:
            raise LinkError(
                "the board's firmware keeps no state from one input to the next",
                hint="run without --stateful, or flash the firmware again with this boardproof",
            )
        self.ask(messages.KeepState(), timeout=max(0.5, self._inference_seconds()))

    def _run(self, window: Window, stop: Callable[[], bool] | None) -> Iterator[Answer]:
        stopped_at: float | None = None
        while True:
            answers: list[Answer] = []
            gone: PortGoneError | None = None
            try:
                while stopped_at is None and (sending := window.next(self.clock())) is not None:
                    self._send([sending])
                if window.idle:
                    return
                wake = (
                    window.deadline() if stop is None else min(window.deadline(), self.clock() + WAKE_SECONDS)
                )
                for frame in self.exchange.receive(max(0.0, wake - self.clock())):
                    answer = window.take(frame, self.clock())
                    if answer is not None:
                        answers.append(answer)
                self._act(window)
            except PortGoneError as error:
                gone = error
            except BoardproofError as error:
                yield from self._counted(window, answers)
                raise self._because(error) from error
            yield from self._counted(window, answers)
            if gone is not None:
                self._open_again(window, gone)
            if stop is not None and stop():
                stopped_at = self.clock() if stopped_at is None else stopped_at
                if self.clock() - stopped_at >= self.patience.stop:
                    return

    def _counted(self, window: Window, answers: list[Answer]) -> list[Answer]:
        self.counters.answered += len(answers)
        self.counters.payload_down += window.payload_bytes
        self.counters.retransmits += window.retransmits
        window.payload_bytes = window.retransmits = 0
        return answers

    def _send(self, sendings: Iterable[Sending]) -> None:
        for sending in sendings:
            sending.sent(self.exchange.send(sending.frame))

    def _act(self, window: Window) -> None:
        """Does what the received frames, or their absence, ask for."""
        if window.session_lost:
            self.counters.restarts += 1
            self._begin_again(window, self.hello)
        elif window.silent(self.clock()):
            self._begin_again(window, self._fall_back)
        else:
            self._send(window.repeats(self.clock()))

    def _begin_again(self, window: Window, recover: Callable[[], Identity]) -> None:
        identity = recover()
        if self.stateful:
            # Whether the board has computed what is in flight is not known, and with a restart its state is gone.
            identity.check_same(window.identity)
            self._window = None
            raise StateLostError
        self._send(window.begin_again(identity, self.clock()))

    def check_digest(self) -> None:
        """Compares the board's digest over all answers since hello with the answers that arrived, and counts them as
        confirmed.

        Raises:
            DigestError: they differ: some answer was not what the board computed.
            LinkError: the board could not be asked, or its digest covers more than what arrived; what it answered is
                as good as before.
        """
        window = self._window
        stopped = window is not None and not window.idle
        on_the_wire = self.exchange.wire.free - self.clock()
        if not (stopped and on_the_wire > self.patience.stop):  # a question would wait behind all that
            status = self.status()
            self.counters.damaged_down = status.damaged
        if stopped:
            raise LinkError(
                "requests were on their way when the stream was stopped, and the board's digest is over their answers, "
                "too",
                hint="go on with --resume",
            )
        digest = 0 if window is None else window.digest
        if status.digest != digest:
            raise DigestError(
                f"the board's digest over its answers is {status.digest:08x}, the host's {digest:08x}",
                hint="do not trust this run; run again, and report it if it happens twice",
            )
        if window is not None:
            self.counters.confirmed += window.unconfirmed
            window.unconfirmed = 0

    # -- recovery -------------------------------------------------------------------------------------------

    def _open_again(self, window: Window, gone: PortGoneError) -> None:
        """After the pipe vanished, and while it vanishes again: opens it and goes on."""
        while self.reopen is not None:
            self.counters.reopened += 1
            try:
                self._begin_again(window, partial(self.open_again, gone))
                return
            except PortGoneError as again:
                gone = again
        raise self._because(gone) from gone

    def open_again(self, gone: PortGoneError) -> Identity:
        """After the pipe vanished: opens it anew and says hello.

        Raises:
            LinkError: it cannot be opened again, or does not come back in time.
        """
        if self.reopen is None:
            raise gone
        self.transport.close()
        self.transport = self.reopen(self.patience.reopen)
        self.exchange.use(self.transport)
        self._fast = False
        identity = self.hello()
        self.raise_baud(self._rates)
        return self.identity or identity

    def _fall_back(self) -> Identity:
        """After long silence: the board may have restarted at its safe rate. Both stay there: the rate is in doubt."""
        if not self._fast:
            raise self._silent()
        self._fast = False
        rates.go_back(self.exchange)
        return self.hello()

    def raise_baud(self, wanted: Iterable[int]) -> int | None:
        """Changes to the first of these rates that works; returns it, or None where none does, or the link has no rate.

        Raises:
            LinkError: the board is not heard even at the safe rate.
        """
        assert self.identity is not None
        if not self.identity.features & Feature.BAUD:
            return None
        self._rates = tuple(wanted)
        rate = rates.raise_rate(self.exchange, self.ask, self.hello, self._rates)
        self._fast = rate is not None
        return rate

    # -- how long --------------------------------------------------------------------------------------------

    def _inference_seconds(self) -> float:
        return 0.0 if self.identity is None else self.identity.inference_seconds

    def _silence(self) -> float:
        return self.patience.silence_of(self._inference_seconds())

    def _answer_seconds(self) -> float:
        """Time of the outputs on the wire."""
        if self.identity is None:
            return 0.0
        return self.exchange.wire.seconds(longest_on_wire(self.identity.output_bytes + 8))

    def _silent(self) -> BoardproofError:
        return self._because(no_answer(self.transport.name, self.exchange.foreign, self.advice))

    def _because(self, error: BoardproofError) -> BoardproofError:
        """The error, or what is behind it: a board that is a process may have ended."""
        why = None if self.gone is None else self.gone()
        return error if why is None else why

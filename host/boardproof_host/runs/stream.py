"""Streams images to one board or several, and keeps what comes back, whatever ends the run.

The boards draw from one queue, so a faster board does more. What a board that fails had not answered goes back into
the queue and is done by the others. A sequence, through which a model keeps its state, is one board's, from its first
input on, however often it is begun again: what was answered before has to come again.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from boardproof_export.shared.errors import BoardproofError, LinkError
from boardproof_host.link.refusals import DigestError, StateLostError
from boardproof_host.link.session import Session
from boardproof_host.record.journal import Entry

WAKE_SECONDS = 0.1
SEQUENCES = 5  # that a run begins at most


@dataclass
class Measurement:
    """What the boards answered: rows follow the inputs; `answered` tells which rows hold an answer.

    outputs: uint8 (N, output_bytes), as they came over the wire;
    ticks: uint32 (N,), in the board's tick unit; seconds: wall time of the stream.
    """

    outputs: NDArray[np.uint8]
    ticks: NDArray[np.uint32]
    answered: NDArray[np.bool_]
    seconds: float = 0.0
    resumed: int = 0  # images that came from the journal
    failures: dict[str, BoardproofError] = field(default_factory=dict)  # by port: what ended a board
    untrusted: BoardproofError | None = None  # a board's digest is not that over its answers
    unconfirmed: dict[str, BoardproofError] = field(
        default_factory=dict
    )  # by port: why its digest is not known
    interrupted: bool = False

    @property
    def complete(self) -> bool:
        """Every input was answered."""
        return bool(self.answered.all())

    @property
    def reason(self) -> str | None:
        """Why the run is not whole; None when it is."""
        if self.untrusted is not None:
            return self.untrusted.message
        if self.complete:
            return None
        if self.interrupted:
            return "interrupted"
        return "; ".join(error.message for error in self.failures.values()) or "not all images came back"


class Fleet:
    """One run over one or more boards that said hello and are the same.

    Args:
        sessions: one a board.
        inputs: uint8 (N, input_bytes).
        keep: called with every answer as it comes (the journal).
        progress: called now and then with the number of images answered.
        stopping: called at once when the run is interrupted: what is in flight may take a moment.
        stateful: the inputs are one sequence; the sessions know it, too.
    """

    def __init__(
        self,
        sessions: Sequence[Session],
        inputs: NDArray[np.uint8],
        keep: Callable[[Entry], None] | None = None,
        progress: Callable[[int], None] | None = None,
        stopping: Callable[[], None] | None = None,
        *,
        stateful: bool = False,
    ) -> None:
        identity = sessions[0].identity
        assert identity is not None
        self._sessions = sessions
        self._inputs = inputs
        self._keep = keep
        self._progress = progress
        self._stopping = stopping
        self._stateful = stateful
        self._begun = 1  # sequences
        self._result = Measurement(
            outputs=np.zeros((len(inputs), identity.output_bytes), np.uint8),
            ticks=np.zeros(len(inputs), np.uint32),
            answered=np.zeros(len(inputs), np.bool_),
        )
        self._queue: deque[int] = deque()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._done = 0
        self._started = time.monotonic()

    def resume(self, entries: Sequence[Entry]) -> None:
        """Takes over what a run before had answered."""
        for entry in entries:
            self._store(entry)
        self._result.resumed = int(self._result.answered.sum())

    def run(self) -> Measurement:
        """Streams until all images are answered, no board is left, or Ctrl-C; never raises for these."""
        result = self._result
        self._fill()
        self._started = time.monotonic()
        # Not Thread.join(): a Ctrl-C within it has CPython 3.11 take a running thread for one that has ended.
        over = [threading.Event() for _ in self._sessions]
        try:
            for session, ended in zip(self._sessions, over, strict=True):
                threading.Thread(target=self._serve, args=(session, ended), daemon=True).start()
            while not all(ended.is_set() for ended in over):
                self._report_progress()
                for ended in over:
                    ended.wait(WAKE_SECONDS / len(over))
        except KeyboardInterrupt:
            result.interrupted = True
            self._stop.set()  # what the boards answer soon of what is in flight is kept, too
            if self._stopping is not None:
                self._stopping()
            for ended in over:
                ended.wait()
        result.seconds = self.seconds
        self._report_progress()
        return result

    def _fill(self) -> None:
        """The queue, from the beginning."""
        left = range(len(self._inputs)) if self._stateful else np.flatnonzero(~self._result.answered)
        self._queue.clear()
        self._queue.extend(int(index) for index in left)

    @property
    def seconds(self) -> float:
        """Wall time of the stream so far."""
        return time.monotonic() - self._started

    def _report_progress(self) -> None:
        if self._progress is not None:
            self._progress(self._done)

    def _serve(self, session: Session, ended: threading.Event) -> None:
        try:
            self._stream(session)
        finally:
            ended.set()

    def _stream(self, session: Session) -> None:
        """Runs one board until the whole run is over."""
        mine: set[int] = set()
        try:
            while not self._stop.is_set() and not self._result.complete:
                try:
                    for answer in session.stream(self._draw(mine), self._stop.is_set):
                        mine.discard(answer.index)
                        self._store(Entry(answer.index, answer.ticks, answer.output), live=True)
                except StateLostError:
                    self._begun += 1
                    if self._begun > SEQUENCES:
                        raise
                    mine.clear()
                    self._fill()
                if not self._queue and not self._result.complete:
                    self._stop.wait(WAKE_SECONDS)  # another board may fail and leave its images
        except BoardproofError as error:
            self._fail(session, mine, error)
            return
        except Exception as error:  # a bug must end the run, not hang it
            self._fail(session, mine, LinkError(f"internal error: {error!r}", hint="please report it"))
            return
        try:
            session.check_digest()
        except DigestError as error:
            self._result.untrusted = error
        except BoardproofError as error:  # the answers are as good as before, and not confirmed
            self._result.unconfirmed[session.transport.name] = error

    def _fail(self, session: Session, mine: set[int], error: BoardproofError) -> None:
        with self._lock:
            self._result.failures[session.transport.name] = error
            self._queue.extend(sorted(mine))
            if len(self._result.failures) == len(self._sessions):
                self._stop.set()

    def _draw(self, mine: set[int]) -> Iterator[tuple[int, bytes]]:
        while not self._stop.is_set():
            with self._lock:
                if not self._queue:
                    return
                index = self._queue.popleft()
                mine.add(index)
            yield index, self._inputs[index].tobytes()

    def _store(self, entry: Entry, *, live: bool = False) -> None:
        with self._lock:
            if self._result.answered[entry.index]:
                self._check_again(entry)
                return
            self._result.outputs[entry.index] = np.frombuffer(entry.output, np.uint8)
            self._result.ticks[entry.index] = entry.ticks
            self._result.answered[entry.index] = True
            self._done += 1
            if live and self._keep is not None:
                self._keep(entry)

    def _check_again(self, entry: Entry) -> None:
        """The second answer of a sequence that was begun again is the first one."""
        if self._stateful and self._result.outputs[entry.index].tobytes() != entry.output:
            raise LinkError(
                f"the board answered image {entry.index} otherwise when the sequence was begun again",
                hint="its state is not what a reset makes it: do not trust this run, and report it with the model",
            )

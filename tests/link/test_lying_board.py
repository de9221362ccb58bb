"""A board whose frames are whole and whose answers are not what it computed: the host must find out."""

from collections.abc import Callable

import pytest

from boardproof_export.shared.errors import LinkError
from boardproof_host.link.refusals import DigestError
from boardproof_host.link.session import Session
from boardproof_host.protocol.frame import Frame, FrameParser, encode
from boardproof_host.protocol.messages import InferAnswer
from support.board_library import BoardOptions, MemoryBoard, VirtualClock
from support.conversation import Bench

Change = Callable[[InferAnswer], InferAnswer]


class LyingBoard(MemoryBoard):
    """Changes its first answer behind the engine, and gives it a CRC that holds."""

    change: Change

    def read(self, timeout: float) -> bytes:
        """See Transport."""
        if not hasattr(self, "_ours"):
            self._ours, self._lied = FrameParser(), False
        return b"".join(self._pass_on(frame) for frame in self._ours.feed(super().read(timeout)))

    def _pass_on(self, frame: Frame) -> bytes:
        payload = frame.payload
        if frame.type == InferAnswer.TYPE and not self._lied:
            self._lied = True
            payload = self.change(InferAnswer.unpack(payload)).pack()
        return encode(frame.type, frame.seq, payload)


def lying(bench: Bench, change: Change) -> Session:
    clock = VirtualClock()
    board = LyingBoard(bench.library, clock)
    board.change = change
    session = Session(board, seed=1, clock=clock)
    session.hello()
    return session


def test_an_output_that_was_changed_is_found_by_the_digest(small: Bench) -> None:
    session = lying(
        small,
        lambda answer: InferAnswer(
            answer.input_crc, answer.ticks, bytes([answer.output[0] ^ 1]) + answer.output[1:]
        ),
    )
    answers = list(session.stream((index, row.tobytes()) for index, row in enumerate(small.inputs)))
    assert len(answers) == len(small.inputs)
    with pytest.raises(DigestError, match="digest"):
        session.check_digest()
    assert session.counters.confirmed == 0


def test_an_answer_to_another_input_is_refused_at_once(small: Bench) -> None:
    session = lying(small, lambda answer: InferAnswer(answer.input_crc ^ 1, answer.ticks, answer.output))
    with pytest.raises(LinkError, match="another input than image 0"):
        list(session.stream((index, row.tobytes()) for index, row in enumerate(small.inputs)))


def test_the_same_without_a_lie(small: Bench) -> None:
    session = lying(small, lambda answer: answer)
    answers = list(session.stream((index, row.tobytes()) for index, row in enumerate(small.inputs)))
    session.check_digest()
    assert session.counters.confirmed == len(answers) == len(small.inputs)


def test_a_restart_after_the_last_answer_costs_only_the_confirmation(small: Bench) -> None:
    """The answers came whole; that the board cannot confirm them any more is counted and no reason to drop them."""
    clock = VirtualClock()
    board = MemoryBoard(small.library, clock)
    session = Session(board, seed=1, clock=clock)
    session.hello()
    answers = list(session.stream((index, row.tobytes()) for index, row in enumerate(small.inputs)))
    board.lose_power()
    with pytest.raises(LinkError) as caught:
        session.check_digest()
    assert not isinstance(caught.value, DigestError)
    assert len(answers) == len(small.inputs)
    assert session.counters.confirmed == 0


def test_a_stream_that_was_stopped_is_not_taken_for_a_lie(small: Bench) -> None:
    """The board goes on with what was on its way, and its digest is over that, too."""
    clock = VirtualClock()
    session = Session(MemoryBoard(small.library, clock, BoardOptions(inference=2.0)), seed=1, clock=clock)
    session.hello()
    answers = []
    inputs = ((index, row.tobytes()) for index, row in enumerate(small.inputs))
    for answer in session.stream(inputs, stop=lambda: bool(answers)):
        answers.append(answer)
    assert 0 < len(answers) < 4
    with pytest.raises(LinkError, match="on their way when the stream was stopped") as caught:
        session.check_digest()
    assert not isinstance(caught.value, DigestError)
    assert session.counters.confirmed == 0

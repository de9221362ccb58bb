"""A board, or the machine that emulates it, that pauses: nothing was lost, and little is sent again."""

from dataclasses import dataclass

import pytest

from boardproof_export.shared.errors import LinkError
from boardproof_host.link.disturbance.rate import ThrottledTransport
from boardproof_host.link.session import Session
from boardproof_host.runs.legs import leg_so_far
from support.board_library import BoardOptions, MemoryBoard, VirtualClock
from support.conversation import Bench

PAUSES_AT, PAUSE = 2.0, 1.0  # seconds


@dataclass
class PausingBoard(MemoryBoard):
    """Says nothing for a second."""

    def read(self, timeout: float) -> bytes:
        """See Transport."""
        if PAUSES_AT <= self.clock() < PAUSES_AT + PAUSE:
            self.clock.advance(min(self.clock() + timeout, PAUSES_AT + PAUSE))
            return b""
        return super().read(timeout)


def connected(pipe: MemoryBoard, baud: int, clock: VirtualClock) -> Session:
    session = Session(ThrottledTransport(pipe, baud, clock), seed=1, clock=clock, packed=False)
    session.hello()
    return session


@pytest.mark.parametrize("baud", [57_600, 115_200])
def test_a_pause_costs_a_few_repeats_and_not_the_window(thousand_images: Bench, baud: int) -> None:
    """The answer to a repeated request may be that to its first transmission: it proves no other one lost."""
    clock = VirtualClock()
    session = connected(PausingBoard(thousand_images.library, clock), baud, clock)
    inputs = thousand_images.inputs[:100]
    answers = list(session.stream((index, row.tobytes()) for index, row in enumerate(inputs)))
    session.check_digest()
    assert len(answers) == len(inputs)
    assert 1 <= session.counters.retransmits <= 4


def test_what_was_still_to_be_sent_when_a_stream_was_stopped_is_no_traffic(thousand_images: Bench) -> None:
    """560 % of the line were reported. And nobody waits until all of it has left, for a digest that would not fit."""
    clock = VirtualClock()
    board = MemoryBoard(thousand_images.library, clock, BoardOptions(receive_bytes=32768))
    session = connected(board, 9600, clock)
    answers = []
    inputs = ((index, row.tobytes()) for index, row in enumerate(thousand_images.inputs))
    for answer in session.stream(inputs, stop=lambda: bool(answers)):
        answers.append(answer)
    stopped = clock()
    with pytest.raises(LinkError, match="on their way when the stream was stopped"):
        session.check_digest()
    assert clock() == stopped
    assert session.counters.bytes_down * 10 / 9600 > 5 + stopped
    assert leg_so_far([session], stopped, 784).bytes_down * 10 / 9600 <= stopped + 0.01

"""Negotiating the line rate with a board whose cable carries only so much, in virtual time."""

import pytest

from boardproof_host.link.disturbance.faults import Kind
from boardproof_host.link.disturbance.rate import ThrottledTransport
from boardproof_host.link.session import Session
from boardproof_host.link.transport import SAFE_BAUD
from boardproof_host.protocol.messages import SetBaud
from support.board_library import BoardOptions, MemoryBoard, VirtualClock
from support.conversation import Bench, Circumstances, replay

RATES = (921600, 460800, 230400)


def session(bench: Bench, *, safe_baud: int = SAFE_BAUD, cable_limit: int = 0) -> tuple[Session, MemoryBoard]:
    clock = VirtualClock()
    board = MemoryBoard(bench.library, clock, BoardOptions(safe_baud=safe_baud), cable_limit=cable_limit)
    made = Session(ThrottledTransport(board, SAFE_BAUD, clock), seed=1, clock=clock)
    made.hello()
    return made, board


def check_stream(made: Session, bench: Bench) -> None:
    answers = list(made.stream((index, row.tobytes()) for index, row in enumerate(bench.inputs)))
    made.check_digest()
    outputs = {answer.index: answer.output for answer in answers}
    assert [outputs[index] for index in range(len(bench.inputs))] == [row.tobytes() for row in bench.expected]


def test_the_highest_rate_that_the_cable_carries(small: Bench) -> None:
    made, board = session(small)
    assert made.raise_baud(RATES) == 921600
    assert board.board_baud == 921600
    check_stream(made, small)


def test_the_next_rate_where_the_cable_carries_less(small: Bench) -> None:
    made, board = session(small, cable_limit=500_000)
    assert made.raise_baud(RATES) == 460800
    assert board.board_baud == 460800
    check_stream(made, small)


def test_the_safe_rate_where_it_carries_nothing_more(small: Bench) -> None:
    made, board = session(small, cable_limit=200_000)
    assert made.raise_baud(RATES) is None
    assert board.board_baud == SAFE_BAUD
    check_stream(made, small)


@pytest.mark.parametrize("rates", [(50,), (10_000_000,), ()])
def test_a_rate_that_the_board_refuses_changes_nothing(small: Bench, rates: tuple[int, ...]) -> None:
    made, board = session(small)
    assert made.raise_baud(rates) is None
    assert board.board_baud == SAFE_BAUD
    check_stream(made, small)


def test_a_link_without_a_rate_is_left_alone(small: Bench) -> None:
    made, _ = session(small, safe_baud=0)
    assert made.raise_baud(RATES) is None
    check_stream(made, small)


def test_a_board_that_restarts_at_a_high_rate_is_found_again(small: Bench) -> None:
    """It comes back at the safe rate, and the host's requests are noise to it."""
    made, board = session(small)
    assert made.raise_baud(RATES) == 921600
    stream = made.stream((index, row.tobytes()) for index, row in enumerate(small.inputs))
    first = next(stream)
    board.lose_power()
    answers = [first, *stream]
    made.check_digest()
    assert sorted(answer.index for answer in answers) == list(range(len(small.inputs)))
    assert board.board_baud == SAFE_BAUD


def test_a_pause_does_not_cost_the_rate(small: Bench) -> None:
    """Bytes of the frame after a long pause are no noise."""
    made, board = session(small)
    assert made.raise_baud(RATES) == 921600
    for _ in range(3):
        made.transport.read(5.0)
        check_stream(made, small)
    assert board.board_baud == 921600
    assert made.counters.retransmits == 0


def test_a_host_that_is_started_anew_finds_the_board_at_a_high_rate(small: Bench) -> None:
    """The host was killed; the board knows nothing of that, and the new host speaks at the safe rate."""
    made, board = session(small)
    assert made.raise_baud(RATES) == 921600
    again = Session(board.reopened(), seed=2, clock=made.clock)
    again.hello()
    assert board.board_baud == SAFE_BAUD
    check_stream(again, small)


def asked_for(made: Session, rate: int) -> None:
    made.ask(SetBaud(rate))
    made.transport.set_baud(rate)


def wait(made: Session, seconds: float) -> None:
    """The board looks at its clock every 50 ms."""
    for _ in range(round(seconds / 0.05)):
        made.transport.read(0.05)


@pytest.mark.parametrize("rates", [(921600,), (921600, 460800)])
def test_a_trial_that_nobody_confirms_ends_by_itself(small: Bench, rates: tuple[int, ...]) -> None:
    """In half a second, without a byte on the line: no noise has to tell the board that its host is not there."""
    made, board = session(small)
    for rate in rates:
        asked_for(made, rate)
    wait(made, 0.4)
    assert board.board_baud == rates[-1]
    wait(made, 0.2)
    assert board.board_baud == SAFE_BAUD


@pytest.mark.parametrize("kind", Kind)
def test_a_fault_while_the_rate_is_negotiated(small: Bench, kind: Kind) -> None:
    """Up to the first image: one fault at every other byte."""
    under = Circumstances(options=BoardOptions(safe_baud=SAFE_BAUD), rates=RATES)
    for way, seen in small.converse(under=under).bytes_seen.items():
        for offset in range(0, seen - 500, 7):
            fault = f"{kind}@{way}:{offset}"
            outcome = small.converse([fault], under=under)
            assert kind is Kind.DISCONNECT or outcome.refused is None, (
                f"{replay([fault], 0)}: {outcome.refused}"
            )

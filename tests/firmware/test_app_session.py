"""The application's session: for how long it goes on, and at which line rate."""

from pathlib import Path

import pytest

from boardproof_host.protocol import messages
from boardproof_host.protocol.frame import encode, longest_on_wire
from boardproof_host.protocol.messages import ErrorCode
from support.board_library import BoardOptions, build_sum_board
from support.sum_model import Edges
from support.talk import Talk

EDGES = Edges.of_bytes(30, 6)
LONG = Edges.of_bytes(30_000, 10)
SAFE = 115_200


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_sum_board(tmp_path_factory.mktemp("session"), EDGES)


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_sum_board(tmp_path_factory.mktemp("long"), LONG)


def at_rate(library: Path, baud: int, *, confirmed: bool = True) -> Talk:
    """A session on a line that runs at `baud`, for what is sent and at both ends."""
    talk = Talk(library, BoardOptions(safe_baud=SAFE), baud=SAFE)
    talk.hello()
    talk.ask(messages.SetBaud(baud), 1)
    talk.baud = baud
    talk.board.set_baud(baud)
    assert talk.board.board_baud == baud
    if confirmed:
        talk.ask(messages.Echo(b"heard"), 2)
    return talk


def test_a_session_goes_on_for_ever(library: Path) -> None:
    """More requests than half of all sequence numbers, in steps: 20 days at 1,200 a second, several times over."""
    talk = Talk(library)
    talk.hello(seq=5)
    data = EDGES.input(1)
    count = 0
    for step in range(1, 40):
        seq = (5 + step * 0x1FFFFFFF) % 2**32
        assert talk.infer(data, seq).output == EDGES.output(data)
        assert talk.infer(data, seq).output == EDGES.output(data)  # repeated
        count += 1
    status = talk.status((seq + 1) % 2**32)
    assert (status.inferences, status.repeated) == (count, count)


def test_a_kept_answer_is_that_of_the_same_request_alone(library: Path) -> None:
    """The number is the same and the input another: a host that was started anew, by chance. It gets its own answer."""
    talk = Talk(library)
    talk.hello(seq=5)
    one, other = EDGES.input(1), EDGES.input(2)
    assert EDGES.output(one) != EDGES.output(other)
    assert talk.infer(one, 6).output == EDGES.output(one)
    assert talk.infer(other, 6).output == EDGES.output(other)
    assert talk.infer(other, 6).output == EDGES.output(other)
    status = talk.status(7)
    assert (status.inferences, status.repeated) == (2, 1)


def test_late_requests_stay_late_in_a_long_session(library: Path) -> None:
    talk = Talk(library)
    talk.hello(seq=5)
    data = EDGES.input(1)
    late = encode(messages.Infer.TYPE, 5, data)
    for seq in (0x40000000, 0x60000000, 0x7FFFFFFF, 0xA0000000):
        assert talk.send(late) == []
        assert talk.infer(data, seq).output == EDGES.output(data)
    assert talk.send(encode(messages.Infer.TYPE, 0x7FFFFFFE, data)) == []


def test_answers_of_long_ago_are_in_nobodys_way(library: Path) -> None:
    """A kept answer whose number comes after a request's, because numbers have wrapped, does not stop it."""
    talk = Talk(library)
    talk.hello(seq=0)
    data, other = EDGES.input(1), EDGES.input(2)
    talk.infer(data, 16)
    for step in range(1, 5):
        talk.status(16 + step * 0x1FFFFFFF)
    assert talk.infer(other, 16 + 0x90000000).output == EDGES.output(other)


def test_a_trial_of_a_rate_ends(library: Path) -> None:
    talk = at_rate(library, 921_600, confirmed=False)
    talk.hear(0.45)
    assert talk.board.board_baud == 921_600
    talk.hear(0.06)
    talk.hear(0.001)  # the board looks at its clock when something wakes it
    assert talk.board.board_baud == SAFE
    talk.board.set_baud(SAFE)
    talk.baud = SAFE
    assert talk.status(3).frames == 2  # set_baud and this


def test_a_confirmed_rate_stays(library: Path) -> None:
    talk = at_rate(library, 921_600)
    talk.hear(30.0)
    assert talk.board.board_baud == 921_600
    assert talk.infer(EDGES.input(1), 3).output == EDGES.output(EDGES.input(1))


def test_rates_that_no_link_has(library: Path) -> None:
    talk = Talk(library, BoardOptions(safe_baud=SAFE))
    talk.hello()
    for seq, baud in enumerate((0, 9_599, 4_000_001, 2**32 - 1), start=1):
        assert talk.refused(messages.SetBaud(baud), seq) == (ErrorCode.BAUD_REFUSED, baud, 0)
    assert talk.board.board_baud == SAFE


@pytest.mark.parametrize("baud", [57_600, 230_400, 9_600])
def test_a_frame_may_take_longer_than_a_second(long: Path, baud: int) -> None:
    """30,000 bytes: 5.2 s, 1.3 s, 31 s on the wire; also behind one that was damaged."""
    talk = at_rate(long, baud)
    data = LONG.input(1)
    assert talk.infer(data, 3).output == LONG.output(data)
    wire = bytearray(encode(messages.Infer.TYPE, 4, data))
    wire[100] ^= 1
    assert talk.send(bytes(wire)) == []
    assert talk.infer(data, 4).output == LONG.output(data)
    assert talk.board.board_baud == baud
    assert talk.board.overruns == 0


@pytest.mark.parametrize("baud", [57_600, 921_600])
def test_a_host_that_comes_back_at_the_first_rate_is_heard(long: Path, baud: int) -> None:
    talk = at_rate(long, baud)
    talk.board.set_baud(SAFE)  # the host; the board does not know yet
    talk.baud = SAFE
    bound = 1.0 + 2 * longest_on_wire(11 + LONG.input_bytes) * 10 / baud + 0.01
    hello = encode(messages.Hello.TYPE, 9, messages.Hello(99, messages.VERSION).pack())
    started = talk.clock()
    while talk.board.board_baud == baud:
        assert talk.send(hello) == []
        talk.hear(0.05)
        assert talk.clock() - started < bound + 0.1
    assert talk.clock() - started > bound - 0.2
    assert talk.hello(10, nonce=99).baud == SAFE

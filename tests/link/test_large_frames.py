"""Frames that need seconds on the wire: images of 96 x 96 x 3, outputs of 80 KB, and a board that stops reading."""

import os
import pty
import time
from pathlib import Path

import pytest

from boardproof_export.shared.errors import LinkError
from boardproof_host.link.disturbance.faults import FaultSpec, Kind
from boardproof_host.link.disturbance.rate import ThrottledTransport
from boardproof_host.link.refusals import StalledError
from boardproof_host.link.session import Session
from boardproof_host.link.timeouts import Patience
from boardproof_host.link.transport import SAFE_BAUD
from boardproof_host.ports.serial_port import SerialTransport
from support.board_library import BoardOptions, MemoryBoard, VirtualClock, build_sum_board
from support.conversation import Bench, Circumstances, as_bench
from support.sum_model import Edges

IMAGE = Edges.of_bytes(96 * 96 * 3, 10)
LARGE_OUTPUT = Edges.of_bytes(100, 80_000)


@pytest.fixture(scope="module")
def image_board(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_sum_board(tmp_path_factory.mktemp("image"), IMAGE)


@pytest.fixture(scope="module")
def output_board(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_sum_board(tmp_path_factory.mktemp("output"), LARGE_OUTPUT)


def stream(session: Session, edges: Edges, count: int) -> None:
    """Streams `count` inputs, each answer of which has to be right."""
    inputs = [edges.input(number) for number in range(count)]
    answers = {answer.index: answer.output for answer in session.stream(enumerate(inputs))}
    session.check_digest()
    assert answers == {index: edges.output(data) for index, data in enumerate(inputs)}


@pytest.mark.parametrize("receive_bytes", [1024, 32768])
@pytest.mark.parametrize("baud", [115_200, 921_600])
def test_images_of_27_kb_fill_the_line(image_board: Path, baud: int, receive_bytes: int) -> None:
    """Complete, at least 95 % of the line, and nothing sent twice: it was 11 times the bytes, then "no answer"."""
    clock = VirtualClock()
    board = MemoryBoard(image_board, clock, BoardOptions(receive_bytes=receive_bytes, inference=2e-3))
    session = Session(ThrottledTransport(board, baud, clock), seed=1, clock=clock, packed=False)
    session.hello()
    started, sent = clock(), session.counters.bytes_down
    stream(session, IMAGE, 100)
    seconds, sent = clock() - started, session.counters.bytes_down - sent
    assert session.counters.retransmits == 0
    assert session.counters.confirmed == 100
    assert IMAGE.input_bytes * 100 * 10 / baud / seconds > 0.95
    assert sent * 10 / baud <= seconds


def test_a_rate_outlasts_a_frame_of_over_a_second(image_board: Path) -> None:
    """27,648 bytes take 1.2 s at 230,400 baud: the board must not take the frame for a host that was lost."""
    clock = VirtualClock()
    options = BoardOptions(safe_baud=SAFE_BAUD, receive_bytes=4096)
    board = MemoryBoard(image_board, clock, options)
    session = Session(ThrottledTransport(board, SAFE_BAUD, clock), seed=1, clock=clock, packed=False)
    session.hello()
    assert session.raise_baud((230_400,)) == 230_400
    stream(session, IMAGE, 5)
    assert board.board_baud == 230_400
    assert session.counters.retransmits == 0


@pytest.mark.parametrize("baud", [0, 115_200])
def test_outputs_of_80_kb(output_board: Path, baud: int) -> None:
    """At 115,200 baud each is 7 s on the wire."""
    clock = VirtualClock()
    board = MemoryBoard(output_board, clock)
    pipe = ThrottledTransport(board, baud, clock) if baud else board
    session = Session(pipe, seed=1, clock=clock)
    session.hello()
    stream(session, LARGE_OUTPUT, 6)
    assert session.counters.retransmits == 0
    assert session.counters.confirmed == 6


def test_an_inference_of_25_seconds_is_waited_for(image_board: Path) -> None:
    """When the user says so, or the board does in hello."""
    clock = VirtualClock()
    board = MemoryBoard(image_board, clock, BoardOptions(inference=25.0))
    session = Session(board, seed=1, clock=clock, patience=Patience(silence=60.0))
    session.hello()
    stream(session, IMAGE, 3)
    clock = VirtualClock()
    board = MemoryBoard(image_board, clock, BoardOptions(inference=25.0))
    session = Session(board, seed=1, clock=clock, patience=Patience(silence=5.0))
    session.hello()
    with pytest.raises(LinkError, match="no answer"):
        stream(session, IMAGE, 3)


@pytest.mark.parametrize("kind", Kind)
def test_a_fault_among_large_frames(image_board: Path, kind: Kind) -> None:
    """The matrix in small; `make faults` has more of it."""
    bench: Bench = as_bench(
        image_board, [IMAGE.input(n) for n in range(4)], [IMAGE.output(IMAGE.input(n)) for n in range(4)]
    )
    under = Circumstances(
        options=BoardOptions(receive_bytes=1024, inference=2e-3), baud=921_600, packed=False
    )
    seen = bench.converse(under=under).bytes_seen
    for way, step in (("down", 9_973), ("up", 17)):
        for offset in range(3, seen[way], step):
            fault = FaultSpec.parse(f"{kind}@{way}:{offset}")
            outcome = bench.converse([fault], under=under)
            assert kind is Kind.DISCONNECT or outcome.refused is None, (fault, outcome.refused)


def test_a_board_that_stops_reading_is_reported() -> None:
    """For real, on a terminal whose other end is never read: it was for ever."""
    board, host = pty.openpty()
    os.set_blocking(board, False)
    transport = SerialTransport(os.ttyname(host))
    transport.write_seconds = 0.5
    started = time.monotonic()
    with pytest.raises(StalledError, match="took no byte for"):
        for _ in range(64):
            transport.write(bytes(range(256)) * 64)
    assert time.monotonic() - started < 15
    transport.close()
    os.close(board)
    os.close(host)


def test_nobody_waits_longer_than_the_limit_of_silence(image_board: Path) -> None:
    clock = VirtualClock()
    session = Session(MemoryBoard(image_board, clock), seed=1, clock=clock)
    session.hello()
    assert session.transport.write_seconds <= 15

"""What happens to the board and not to the cable: resets, boot text, small buffers; and what foreigners send."""

import random
from dataclasses import replace

import numpy as np
import pytest

from boardproof_export.shared.errors import LinkError
from boardproof_host.link.disturbance.rate import ThrottledTransport
from boardproof_host.link.session import Session
from boardproof_host.protocol import messages
from boardproof_host.protocol.frame import FrameParser, encode
from model_builder import random_model
from support.board_library import SMALL_DEPTHS, BoardOptions, MemoryBoard, VirtualClock
from support.conversation import Bench, Circumstances, converse, random_inputs

BOOT_TEXT = b"\r\nets Jul 29 2019 12:21:46\r\n\r\nrst:0x1 (POWERON_RESET),boot:0x13\r\n\x00\xff\x00boot"


def test_an_undisturbed_board_answers_what_tflite_micro_does(small: Bench) -> None:
    """The expectation of all these tests is the oracle's."""
    from tflite_micro.python.tflite_micro import runtime

    interpreter = runtime.Interpreter.from_bytes(random_model(1, depths=SMALL_DEPTHS))
    for row, expected in zip(small.inputs, small.expected, strict=True):
        interpreter.set_input(row.reshape(1, -1), 0)
        interpreter.invoke()
        assert (interpreter.get_output(0).reshape(-1) == expected).all()


@pytest.mark.parametrize("phase", range(2))
def test_power_lost_at_a_received_byte(small: Bench, phase: int) -> None:
    """The board forgets everything at any byte; the run goes on, or says that it cannot be confirmed."""
    received = small.converse().bytes_seen["down"]
    for at in range(1 + phase, received + 1, 5):
        options = BoardOptions(power_lost_at=at, boot=0.05, boot_text=BOOT_TEXT)
        outcome = small.converse(under=Circumstances(options=options))
        assert outcome.power_losses == 1
        if at <= received - 2 * len(encode(messages.Status.TYPE, 0, b"")):
            assert outcome.refused is None, f"power lost at byte {at}: {outcome.refused}"


def test_power_lost_while_the_board_is_behind(small: Bench) -> None:
    """Frames wait in the receive buffer when the power goes: they are computed after the restart."""
    for at in range(40, 500, 23):
        options = BoardOptions(power_lost_at=at, inference=5e-3, boot=0.3)
        outcome = small.converse(under=Circumstances(options=options, baud=921600))
        assert (outcome.refused, outcome.power_losses) == (None, 1), f"power lost at byte {at}"
        assert outcome.counters.restarts >= 1 or at < 60


def test_a_board_that_resets_on_open_is_waited_for(small: Bench) -> None:
    options = BoardOptions(boot=1.7, boot_text=BOOT_TEXT)
    outcome = small.converse(under=Circumstances(options=options))
    assert outcome.refused is None
    assert 1.7 < outcome.seconds < 3


def test_a_board_that_is_dead_is_refused(small: Bench) -> None:
    outcome = small.converse(under=Circumstances(options=BoardOptions(boot=1e6), reopens=False))
    assert outcome.refused is not None
    assert "no answer" in outcome.refused
    assert outcome.seconds < 10


@pytest.mark.parametrize("receive_bytes", [64, 128, 1024, 4096])
@pytest.mark.parametrize("transmit", [0.0, 1e-5])
def test_credits_keep_a_slow_board_from_losing_a_byte(
    images: Bench, receive_bytes: int, transmit: float
) -> None:
    """An inference takes as long as three frames, and the line is twice as fast as the usual fast one."""
    options = BoardOptions(receive_bytes=receive_bytes, inference=25e-3, transmit=transmit)
    outcome = images.converse(under=Circumstances(options=options, baud=2_000_000))
    assert (outcome.refused, outcome.overruns, outcome.counters.retransmits) == (None, 0, 0)
    assert outcome.inferences == len(images.inputs)


def test_the_receive_buffer_really_loses_what_overflows(images: Bench) -> None:
    """The test above can fail: frames that come while the board infers, beyond its credits, are lost and counted."""
    clock = VirtualClock()
    board = MemoryBoard(images.library, clock, BoardOptions(receive_bytes=64, inference=25e-3))
    line = ThrottledTransport(board, 2_000_000, clock)
    line.write(encode(messages.Hello.TYPE, 0, messages.Hello(1, messages.VERSION).pack()))
    for seq, row in enumerate(images.inputs[:2], start=1):
        line.write(encode(messages.Infer.TYPE, seq, row.tobytes()))
    parser = FrameParser()
    answers = []
    while data := line.read(0.1):
        answers += parser.feed(data)
    assert [frame.seq for frame in answers] == [0, 1]
    # The second frame takes 4 ms, and the board is deaf for 25: 64 bytes of it are kept.
    assert board.overruns == len(encode(messages.Infer.TYPE, 2, images.inputs[1].tobytes())) - 64


def test_a_window_of_many_frames_overlaps_transfer_and_inference(images: Bench) -> None:
    """Where the buffer holds a frame, the line is never idle: the run takes the time of the bytes alone."""
    options = BoardOptions(receive_bytes=2048, inference=2e-3)
    outcome = images.converse(under=Circumstances(options=options, baud=921600, packed=False))
    wire = outcome.counters.bytes_down * 10 / 921600
    assert wire < outcome.seconds < wire * 1.06


@pytest.mark.parametrize("before_wrap", [0, 1, 2, 7, 20])
def test_sequence_numbers_wrap(small: Bench, before_wrap: int) -> None:
    clock = VirtualClock()
    board = MemoryBoard(small.library, clock)
    session = Session(board, seed=1, clock=clock)
    session.exchange.seq = 2**32 - 1 - before_wrap
    session.hello()
    answers = list(session.stream((index, row.tobytes()) for index, row in enumerate(small.inputs)))
    session.check_digest()
    assert [answer.index for answer in answers] == list(range(len(small.inputs)))
    assert board.inferences == len(small.inputs)


def test_sequence_numbers_wrap_on_a_faulty_line(small: Bench) -> None:
    class Wrapping(Session):
        def __post_init__(self) -> None:
            super().__post_init__()
            self.exchange.seq = 2**32 - 10

    outcome = converse(
        small.library, small.inputs, small.expected, ["flip:0.01", "duplicate:0.01"], session_type=Wrapping
    )
    assert outcome.refused is None


class Raw:
    """Frames by hand, to a board in memory."""

    def __init__(self, bench: Bench, options: BoardOptions | None = None) -> None:
        self.clock = VirtualClock()
        self.board = MemoryBoard(bench.library, self.clock, options or BoardOptions())
        self._parser = FrameParser()

    def say(self, data: bytes) -> list[tuple[int, int, bytes]]:
        """Sends bytes; returns (type, sequence number, payload) of all answers that come within a second."""
        self.board.write(data)
        frames = []
        while said := self.board.read(1.0):
            frames += self._parser.feed(said)
        return [(frame.type, frame.seq, frame.payload) for frame in frames]

    def hello(self, seq: int, nonce: int = 1) -> list[tuple[int, int, bytes]]:
        return self.say(encode(messages.Hello.TYPE, seq, messages.Hello(nonce, messages.VERSION).pack()))

    def infer(self, seq: int, data: bytes) -> list[tuple[int, int, bytes]]:
        return self.say(encode(messages.Infer.TYPE, seq, data))

    def status(self, seq: int) -> messages.StatusAnswer:
        ((_, _, payload),) = self.say(encode(messages.Status.TYPE, seq, b""))
        return messages.StatusAnswer.unpack(payload)


def test_a_request_is_computed_once_however_often_it_comes(small: Bench) -> None:
    raw = Raw(small)
    raw.hello(0)
    data = small.inputs[0].tobytes()
    first = raw.infer(1, data)
    assert [raw.infer(1, data) for _ in range(5)] == [first] * 5
    status = raw.status(2)
    assert (status.inferences, status.repeated, raw.board.inferences) == (1, 5, 1)


def test_a_hello_that_comes_twice_keeps_the_session(small: Bench) -> None:
    raw = Raw(small)
    raw.hello(0, nonce=9)
    raw.infer(1, small.inputs[0].tobytes())
    before = raw.status(2)
    raw.hello(3, nonce=9)
    after = raw.status(4)
    assert (after.inferences, after.digest) == (before.inferences, before.digest)
    raw.hello(5, nonce=10)
    assert raw.status(6).inferences == 0


def test_what_comes_late_is_not_computed(small: Bench) -> None:
    """Requests from before the session's hello, and those whose answers made room for later ones."""
    raw = Raw(small)
    raw.hello(100)
    data = small.inputs[0].tobytes()
    assert raw.infer(100, data) == raw.infer(99, data) == raw.infer((100 - 2**31 + 1) % 2**32, data) == []
    for seq in range(101, 121):
        assert len(raw.infer(seq, data)) == 1
    assert raw.infer(101, data) == []  # 117 took its place
    assert len(raw.infer(105, data)) == 1  # the oldest that is kept
    assert raw.board.inferences == 20


@pytest.mark.parametrize("length", [1, 2, 3, 13, 63, 64, 65, 255, 256, 803, 5000, 70_000])
def test_garbage_of_any_length_before_and_between_frames(small: Bench, length: int) -> None:
    for seed in range(3):
        garbage = random.Random(f"{seed}/{length}").randbytes(length)
        raw = Raw(small)
        raw.say(garbage)
        assert len(raw.hello(0)) == 1
        for index, row in enumerate(small.inputs[:4], start=1):
            raw.say(garbage)
            ((_, seq, payload),) = raw.infer(index, row.tobytes())
            assert seq == index
            assert messages.InferAnswer.unpack(payload).output == small.expected[index - 1].tobytes()
        assert raw.board.inferences == 4


def test_a_board_gives_power_losses_away_by_refusing(small: Bench) -> None:
    raw = Raw(small)
    raw.hello(0)
    raw.board.lose_power()
    ((kind, seq, payload),) = raw.infer(1, small.inputs[0].tobytes())
    assert (kind, seq) == (messages.Error.TYPE, 1)
    assert messages.Error.unpack(payload).code == messages.ErrorCode.NO_SESSION


def test_two_sessions_one_after_the_other(small: Bench) -> None:
    """A second host says hello to a board that runs: nothing of the first session is left in its digest."""
    clock = VirtualClock()
    board = MemoryBoard(small.library, clock)
    for seed in range(4):
        session = Session(board, seed=seed, clock=clock)
        session.hello()
        rows = random_inputs(5, small.inputs.shape[1], seed)
        answers = list(session.stream((index, row.tobytes()) for index, row in enumerate(rows)))
        session.check_digest()
        assert len({answer.output for answer in answers}) > 1
        assert np.unique([answer.index for answer in answers]).size == 5


@pytest.mark.parametrize("what", ["model_sha256", "build_id", "target", "engine", "kernels"])
def test_another_firmware_is_not_gone_on_with(small: Bench, what: str) -> None:
    """Half a run of one firmware and half of another prove neither."""
    clock = VirtualClock()
    session = Session(MemoryBoard(small.library, clock), seed=1, clock=clock)
    identity = session.hello()
    identity.check_same(identity)
    with pytest.raises(LinkError, match=what):
        replace(identity, **{what: "another"}).check_same(identity)

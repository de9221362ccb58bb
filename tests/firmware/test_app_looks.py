"""The application's answers about what is inside: operators, their cost, their values; and engines that fail."""

import zlib
from pathlib import Path

import pytest

from boardproof_host.protocol import messages
from boardproof_host.protocol.frame import Frame, encode
from boardproof_host.protocol.messages import ErrorCode
from model_builder import FLOAT32, INT8
from support.board_library import BoardOptions, build_sum_board
from support.sum_model import Edges
from support.talk import Talk, entries

EDGES = Edges(((INT8, (1, 40)),), ((INT8, (1, 9)), (FLOAT32, (1, 5))))
FAILS_ON = 100  # the first byte of an input
ARENA_TOO_SMALL = 1


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_sum_board(tmp_path_factory.mktemp("looks"), EDGES, [f"-DSUM_FAILS_ON={FAILS_ON}"])


@pytest.fixture
def talk(library: Path) -> Talk:
    talk = Talk(library, BoardOptions(inference=0.002))
    talk.hello()
    return talk


def failing() -> bytes:
    return bytes([FAILS_ON]) + EDGES.input(1)[1:]


def test_profile_has_an_entry_for_each_output(talk: Talk) -> None:
    data = EDGES.input(1)
    crc = zlib.crc32(data).to_bytes(4, "little")
    outputs = EDGES.output(data)
    found = entries(talk.ask(messages.Profile(data), 1).payload)
    written = [crc, len(data).to_bytes(4, "little"), outputs[:9], outputs[9:]]
    assert [(e.op, e.output, e.size, e.crc) for e in found] == [
        (op, output, len(what), zlib.crc32(what))
        for (op, output), what in zip(((0, 0), (0, 1), (1, 0), (1, 1)), written, strict=True)
    ]
    # The board in memory takes 2 ms for a measured section: an operator's cost stands beside its first output.
    assert [e.ticks for e in found] == [2000, 0, 2000, 0]


def test_layer_shows_any_part_of_any_output(talk: Talk) -> None:
    data = EDGES.input(2)
    outputs = EDGES.output(data)
    for seq, (op, output, what) in enumerate(
        ((0, 0, zlib.crc32(data).to_bytes(4, "little")), (1, 0, outputs[:9]), (1, 1, outputs[9:])), start=1
    ):
        for offset, length in (
            (0, 1000),
            (2, 3),
            (0, 0),
            (len(what) - 1, 5),
            (len(what), 5),
            (2**32 - 1, 2**32 - 1),
        ):
            answer = talk.ask(messages.Layer(op, output, offset, length, data), seq)
            assert (answer.type, answer.payload) == (
                messages.LayerAnswer.TYPE,
                what[offset : offset + length],
            )
    status = talk.status(100)
    assert (status.inferences, status.digest) == (0, 0)


def test_layer_of_what_is_not_there(talk: Talk) -> None:
    data = EDGES.input(1)
    for seq, (op, output) in enumerate(((0, 2), (1, 2), (2, 0), (65535, 255)), start=1):
        assert talk.refused(messages.Layer(op, output, 0, 4, data), seq) == (ErrorCode.BAD_PAYLOAD, 0, 0)
    assert talk.refused(messages.Layer(0, 0, 0, 4, data[:-1]), 8) == (ErrorCode.BAD_LENGTH, 51, 50)
    assert talk.refused(messages.Layer(0, 0, 0, 4, data + b"\0"), 9) == (ErrorCode.BAD_LENGTH, 51, 52)
    (answer,) = talk.send(encode(messages.Layer.TYPE, 10, b"\0\0\0"))
    assert messages.Error.unpack(answer.payload) == messages.Error(ErrorCode.BAD_LENGTH, 51, 3)


def test_layer_is_cut_at_the_longest_answer(tmp_path: Path) -> None:
    """Where an operator within writes more than the model does: here the operator's output is the model's own."""
    edges = Edges.of_bytes(10, 5000)
    talk = Talk(build_sum_board(tmp_path, edges))
    longest = talk.hello().longest_answer
    assert longest == 5008
    data = edges.input(1)
    assert talk.ask(messages.Layer(1, 0, 0, 2**32 - 1, data), 1).payload == edges.output(data)
    assert talk.damaged == 0


def test_ops_are_the_builtin_codes(talk: Talk) -> None:
    split, pack = (49).to_bytes(2, "little"), (83).to_bytes(2, "little")
    for first, codes in ((0, split + pack), (1, pack), (2, b""), (65535, b"")):
        answer = messages.OpsAnswer.unpack(talk.ask(messages.Ops(first), 1 + first % 7).payload)
        assert answer == messages.OpsAnswer(first, 2, codes)
    (answer,) = talk.send(encode(messages.Ops.TYPE, 9, b"\0"))
    assert messages.Error.unpack(answer.payload) == messages.Error(ErrorCode.BAD_LENGTH, 2, 1)


@pytest.mark.parametrize(
    ("request_", "begun"),
    [
        (messages.Infer(failing()), 0),
        (messages.Profile(failing()), 1),
        (messages.Layer(0, 1, 0, 4, failing()), 1),
        (messages.Layer(1, 0, 0, 4, failing()), 0),
    ],
    ids=["infer", "profile", "layer before", "layer behind"],
)
def test_an_operator_that_fails_is_answered_once(
    talk: Talk, request_: "messages.Infer | messages.Profile | messages.Layer", begun: int
) -> None:
    """An answer that was begun is given up so that nobody takes it for one."""
    assert talk.refused(request_, 1) == (ErrorCode.ENGINE_INVOKE, 0, 1)
    assert talk.damaged == begun
    data = EDGES.input(1)
    assert talk.infer(data, 2).output == EDGES.output(data)
    assert talk.status(3).inferences == 1


def test_a_board_whose_engine_is_not_ready_says_so(tmp_path: Path) -> None:
    """Nobody touches its tensors: the test's engine would trap."""
    talk = Talk(build_sum_board(tmp_path, EDGES, [f"-DSUM_INIT={ARENA_TOO_SMALL}"]))
    hello = messages.Hello(7, messages.VERSION)
    expected = messages.Error(ErrorCode.ENGINE_ARENA, 4096, 1024).pack()
    assert talk.ask(hello, 0) == Frame(messages.Error.TYPE, 0, expected)
    data = EDGES.input(1)
    for seq, request in enumerate(
        (
            messages.Infer(data),
            messages.InferPacked(b"\xa7"),
            messages.Profile(data),
            messages.Layer(0, 0, 0, 4, data),
        ),
        1,
    ):
        assert talk.refused(request, seq) == (ErrorCode.NO_SESSION, 0, 0)
    assert talk.ask(messages.Echo(b"still here"), 9).payload == b"still here"


@pytest.mark.parametrize("version", [0, 1, 3, 255])
def test_a_host_of_another_version_is_told(library: Path, version: int) -> None:
    answer = Talk(library).ask(messages.Hello(7, version), 5)
    error = messages.Error.unpack(answer.payload)
    assert error == messages.Error(ErrorCode.VERSION_MISMATCH, messages.VERSION, version)


def test_how_long_an_inference_may_take(tmp_path: Path, library: Path) -> None:
    assert Talk(library).hello().inference_ms >= 1000  # estimated
    for told in (0, 120_000):
        folder = tmp_path / str(told)
        folder.mkdir()
        assert (
            Talk(build_sum_board(folder, EDGES, [f"-DAPP_INFERENCE_MS={told}"])).hello().inference_ms == told
        )

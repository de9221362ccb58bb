"""The application decodes requests straight into the engine's tensors: any edges, large ones, and damage in between."""

import dataclasses
import re
import subprocess
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boardproof_host.protocol import messages
from boardproof_host.protocol.frame import encode
from boardproof_host.protocol.messages import ErrorCode, TensorRole, TensorType
from boardproof_host.protocol.packed import pack
from model_builder import FLOAT32, INT8, INT32, schema
from support.board_library import HERE, build_sum_board
from support.host_c import compile_host
from support.sum_model import Edges
from support.talk import Talk

TYPES = schema.TensorType
MIXED = Edges(
    inputs=(
        (FLOAT32, (1, 3)),
        (INT8, (1, 2, 5)),
        (TYPES.INT16, (7,)),
        (TYPES.BOOL, (1, 1)),
        (TYPES.UINT8, ()),
    ),
    outputs=((INT8, (1, 9)), (INT32, (2, 2))),
    zero_point=3,
)
LARGE = Edges(((INT8, (1, 96, 96, 3)), (INT8, (1, 82_353))), ((INT8, (1, 70_000)), (FLOAT32, (1, 2_500))))
PLAIN = Edges.of_bytes(300, 10)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_sum_board(tmp_path_factory.mktemp("mixed"), MIXED)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_sum_board(tmp_path_factory.mktemp("large"), LARGE)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_sum_board(tmp_path_factory.mktemp("plain"), PLAIN)


def test_hello_tells_the_tensors(mixed: Path) -> None:
    hello = Talk(mixed).hello()
    told = [
        (tensor.role, tensor.type, tensor.dims, tensor.quantized, tensor.scale) for tensor in hello.tensors
    ]
    assert told == [
        (TensorRole.INPUT, TensorType.FLOAT32, (1, 3), 0, 0.0),
        (TensorRole.INPUT, TensorType.INT8, (1, 2, 5), 1, 0.5),
        (TensorRole.INPUT, TensorType.INT16, (7,), 0, 0.0),
        (TensorRole.INPUT, TensorType.BOOL, (1, 1), 0, 0.0),
        (TensorRole.INPUT, TensorType.UINT8, (), 0, 0.0),
        (TensorRole.OUTPUT, TensorType.INT8, (1, 9), 1, 0.5),
        (TensorRole.OUTPUT, TensorType.INT32, (2, 2), 0, 0.0),
    ]
    assert hello.packed_fill == 0  # the first input's elements are no bytes
    assert hello.op_count == 2


@pytest.mark.parametrize(
    "edges", [MIXED, LARGE, PLAIN, Edges.of_bytes(1, 1)], ids=["mixed", "large", "plain", "1"]
)
def test_lengths_are_those_of_the_page(edges: Edges, tmp_path: Path) -> None:
    hello = Talk(build_sum_board(tmp_path, edges)).hello()
    dims = sum(len(tensor.dims) for tensor in hello.tensors)
    outputs = 2 + len(edges.outputs)
    assert hello.longest_request == max(11 + edges.input_bytes, 64)
    assert hello.longest_answer == max(
        8 + edges.output_bytes, 15 * outputs, 216 + 12 * len(hello.tensors) + 4 * dims, 2048
    )


@pytest.mark.parametrize(
    ("outputs", "kept"), [(1, 16), (236, 16), (237, 8), (492, 8), (640, 4), (2028, 2), (2029, 1)]
)
def test_long_outputs_are_kept_fewer_times(outputs: int, kept: int, tmp_path: Path) -> None:
    edges = Edges.of_bytes(20, outputs)
    talk = Talk(build_sum_board(tmp_path, edges))
    assert talk.hello().answers_kept == kept
    inputs = [edges.input(seed) for seed in range(1, 20)]
    for seq, data in enumerate(inputs, start=1):
        assert talk.infer(data, seq).output == edges.output(data)
    last = len(inputs)
    assert talk.infer(inputs[last - kept], last - kept + 1).output == edges.output(inputs[last - kept])
    assert talk.send(encode(messages.Infer.TYPE, last - kept, inputs[last - kept - 1])) == []
    status = talk.status(last + 1)
    assert (status.inferences, status.repeated) == (last, 1)


def test_several_inputs_and_outputs_plain_and_packed(mixed: Path) -> None:
    talk = Talk(mixed)
    fill = talk.hello().packed_fill
    digest = 0
    for seed in range(1, 9):
        data = MIXED.input(seed)
        request = messages.Infer(data) if seed % 2 else messages.InferPacked(pack(data, fill))
        answer = messages.InferAnswer.unpack(talk.ask(request, seed).payload)
        assert answer.output == MIXED.output(data)
        assert answer.input_crc == zlib.crc32(data)
        digest += zlib.crc32(answer.input_crc.to_bytes(4, "little") + answer.output)
    status = talk.status(9)
    assert (status.inferences, status.digest) == (8, digest % 2**32)


def test_inputs_of_110_kb_and_outputs_of_80_kb(large: Path) -> None:
    assert (LARGE.input_bytes, LARGE.output_bytes) == (110_001, 80_000)
    talk = Talk(large)
    hello = talk.hello()
    assert hello.answers_kept == 1
    first, second = LARGE.input(1), LARGE.input(2)
    packed = messages.InferPacked(pack(second, hello.packed_fill))
    assert len(packed.packed) < len(second) * 0.7
    assert talk.infer(first, 1).output == LARGE.output(first)
    assert messages.InferAnswer.unpack(talk.ask(packed, 2).payload).output == LARGE.output(second)
    values = messages.Layer(1, 0, 69_990, 100, first)
    assert talk.ask(values, 3).payload == LARGE.output(first)[69_990:70_000]
    assert talk.board.overruns == 0
    assert talk.damaged == 0


def test_a_damaged_frame_leaves_nothing_behind(plain: Path) -> None:
    """Its bytes lie in the tensor then: no answer comes from them, and the answers before it are copies."""
    talk = Talk(plain)
    talk.hello()
    one, two = PLAIN.input(1), PLAIN.input(2)
    good, damaged = encode(messages.Infer.TYPE, 1, one), bytearray(encode(messages.Infer.TYPE, 2, two))
    assert [frame.type for frame in talk.send(good)] == [messages.InferAnswer.TYPE]
    damaged[150] ^= 0x55
    assert talk.send(bytes(damaged)) == []
    assert talk.send(good[:200]) == []  # cut short: the next frame's delimiter ends it
    assert talk.infer(one, 1).output == PLAIN.output(one)
    assert talk.infer(two, 2).output == PLAIN.output(two)
    status = talk.status(3)
    assert (status.damaged, status.inferences, status.repeated) == (2, 2, 1)


def test_half_an_input_is_none(plain: Path) -> None:
    """The other half lies in the tensor, from the frame before: still there is no answer."""
    talk = Talk(plain)
    talk.hello()
    data = PLAIN.input(1)
    size = len(data)
    assert talk.infer(data, 1).output == PLAIN.output(data)
    for seq, length in enumerate((0, 1, size - 1, size + 1, size + 11), start=2):
        wrong = (data * 2)[:length]
        assert talk.refused(messages.Infer(wrong), seq) == (ErrorCode.BAD_LENGTH, size, length)
        assert talk.refused(messages.Profile(wrong), seq) == (ErrorCode.BAD_LENGTH, size, length)
    for seq, length in enumerate((0, size - 1, size + 1), start=10):
        packed = pack((data * 2)[:length], 0x80)
        assert talk.refused(messages.InferPacked(packed), seq) == (ErrorCode.BAD_PAYLOAD, 0, 0)
    cut = pack(data, 0x80)[:-1]
    assert talk.refused(messages.InferPacked(cut), 20) == (ErrorCode.BAD_PAYLOAD, 0, 0)
    begun = pack(data, 0x80) + b"\x05"  # all values, and a token that says there are more
    assert talk.refused(messages.InferPacked(begun), 22) == (ErrorCode.BAD_PAYLOAD, 0, 0)
    fills = bytes([0xFF] * 300)  # 38,400 values: far more than there is room for
    assert talk.refused(messages.InferPacked(fills), 21) == (ErrorCode.BAD_PAYLOAD, 0, 0)
    assert talk.status(23).inferences == 1


def test_requests_longer_than_the_longest_are_damage(plain: Path) -> None:
    talk = Talk(plain)
    longest = talk.hello().longest_request
    echo = messages.Echo(bytes(range(65)))
    assert talk.refused(echo, 1) == (ErrorCode.BAD_LENGTH, messages.ECHO_MAX, 65)
    assert talk.refused(messages.Echo(bytes(longest)), 2) == (ErrorCode.BAD_LENGTH, 64, longest)
    assert talk.send(encode(messages.Echo.TYPE, 3, bytes(longest + 1))) == []
    assert talk.send(encode(messages.Infer.TYPE, 4, b"\1" * 100_000)) == []
    assert talk.ask(messages.Echo(echo.data[:64]), 5).payload == echo.data[:64]
    assert talk.status(6).damaged == 2


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_answer_comes_from_anything_but_a_whole_input(mixed: Path, data: st.DataObject) -> None:
    """Requests with bytes changed, lost, doubled or cut: each answer is that of an input that was sent whole."""
    draw = data.draw
    talk = Talk(mixed)
    fill = talk.hello().packed_fill
    sent = {zlib.crc32(MIXED.input(seed)): MIXED.output(MIXED.input(seed)) for seed in range(6)}
    wire = bytearray()
    for seq in range(1, draw(st.integers(2, 12))):
        row = MIXED.input(draw(st.integers(0, 5)))
        request = messages.Infer(row) if draw(st.booleans()) else messages.InferPacked(pack(row, fill))
        wire += encode(request.TYPE, seq, request.pack())
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(wire) - 1))
        how = draw(st.integers(0, 3))
        if how == 0:
            wire[at] ^= draw(st.integers(1, 255))
        elif how == 1:
            del wire[at]
        elif how == 2:
            wire.insert(at, wire[at])
        else:
            del wire[at : at + draw(st.integers(1, 60))]
    for frame in talk.send(bytes(wire)):
        answer = messages.InferAnswer.unpack(frame.payload)
        assert sent[answer.input_crc] == answer.output
    assert talk.damaged == 0


def test_the_application_holds_no_input(tmp_path: Path) -> None:
    """What it takes beside the engine's tensors: 16 answers, and half a kilobyte, for an input of 9,216 bytes."""
    edges = Edges.of_bytes(9216, 10)
    build_sum_board(tmp_path, edges)
    unit = tmp_path / "board_app.o"
    flags = ["-c", f"-I{HERE}", f"-I{tmp_path}"]
    compile_host(unit, [HERE / "board_app.c"], flags, sanitize=False)
    sizes = subprocess.run(
        ["size", str(unit)], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    _, data, bss = (int(word) for word in re.findall(r"\d+", sizes[1])[:3])
    assert data + bss < 16 * (20 + 10 + 4) + 512


def test_an_answer_is_the_same_however_its_request_comes_in(plain: Path) -> None:
    data = PLAIN.input(3)
    wire = encode(messages.Infer.TYPE, 1, data)
    found = []
    for piece in (1, 7, 64, len(wire)):
        talk = Talk(plain)
        talk.hello()
        frames = [frame for at in range(0, len(wire), piece) for frame in talk.send(wire[at : at + piece])]
        (answer,) = (messages.InferAnswer.unpack(frame.payload) for frame in frames)
        found.append(dataclasses.replace(answer, ticks=0))
    assert set(found) == {messages.InferAnswer(zlib.crc32(data), 0, PLAIN.output(data))}

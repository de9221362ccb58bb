"""The virtual board answers what the firmware answers: one list of conversations, the same bytes from both.

The firmware is the real C application, compiled for the host with the `aot` engine; the virtual board is Python over
TensorFlow Lite Micro. Where edges are many, or of other types, both have an engine that sums. What may differ is who
they say they are, and what an inference costs.
"""

import dataclasses
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boardproof_export.shared.model import parse_graph
from boardproof_host.boards.virtual import board as virtual_board
from boardproof_host.boards.virtual.board import Firmware, VirtualBoard
from boardproof_host.boards.virtual.engine import EngineError
from boardproof_host.oracles import edges as oracle_edges
from boardproof_host.protocol import messages
from boardproof_host.protocol.frame import Frame, FrameParser, encode
from boardproof_host.protocol.messages import ErrorCode
from model_builder import FLOAT32, INT8, INT32, random_model, schema
from support.board_library import MemoryBoard, VirtualClock, build_board, build_sum_board
from support.conversations import CONVERSATIONS, Requests, error, hello, ops, status
from support.sum_model import Edges

TYPES = schema.TensorType

# By name: networks with one input and one output; the second's answers are so long that one alone is kept.
MODELS = {"one": random_model(5, depths=(20, 12, 5)), "long": random_model(6, depths=(3, 2100))}
# Edges of all types, and an engine that sums: its operator 1 fails on inputs that begin with FAILS_ON.
MIXED = Edges(
    inputs=((INT8, (1, 2, 5)), (FLOAT32, (1, 3)), (TYPES.INT16, (7,)), (TYPES.BOOL, ()), (TYPES.UINT8, (3,))),
    outputs=((INT32, (2, 2)), (INT8, (1, 9)), (FLOAT32, (1,))),
    zero_point=3,
)
FAILS_ON = 201
OWN = {
    "receive_bytes": 0,
    "clock_hz": 0,
    "build_id": bytes(8),
    "inference_ms": 0,
    "ram_used": 0,
    "ram_given": 0,
    "target": "",
    "core": "",
    "engine": "",
    "kernels": "",
}


@dataclass(frozen=True)
class SumEngine:
    """sum_engine.c in Python."""

    edges: Edges
    outputs: tuple[int, ...]  # bytes of each
    name: str = "sum"
    kernels: str = "none"
    ram_used: int = 0
    ram_given: int = 0
    can_profile: bool = True

    def reset(self) -> None:
        pass

    def invoke(self, data: bytes, *, keep: bool = False) -> bytes:
        if data[0] == FAILS_ON:
            raise EngineError(ErrorCode.ENGINE_INVOKE, 0, 1)
        return self.edges.output(data)

    def profile(self, data: bytes) -> list[tuple[bytes, ...]]:
        whole, outputs = self.invoke(data), []
        for size in self.outputs:
            outputs.append(whole[:size])
            whole = whole[size:]
        return [(struct.pack("<I", zlib.crc32(data)), struct.pack("<I", len(data))), tuple(outputs)]


@dataclass(frozen=True)
class Boards:
    """Two boards with one model, and the requests that fit it."""

    library: Path
    firmware: Firmware

    def answers_of_c(self, pieces: list[bytes]) -> bytes:
        board = MemoryBoard(self.library, VirtualClock())
        said = b""
        for piece in pieces:
            board.write(piece)
            while answer := board.read(0.001):
                said += answer
        return said

    def answers_of_python(self, pieces: list[bytes]) -> bytes:
        said = bytearray()
        board = VirtualBoard(self.firmware, said.extend)
        for piece in pieces:
            board.feed(piece)
        return bytes(said)

    def check(self, pieces: list[bytes]) -> list[Frame]:
        """Has the conversation with both; returns the answers, without what may differ."""
        from_c, from_python = self.answers_of_c(pieces), self.answers_of_python(pieces)
        parsed = parse(from_python)
        assert parsed == parse(from_c)
        return parsed

    @property
    def requests(self) -> Requests:
        firmware = self.firmware
        return Requests(firmware.edges.input_bytes, firmware.packed_fill, firmware.longest_request)


@pytest.fixture(scope="module", params=[*MODELS, "mixed"])
def boards(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Boards:
    folder = tmp_path_factory.mktemp("board")
    if request.param == "mixed":
        return mixed(folder)
    model = MODELS[request.param]
    return Boards(build_board(folder, model), virtual_board.build(model))


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory) -> Boards:
    return mixed(tmp_path_factory.mktemp("board"))


def mixed(folder: Path) -> Boards:
    path = Path("sum.tflite")
    graph = parse_graph(MIXED.model(), path)
    edges = oracle_edges.Edges.of(graph, path)
    engine = SumEngine(MIXED, tuple(tensor.bytes for tensor in edges.outputs))
    library = build_sum_board(folder, MIXED, [f"-DSUM_FAILS_ON={FAILS_ON}"])
    return Boards(library, Firmware(graph, edges, bytes(8), engine))


def parse(said: bytes, *, cancelled: int = 0) -> list[Frame]:
    """Frames of a board's answers, without what may differ; every byte must be part of one, or of a cancelled one."""
    parser = FrameParser()
    frames = parser.feed(said)
    assert parser.damaged == cancelled
    if not cancelled:
        assert b"".join(encode(frame.type, frame.seq, frame.payload) for frame in frames) == said
    return [Frame(frame.type, frame.seq, impersonal(frame)) for frame in frames]


def impersonal(frame: Frame) -> bytes:
    if frame.type == messages.HelloAnswer.TYPE:
        return dataclasses.replace(messages.HelloAnswer.unpack(frame.payload), **OWN).pack()  # type: ignore[arg-type]
    if frame.type == messages.InferAnswer.TYPE:
        return dataclasses.replace(messages.InferAnswer.unpack(frame.payload), ticks=0).pack()
    if frame.type == messages.ProfileAnswer.TYPE:
        return b"".join(dataclasses.replace(entry, ticks=0).pack() for entry in entries_of(frame))
    return frame.payload


def entries_of(frame: Frame) -> list[messages.ProfileEntry]:
    reader, entries = messages.Reader(frame.payload), []
    while not reader.at_end:
        entries.append(messages.ProfileEntry.read(reader))
    return entries


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_both_boards_say_the_same(boards: Boards, name: str) -> None:
    boards.check(CONVERSATIONS[name](boards.requests))


def test_the_conversations_reach_what_they_are_about(boards: Boards) -> None:
    """Answers that are known beforehand: two boards that are wrong in the same way would agree."""

    def said(name: str) -> list[Frame]:
        return boards.check(CONVERSATIONS[name](boards.requests))

    size = boards.requests.input_bytes

    assert said("hello of another version") == [
        error(0, ErrorCode.VERSION_MISMATCH, messages.VERSION, messages.VERSION + 1),
        error(1, ErrorCode.NO_SESSION),
    ]
    assert said("hello cut short") == [error(0, ErrorCode.BAD_LENGTH, 5, 3)]
    assert said("nothing without a session") == [error(n, ErrorCode.NO_SESSION) for n in range(1, 9)]
    assert said("inputs too short and too long")[1:4] == [
        error(1, ErrorCode.BAD_LENGTH, size, size - 1),
        error(2, ErrorCode.BAD_LENGTH, size, size + 1),
        error(3, ErrorCode.BAD_LENGTH, size, 0),
    ]
    unpacked = said("packed inputs that do not unpack")
    assert unpacked[1:6] == [error(n, ErrorCode.BAD_PAYLOAD) for n in range(1, 6)]
    assert unpacked[6].type == messages.InferAnswer.TYPE
    kinds = [frame.type for frame in said("state that is kept")]
    answer, kept = messages.InferAnswer.TYPE, messages.KeepStateAnswer.TYPE
    assert kinds[1:12] == [
        kept,
        *[answer] * 4,
        kept,
        *[answer] * 3,
        messages.Error.TYPE,
        messages.StatusAnswer.TYPE,
    ]
    looks = said("a look inside where state is kept")
    assert looks[2:4] == [error(n, ErrorCode.KEEPS_STATE) for n in (3, 4)] and looks[4].type == answer
    order = said("order where state is kept")
    assert [frame.seq for frame in order] == [0, 1, 2, 5, 6, 1, 8, 7, 9]
    assert order[6] == error(8, ErrorCode.OUT_OF_ORDER, 7, 8)
    assert said("rates")[1] == error(1, ErrorCode.BAUD_REFUSED, 921600)
    assert said("types that nobody knows")[1] == error(1, ErrorCode.UNKNOWN_TYPE, 11)
    counted = messages.StatusAnswer.unpack(said("a request repeated")[-1].payload)
    assert (counted.inferences, counted.repeated, counted.frames) == (1, 2, 4)
    counted = messages.StatusAnswer.unpack(said("frames longer than the buffer")[-1].payload)
    assert (counted.damaged, counted.inferences) == (2, 0)


def test_operators_and_their_values_are_those_of_the_model(boards: Boards) -> None:
    def said(name: str) -> list[Frame]:
        return boards.check(CONVERSATIONS[name](boards.requests))

    graph = boards.firmware.graph
    hello, all_ops, *_ = said("operators")
    assert messages.HelloAnswer.unpack(hello.payload).op_count == len(graph.ops)
    answer = messages.OpsAnswer.unpack(all_ops.payload)
    assert (answer.first, answer.total) == (0, len(graph.ops))
    assert np.frombuffer(answer.codes, "<u2").tolist() == [op.builtin for op in graph.ops]
    profiled = entries_of(said("profile")[1])
    outputs = [(op.index, at, index) for op in graph.ops for at, index in enumerate(op.outputs)]
    assert [(entry.op, entry.output) for entry in profiled] == [(op, at) for op, at, _ in outputs]
    assert [entry.size for entry in profiled] == [graph.tensors[index].bytes for _, _, index in outputs]
    _, some, two, none, beyond, *_ = said("values of a layer")
    assert two.payload == some.payload[1:3]
    assert none.payload == beyond.payload == b""
    assert said("layers that are not there")[1:4] == [error(n, ErrorCode.BAD_PAYLOAD) for n in (1, 2, 3)]


def test_layers_of_the_last_operator_are_the_models_outputs(boards: Boards) -> None:
    requests, last = boards.requests, boards.firmware.graph.ops[-1]
    size = boards.firmware.longest_answer
    asked = [requests.layer(2 + at, last.index, at, length=size) for at in range(len(last.outputs))]
    _, inferred, *shown = boards.check([hello(), requests.infer(1), *asked])
    output = messages.InferAnswer.unpack(inferred.payload).output
    assert b"".join(frame.payload for frame in shown) == output


def test_an_operator_that_fails_is_answered_once(failing: Boards) -> None:
    """A profile or layer whose operator fails is cancelled on the wire: no half of it can be taken for an answer."""
    requests = failing.requests
    bad = bytes([FAILS_ON]) + requests.image(1)[1:]
    layers = [messages.Layer(op, 0, 0, 99, bad).pack() for op in (0, 1)]
    pieces = [
        hello(),
        requests.infer(1),
        encode(messages.Infer.TYPE, 2, bad),
        encode(messages.Profile.TYPE, 3, bad),
        encode(messages.Layer.TYPE, 4, layers[0]),
        encode(messages.Layer.TYPE, 5, layers[1]),
        requests.infer(6),
        status(7),
    ]
    from_c = parse(failing.answers_of_c(pieces), cancelled=2)
    assert from_c == parse(failing.answers_of_python(pieces))
    assert from_c[2:6] == [error(seq, ErrorCode.ENGINE_INVOKE, 0, 1) for seq in range(2, 6)]
    assert from_c[6].type == messages.InferAnswer.TYPE


def build_request(requests: Requests, draw: Callable[[st.SearchStrategy[int]], int], seq: int) -> bytes:
    kind = draw(st.integers(0, 11))
    seed = draw(st.integers(0, 3))
    if kind < 4:
        return requests.infer(seq, seed) if kind % 2 else requests.packed(seq, seed)
    if kind == 4:
        return hello(seq, nonce=seed)
    if kind == 5:
        return requests.profile(seq, seed)
    if kind == 6:
        return encode(messages.Echo.TYPE, seq, requests.image(seed) * seed)
    if kind == 7:
        size = draw(st.integers(0, requests.input_bytes))
        return encode(draw(st.integers(0, 255)), seq, requests.image(seed)[:size])
    if kind == 8:
        return requests.layer(seq, op=seed, offset=draw(st.integers(0, 9)), length=draw(st.integers(0, 9)))
    if kind == 9:
        return ops(seq, seed)
    return status(seq)


@settings(max_examples=60)
@given(data=st.data())
def test_both_boards_say_the_same_to_anything(boards: Boards, data: st.DataObject) -> None:
    """Requests at random, with sequence numbers that come back, and some of their bytes changed, lost or doubled."""
    draw = data.draw
    wire = bytearray(hello())
    for _ in range(draw(st.integers(1, 25))):
        wire += build_request(boards.requests, draw, draw(st.integers(0, 40)))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(wire) - 1))
        how = draw(st.integers(0, 2))
        if how == 0:
            wire[at] ^= draw(st.integers(1, 255))
        elif how == 1:
            del wire[at]
        else:
            wire.insert(at, wire[at])
    cuts = sorted(draw(st.lists(st.integers(0, len(wire)), max_size=5)))
    pieces = [bytes(wire[a:b]) for a, b in zip([0, *cuts], [*cuts, len(wire)], strict=True)]
    boards.check([*pieces, status(99)])

"""The virtual board answers what the firmware answers: one list of conversations, the same bytes from both.

The firmware is the real C application, compiled for the host with the `aot` engine; the virtual board is Python over
TensorFlow Lite Micro. What may differ is who they say they are, and what an inference costs.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boardproof_host.boards.virtual import board as virtual_board
from boardproof_host.boards.virtual.board import Firmware, VirtualBoard
from boardproof_host.protocol import messages
from boardproof_host.protocol.frame import Frame, FrameParser, encode
from boardproof_host.protocol.messages import ErrorCode
from model_builder import random_model
from support.board_library import MemoryBoard, VirtualClock, build_board
from support.conversations import CONVERSATIONS, Requests, error, hello, ops, status
from support.small_models import two_chains_model

# By name: one input and one output; two of each, of different sizes; answers so long that one alone is kept.
MODELS = {
    "one": random_model(5, depths=(20, 12, 5)),
    "two": two_chains_model(),
    "long": random_model(6, depths=(3, 2100)),
}
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


@pytest.fixture(scope="module", params=MODELS)
def boards(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Boards:
    model = MODELS[request.param]
    return Boards(build_board(tmp_path_factory.mktemp("board"), model), virtual_board.build(model))


def parse(said: bytes) -> list[Frame]:
    """Frames of a board's answers, without what may differ; every byte must be part of one."""
    parser = FrameParser()
    frames = parser.feed(said)
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
    assert said("rates")[1] == error(1, ErrorCode.BAUD_REFUSED, 921600)
    assert said("types that nobody knows")[1] == error(1, ErrorCode.UNKNOWN_TYPE, 10)
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
    assert [(entry.op, entry.output) for entry in profiled] == [(op.index, 0) for op in graph.ops]
    assert [entry.size for entry in profiled] == [graph.tensors[op.outputs[0]].bytes for op in graph.ops]
    _, some, two, none, beyond, *_ = said("values of a layer")
    assert two.payload == some.payload[1:3]
    assert none.payload == beyond.payload == b""
    assert said("layers that are not there")[1:4] == [error(n, ErrorCode.BAD_PAYLOAD) for n in (1, 2, 3)]


def test_layers_of_the_last_operator_are_the_models_outputs(boards: Boards) -> None:
    last = len(boards.firmware.graph.ops) - 1
    requests = boards.requests
    _, inferred, shown = boards.check([hello(), requests.infer(1), requests.layer(2, last)])
    output = messages.InferAnswer.unpack(inferred.payload).output
    assert output.endswith(shown.payload) if last else output.startswith(shown.payload)


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

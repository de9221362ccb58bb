"""The virtual board answers what the firmware answers: one list of conversations, the same bytes from both.

The firmware is the real C application, compiled for the host with the `aot` engine; the virtual board is Python over
TensorFlow Lite Micro. What may differ is who they say they are, and what an inference costs.
"""

import dataclasses
import struct
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
from boardproof_host.protocol.packed import pack
from model_builder import random_model
from support.board_library import MemoryBoard, VirtualClock, build_board

INPUT_BYTES = 20
MODEL = random_model(5, depths=(INPUT_BYTES, 12, 5))
ZERO_POINT = -128
OWN = {
    "receive_bytes": 0,
    "clock_hz": 0,
    "build_id": bytes(8),
    "ram_used": 0,
    "ram_given": 0,
    "target": "",
    "core": "",
    "engine": "",
    "kernels": "",
}


@dataclass(frozen=True)
class Boards:
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


@pytest.fixture(scope="module")
def boards(tmp_path_factory: pytest.TempPathFactory) -> Boards:
    folder = tmp_path_factory.mktemp("board")
    return Boards(build_board(folder, MODEL), virtual_board.build(MODEL))


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
        entries = struct.iter_unpack("<III", frame.payload)
        return b"".join(struct.pack("<III", 0, length, crc) for _, length, crc in entries)
    return frame.payload


def image(seed: int, zeros: float = 0.5) -> bytes:
    """An input, part of it at the zero point."""
    rng = np.random.default_rng(seed)
    values = rng.integers(-128, 128, INPUT_BYTES).astype(np.int8)
    values[rng.random(INPUT_BYTES) < zeros] = ZERO_POINT
    return values.tobytes()


def hello(seq: int = 0, nonce: int = 7, version: int = messages.VERSION) -> bytes:
    return encode(messages.Hello.TYPE, seq, messages.Hello(nonce, version).pack())


def infer(seq: int, seed: int = 1) -> bytes:
    return encode(messages.Infer.TYPE, seq, image(seed))


def packed(seq: int, seed: int = 1) -> bytes:
    return encode(messages.InferPacked.TYPE, seq, pack(image(seed), ZERO_POINT))


def status(seq: int) -> bytes:
    return encode(messages.Status.TYPE, seq, b"")


def damaged(wire: bytes) -> bytes:
    """With one byte of its middle changed to something that is no delimiter."""
    at = len(wire) // 2
    return wire[:at] + bytes([wire[at] ^ 0xFF or 0x55]) + wire[at + 1 :]


def error(seq: int, code: ErrorCode, a: int = 0, b: int = 0) -> Frame:
    return Frame(messages.Error.TYPE, seq, messages.Error(code, a, b).pack())


CONVERSATIONS: dict[str, list[bytes]] = {
    "hello": [hello()],
    "hello twice is one session": [hello(0), infer(1), hello(2), status(3)],
    "another nonce is another session": [hello(0, 7), infer(1), status(2), hello(3, 8), status(4), infer(1)],
    "hello of another version": [hello(version=2), status(1)],
    "hello cut short": [encode(messages.Hello.TYPE, 0, b"\1\2\3")],
    "hello too long": [encode(messages.Hello.TYPE, 0, bytes(6))],
    "nothing without a session": [
        infer(1),
        packed(2),
        status(3),
        encode(messages.Profile.TYPE, 4, image(4)),
        encode(messages.SetBaud.TYPE, 5, bytes(4)),
        encode(0x33, 6, b""),
    ],
    "echo without a session": [encode(messages.Echo.TYPE, 0, bytes(range(64)))],
    "echo of nothing": [encode(messages.Echo.TYPE, 0, b"")],
    "echo longer than the frame buffer": [encode(messages.Echo.TYPE, 0, bytes(65)), hello(1), status(2)],
    "inputs plain and packed": [
        hello(),
        *(infer(n, n) for n in range(1, 9)),
        *(packed(n, n) for n in range(9, 17)),
    ],
    "the same input plain and packed": [hello(), infer(1), packed(2), status(3)],
    "a request repeated": [hello(), infer(1), infer(1), infer(1), status(2)],
    "a sequence number with another request": [hello(), infer(1, 1), infer(1, 2), infer(1, 1), status(2)],
    "an answer that is no longer kept": [
        hello(),
        *(infer(n, n) for n in range(40)),
        infer(23, 23),
        infer(24, 24),
        status(50),
    ],
    "requests from before the hello": [
        hello(5, 1),
        infer(5),
        infer(4),
        status(3),
        encode(0x33, 2, b""),
        infer(6),
    ],
    "a later hello of the same session": [
        hello(5, 1),
        infer(6),
        hello(9, 1),
        infer(7),
        infer(8),
        infer(5),
        status(10),
    ],
    "requests half the sequence numbers away": [
        hello(0),
        infer(2**31 - 1),
        infer(2**31),
        status(2**31 + 1),
        status(1),
    ],
    "sequence numbers that wrap": [
        hello(2**32 - 3),
        infer(2**32 - 2),
        infer(2**32 - 1),
        infer(0),
        infer(1),
        status(2),
    ],
    "inputs too short and too long": [
        hello(),
        encode(messages.Infer.TYPE, 1, image(1)[:-1]),
        encode(messages.Infer.TYPE, 2, image(1) + b"\0"),
        encode(messages.Infer.TYPE, 3, b""),
        encode(messages.Profile.TYPE, 4, b"\1"),
        status(5),
    ],
    "packed inputs that do not unpack": [
        hello(),
        encode(messages.InferPacked.TYPE, 1, b""),
        encode(messages.InferPacked.TYPE, 2, b"\xff"),
        encode(messages.InferPacked.TYPE, 3, b"\x93\0"),
        encode(messages.InferPacked.TYPE, 4, b"\x13\1\2"),
        encode(messages.InferPacked.TYPE, 5, b"\x93"),
        status(6),
    ],
    "profile": [
        hello(),
        encode(messages.Profile.TYPE, 1, image(1)),
        encode(messages.Profile.TYPE, 1, image(2)),
        status(2),
    ],
    "types that nobody knows": [
        hello(),
        encode(0x08, 1, b"x"),
        encode(0x7F, 2, b""),
        encode(0x82, 3, b"abc"),
        encode(0xFF, 4, b""),
    ],
    "status with a payload": [hello(), encode(messages.Status.TYPE, 1, b"more")],
    "rates": [
        hello(),
        encode(messages.SetBaud.TYPE, 1, messages.SetBaud(921600).pack()),
        encode(messages.SetBaud.TYPE, 2, b"\1\2"),
        encode(messages.SetBaud.TYPE, 3, bytes(5)),
        status(4),
    ],
    "damage is counted and never answered": [
        hello(),
        damaged(infer(1)),
        b"boot text\r\n",
        infer(2),
        status(3),
    ],
    "damage before hello is forgotten": [b"boot\0text\0", damaged(infer(1)), hello(2), status(3)],
    "damage behind a request does not count in its answer": [
        hello() + damaged(infer(1)) + status(2) + damaged(infer(3)) + infer(4)[:9] + status(5)
    ],
    "frames longer than the buffer": [
        hello(),
        encode(messages.Infer.TYPE, 1, bytes(66)),
        encode(2, 2, b"\1" * 5000),
        status(3),
    ],
    "frames without a body": [hello(), b"\0\0\0", b"\0\1\0", b"\0\5abcd\0", status(1)],
    "one byte at a time": [
        bytes([byte]) for byte in hello() + infer(1) + damaged(infer(2)) + packed(3) + status(4)
    ],
    "all at once": [hello() + b"".join(infer(n, n) for n in range(1, 12)) + status(12)],
}


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_both_boards_say_the_same(boards: Boards, name: str) -> None:
    boards.check(CONVERSATIONS[name])


def test_the_conversations_reach_what_they_are_about(boards: Boards) -> None:
    """Answers that are known beforehand: two boards that are wrong in the same way would agree."""

    def said(name: str) -> list[Frame]:
        return boards.check(CONVERSATIONS[name])

    assert said("hello of another version") == [
        error(0, ErrorCode.VERSION_MISMATCH, 1, 2),
        error(1, ErrorCode.NO_SESSION),
    ]
    assert said("hello cut short") == [error(0, ErrorCode.BAD_LENGTH, 5, 3)]
    assert said("nothing without a session") == [error(n, ErrorCode.NO_SESSION) for n in range(1, 7)]
    assert said("inputs too short and too long")[1:4] == [
        error(1, ErrorCode.BAD_LENGTH, INPUT_BYTES, INPUT_BYTES - 1),
        error(2, ErrorCode.BAD_LENGTH, INPUT_BYTES, INPUT_BYTES + 1),
        error(3, ErrorCode.BAD_LENGTH, INPUT_BYTES, 0),
    ]
    unpacked = said("packed inputs that do not unpack")
    assert unpacked[1:5] == [error(n, ErrorCode.BAD_PAYLOAD) for n in range(1, 5)]
    assert unpacked[5].type == messages.InferAnswer.TYPE
    assert said("rates")[1] == error(1, ErrorCode.BAUD_REFUSED, 921600)
    assert said("types that nobody knows")[1] == error(1, ErrorCode.UNKNOWN_TYPE, 8)
    counted = messages.StatusAnswer.unpack(said("a request repeated")[-1].payload)
    assert (counted.inferences, counted.repeated, counted.frames) == (1, 2, 4)
    counted = messages.StatusAnswer.unpack(said("frames longer than the buffer")[-1].payload)
    assert (counted.damaged, counted.inferences) == (2, 0)
    assert len(said("profile")[1].payload) == 12 * 2


def build_request(draw: Callable[[st.SearchStrategy[int]], int], seq: int) -> bytes:
    kind = draw(st.integers(0, 9))
    seed = draw(st.integers(0, 3))
    if kind < 4:
        return infer(seq, seed) if kind % 2 else packed(seq, seed)
    if kind == 4:
        return hello(seq, nonce=seed)
    if kind == 5:
        return encode(messages.Profile.TYPE, seq, image(seed))
    if kind == 6:
        return encode(messages.Echo.TYPE, seq, image(seed) * seed)
    if kind == 7:
        return encode(draw(st.integers(0, 255)), seq, image(seed)[: draw(st.integers(0, INPUT_BYTES))])
    return status(seq)


@settings(max_examples=60)
@given(data=st.data())
def test_both_boards_say_the_same_to_anything(boards: Boards, data: st.DataObject) -> None:
    """Requests at random, with sequence numbers that come back, and some of their bytes changed, lost or doubled."""
    draw = data.draw
    wire = bytearray(hello())
    for _ in range(draw(st.integers(1, 25))):
        wire += build_request(draw, draw(st.integers(0, 40)))
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

"""The C and the Python frame code agree: with docs/PROTOCOL.md, and with each other on anything."""

import re
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boardproof_host.protocol import messages
from boardproof_host.protocol.frame import DELIMITER, Frame, FrameParser, cobs_decode, cobs_encode, encode
from boardproof_host.protocol.packed import pack, unpack
from support.host_c import FIRMWARE, ROOT, LineTool, compile_host

HERE = Path(__file__).parent


def examples() -> list[tuple[int, int, bytes, bytes]]:
    text = (ROOT / "docs" / "PROTOCOL.md").read_text(encoding="utf-8")
    found = re.findall(r"```frame\ntype +(\S+)\nseq +(\d+)\npayload +(.+)\nwire +(.+)\n```", text)
    return [
        (int(kind, 16), int(seq), b"" if payload == "-" else bytes.fromhex(payload), bytes.fromhex(wire))
        for kind, seq, payload, wire in found
    ]


EXAMPLES = examples()


@pytest.fixture(scope="module")
def tool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LineTool]:
    sources = [
        HERE / "frame_tool.c",
        FIRMWARE / "protocol" / "frame.c",
        FIRMWARE / "protocol" / "crc32.c",
        FIRMWARE / "app" / "packed.c",
    ]
    include = [f"-I{ROOT / 'tests' / 'support'}"]
    program = LineTool(compile_host(tmp_path_factory.mktemp("frames") / "frame_tool", sources, include))
    yield program
    program.close()


def c_frames(answer: str) -> list[Frame | None]:
    """Parses the tool's answer; None stands for a damaged frame."""
    frames: list[Frame | None] = []
    for item in filter(None, answer.split(";")):
        if item == "damaged":
            frames.append(None)
        else:
            _, kind, seq, payload = item.split(" ")
            frames.append(Frame(int(kind), int(seq), bytes.fromhex(payload)))
    return frames


def python_frames(wire: bytes) -> tuple[list[Frame], int]:
    parser = FrameParser(longest=4096)
    frames = parser.feed(wire)
    return frames, parser.damaged


def test_the_page_has_examples() -> None:
    assert len(EXAMPLES) >= 14


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: f"type_{e[0]:02x}_seq_{e[1]}")
def test_examples_are_messages_as_declared(example: tuple[int, int, bytes, bytes]) -> None:
    kind, _, payload, _ = example
    (message,) = (
        value
        for value in vars(messages).values()
        if isinstance(value, type) and getattr(value, "TYPE", None) == kind
    )
    assert message.unpack(payload).pack() == payload  # type: ignore[attr-defined]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: f"type_{e[0]:02x}_seq_{e[1]}")
def test_examples_in_both_languages(tool: LineTool, example: tuple[int, int, bytes, bytes]) -> None:
    kind, seq, payload, wire = example
    assert encode(kind, seq, payload) == wire
    assert tool.ask(f"encode {kind} {seq} {payload.hex()}") == wire.hex()
    assert python_frames(wire) == ([Frame(kind, seq, payload)], 0)
    assert c_frames(tool.ask(f"decode {wire.hex()}")) == [Frame(kind, seq, payload)]


def test_crc_check_value(tool: LineTool) -> None:
    """A frame whose body is the ASCII digits 1 to 9 ends in the check value of docs/PROTOCOL.md."""
    assert zlib.crc32(b"123456789") == 0xCBF43926
    wire = bytes.fromhex(tool.ask(f"encode {ord('1')} {int.from_bytes(b'2345', 'little')} {b'6789'.hex()}"))
    assert cobs_decode(wire[1:-1]) == b"123456789" + (0xCBF43926).to_bytes(4, "little")


def test_a_frame_that_is_given_up_is_no_frame(tool: LineTool) -> None:
    """Not even where its last bytes happen to be the CRC of those before."""
    body = bytes([0x84]) + (3).to_bytes(4, "little") + b"entry"
    for payload in (b"", b"entry", bytes(300), b"entry" + zlib.crc32(body).to_bytes(4, "little")):
        given_up = bytes.fromhex(tool.ask(f"cancel {0x84} 3 {payload.hex()}"))
        wire = given_up + encode(0xFF, 3, b"error")
        assert python_frames(wire) == ([Frame(0xFF, 3, b"error")], 1)
        assert c_frames(tool.ask(f"decode {wire.hex()}")) == [None, Frame(0xFF, 3, b"error")]


LENGTHS = st.one_of(st.integers(0, 12), st.sampled_from([245, 249, 250, 253, 254, 255, 503, 504, 508, 800]))


@st.composite
def payloads(draw: st.DrawFn) -> bytes:
    """Payloads around the lengths of COBS blocks, with few or many zeros."""
    length = draw(LENGTHS)
    zeros = draw(st.sampled_from([0.0, 0.02, 0.5]))
    random = draw(st.randoms(use_true_random=False))
    return bytes(0 if random.random() < zeros else random.randrange(1, 256) for _ in range(length))


@settings(deadline=None, max_examples=150)
@given(kind=st.integers(0, 255), seq=st.integers(0, 2**32 - 1), payload=payloads())
def test_encoders_agree(tool: LineTool, kind: int, seq: int, payload: bytes) -> None:
    wire = encode(kind, seq, payload)
    assert wire[0] == wire[-1] == 0
    assert 0 not in wire[1:-1]
    assert tool.ask(f"encode {kind} {seq} {payload.hex()}") == wire.hex()
    assert python_frames(wire) == ([Frame(kind, seq, payload)], 0)


@settings(deadline=None, max_examples=300)
@given(data=st.data())
def test_decoders_agree_on_damage(tool: LineTool, data: st.DataObject) -> None:
    """Frames with bytes flipped, dropped, doubled and garbage between: both decoders find the same, in any pieces."""
    count = data.draw(st.integers(1, 4))
    sent = [Frame(data.draw(st.integers(0, 255)), index, data.draw(payloads())) for index in range(count)]
    wire = bytearray()
    for frame in sent:
        wire += data.draw(st.binary(max_size=20)) + encode(frame.type, frame.seq, frame.payload)
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(wire) - 1))
        kind = data.draw(st.sampled_from(["flip", "drop", "double"]))
        if kind == "flip":
            wire[at] ^= data.draw(st.integers(1, 255))
        elif kind == "drop":
            del wire[at]
        else:
            wire.insert(at, wire[at])
    frames, damaged = python_frames(bytes(wire))
    for how in ("decode", "trickle"):
        found = c_frames(tool.ask(f"{how} {wire.hex()}"))
        assert [frame for frame in found if frame is not None] == frames
        assert found.count(None) == damaged
    parser = FrameParser(longest=4096)
    trickled = [frame for byte in wire for frame in parser.feed(bytes([byte]))]
    assert trickled == frames
    assert all(frame in sent for frame in frames)


@pytest.mark.parametrize("more", [0, 1])
def test_the_longest_payload_is_taken_and_no_byte_more(tool: LineTool, more: int) -> None:
    payload = bytes(4096 - messages.FRAME_OVERHEAD + more)
    wire = encode(3, 1, payload) + encode(3, 2, b"next")
    good = [Frame(3, 1, payload)] if more == 0 else []
    for command in ("decode", "trickle"):
        assert c_frames(tool.ask(f"{command} {wire.hex()}")) == [*(good or [None]), Frame(3, 2, b"next")]
    assert python_frames(wire)[0][-1] == Frame(3, 2, b"next")


def test_a_run_longer_than_the_buffer_is_dropped_once(tool: LineTool) -> None:
    good = encode(2, 5, b"abc")
    wire = b"\x55" * 9000 + good
    assert python_frames(wire) == ([Frame(2, 5, b"abc")], 1)
    assert c_frames(tool.ask(f"decode {wire.hex()}")) == [None, Frame(2, 5, b"abc")]
    parser = FrameParser(longest=100)
    for _ in range(1000):
        assert parser.feed(b"\x55" * 100) == []
    assert parser.feed(good) == [Frame(2, 5, b"abc")]
    assert parser.damaged == 1


@given(st.binary(max_size=700))
def test_cobs_round_trip(data: bytes) -> None:
    assert DELIMITER not in cobs_encode(data)
    assert cobs_decode(cobs_encode(data)) == data


@settings(deadline=None, max_examples=200)
@given(
    runs=st.lists(st.tuples(st.booleans(), st.integers(1, 300)), max_size=8),
    zero_point=st.integers(-128, 127),
    seed=st.randoms(use_true_random=False),
)
def test_packed_inputs_agree(
    tool: LineTool, runs: list[tuple[bool, int]], zero_point: int, seed: object
) -> None:
    fill = zero_point & 0xFF
    data = b"".join(
        bytes([fill]) * n if same else bytes(seed.randrange(256) for _ in range(n))  # type: ignore[attr-defined]
        for same, n in runs
    )
    packed = pack(data, zero_point)
    assert unpack(packed, zero_point, len(data)) == data
    assert tool.ask(f"unpack {fill} {len(data)} {packed.hex()}") == data.hex()
    if packed:
        assert unpack(packed[:-1], zero_point, len(data)) is None
        assert tool.ask(f"unpack {fill} {len(data)} {packed[:-1].hex()}") == "refused"
        assert tool.ask(f"unpack {fill} {len(data) - 1} {packed.hex()}") == "refused"


@settings(deadline=None, max_examples=200)
@given(packed=st.binary(max_size=60), count=st.integers(0, 400))
def test_unpackers_agree_on_anything(tool: LineTool, packed: bytes, count: int) -> None:
    data = unpack(packed, -128, count)
    answer = tool.ask(f"unpack {0x80} {count} {packed.hex()}")
    assert answer == ("refused" if data is None else data.hex())

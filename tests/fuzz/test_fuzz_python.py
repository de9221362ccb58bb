"""Fuzzes the Python side's parsers: whatever arrives, they return frames or say what is wrong; they never fail.

`make fuzz` runs the same properties for half an hour.
"""

import itertools
import os
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boardproof_host.protocol import messages
from boardproof_host.protocol.frame import (
    DELIMITER,
    FrameParser,
    cobs_decode,
    cobs_encode,
    encode,
    longest_on_wire,
)
from boardproof_host.protocol.messages import MalformedPayloadError
from boardproof_host.protocol.packed import pack, unpack

LONGEST = 2048
FACTOR = int(os.environ.get("FUZZ_FACTOR", "1"))  # more examples for a long run
READ = [kind for kind in vars(messages).values() if isinstance(kind, type) and hasattr(kind, "unpack")]

# Bytes as a damaged link makes them: runs of COBS, delimiters, and pieces of good frames.
GOOD = st.builds(encode, st.integers(0, 255), st.integers(0, 2**32 - 1), st.binary(max_size=300))
SCRAPS = st.one_of(
    st.binary(max_size=40),
    GOOD,
    st.builds(lambda frame, cut: frame[cut:], GOOD, st.integers(0, 30)),
    st.builds(lambda frame, cut: frame[: len(frame) - cut], GOOD, st.integers(0, 30)),
    st.sampled_from([DELIMITER, DELIMITER * 3, b"\xff", b"\x01" * 300, b"\x55" * 2100]),
)
STREAMS = st.lists(SCRAPS, max_size=6).map(b"".join)


@settings(max_examples=300 * FACTOR)
@given(stream=STREAMS, cuts=st.lists(st.integers(0, 4000), max_size=8))
def test_frames_from_anything(stream: bytes, cuts: list[int]) -> None:
    whole = FrameParser(LONGEST)
    frames = whole.feed(stream)
    pieced = FrameParser(LONGEST)
    borders = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    pieces = [stream[a:b] for a, b in itertools.pairwise(borders)]
    assert [frame for piece in pieces for frame in pieced.feed(piece)] == frames
    assert pieced.damaged == whole.damaged
    for frame in frames:
        body = encode(frame.type, frame.seq, frame.payload)
        assert FrameParser(LONGEST).feed(body) == [frame]
    # Whatever came before, a good frame behind it is found.
    assert FrameParser(LONGEST).feed(stream + encode(1, 2, b"end"))[-1].payload == b"end"
    assert whole.damaged + len(frames) <= stream.count(DELIMITER) + 1


@settings(max_examples=200 * FACTOR)
@given(stream=STREAMS)
def test_no_frame_without_its_crc(stream: bytes) -> None:
    """Every frame that is found stands in the stream, with a CRC that holds."""
    bodies = [body for chunk in stream.split(DELIMITER) if chunk and (body := cobs_decode(chunk)) is not None]
    good = [
        body for body in bodies if len(body) >= 9 and zlib.crc32(body[:-4]).to_bytes(4, "little") == body[-4:]
    ]
    closed = stream[: stream.rfind(DELIMITER) + 1]
    found = [frame.payload for frame in FrameParser(LONGEST).feed(closed)]
    assert len(found) <= len(good)
    assert all(payload in {body[5:-4] for body in good} for payload in found)


@pytest.mark.parametrize("kind", READ, ids=lambda kind: kind.__name__)
@settings(max_examples=60 * FACTOR)
@given(payload=st.one_of(st.binary(max_size=400), st.integers(0, 200).map(lambda n: b"\xff" * n)))
def test_messages_from_anything(kind: type, payload: bytes) -> None:
    try:
        message = kind.unpack(payload)  # type: ignore[attr-defined]
    except MalformedPayloadError:
        return
    assert kind.unpack(message.pack()).pack() == message.pack()  # type: ignore[attr-defined]


@settings(max_examples=300 * FACTOR)
@given(packed=st.binary(max_size=80), zero_point=st.integers(-128, 127), count=st.integers(0, 3000))
def test_unpacking_anything(packed: bytes, zero_point: int, count: int) -> None:
    values = unpack(packed, zero_point, count)
    assert values is None or len(values) == count
    if values is not None:
        assert unpack(pack(values, zero_point), zero_point, count) == values


@settings(max_examples=200 * FACTOR)
@given(data=st.one_of(st.binary(max_size=600), st.integers(240, 600).map(lambda n: b"\x07" * n)))
def test_cobs_both_ways(data: bytes) -> None:
    coded = cobs_encode(data)
    assert DELIMITER not in coded
    assert cobs_decode(coded) == data
    wire = encode(6, 0xFFFFFFFF, data)
    assert len(wire) <= longest_on_wire(len(data))
    decoded = cobs_decode(data.replace(DELIMITER, b"\x01"))
    assert decoded is None or len(decoded) <= len(data)

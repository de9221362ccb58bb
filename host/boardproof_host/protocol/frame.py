"""Frames on the wire: COBS, a zero delimiter, CRC-32. The mirror of firmware/src/protocol/frame.c.

Before COBS a frame is: type u8, sequence number u32, payload, CRC-32 over all of these, little-endian.
COBS: S. Cheshire and M. Baker, "Consistent Overhead Byte Stuffing", IEEE/ACM Transactions on Networking 7(2), 1999.
"""

import struct
import zlib
from dataclasses import dataclass

from boardproof_host.protocol.messages import FRAME_OVERHEAD

DELIMITER = b"\0"
_HEAD = struct.Struct("<BI")
_CRC = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class Frame:
    """A good frame."""

    type: int
    seq: int
    payload: bytes


def cobs_encode(data: bytes) -> bytes:
    """Encodes any bytes so that no zero is left; no delimiter is added."""
    out = bytearray()
    pieces = data.split(DELIMITER)
    last = len(pieces) - 1
    for index, piece in enumerate(pieces):
        start = 0
        while len(piece) - start >= 254:
            out.append(255)
            out += piece[start : start + 254]
            start += 254
        # A full block implies no zero: where it ends the data, no block follows.
        if start == len(piece) and start > 0 and index == last:
            break
        out.append(len(piece) - start + 1)
        out += piece[start:]
    return bytes(out)


def cobs_decode(data: bytes) -> bytes | None:
    """Decodes what stood between two delimiters; None when a block is cut short. `data` holds no zero."""
    out = bytearray()
    at = 0
    while at < len(data):
        code = data[at]
        if at + code > len(data):
            return None
        out += data[at + 1 : at + code]
        at += code
        if code != 255 and at < len(data):
            out.append(0)
    return bytes(out)


def encode(kind: int, seq: int, payload: bytes) -> bytes:
    """Encodes a frame with its delimiters: one before it as well, so that garbage before it costs nothing."""
    body = _HEAD.pack(kind, seq) + payload
    return DELIMITER + cobs_encode(body + _CRC.pack(zlib.crc32(body))) + DELIMITER


def longest_on_wire(payload: int) -> int:
    """Bytes that `encode` makes at most of a payload of this length, delimiters included."""
    body = payload + FRAME_OVERHEAD
    return body + body // 254 + 1 + 2 * len(DELIMITER)


def is_frame(chunk: bytes) -> bool:
    """Is what stood between two delimiters a good frame?"""
    return _decode(chunk) is not None


FOREIGN_BYTES = 512  # kept of what was no frame


class FrameParser:
    """Finds the good frames in a stream of bytes; whatever arrives, the delimiter after it starts afresh.

    Args:
        longest: decoded bytes that a frame may have; a longer run of bytes is dropped up to its delimiter.
    """

    def __init__(self, longest: int = 1 << 16) -> None:
        self._longest = longest + longest // 254 + 1
        self._rest = bytearray()
        self._dropping = False
        self.damaged = 0  # chunks between delimiters that were no frame
        self.foreign = b""  # the newest of those: boot text, most often

    def feed(self, data: bytes) -> list[Frame]:
        """Takes bytes as they arrive; returns the frames that ended in them, in order."""
        if DELIMITER not in data:
            self._keep(data)
            return []
        frames = []
        first, *middle, last = data.split(DELIMITER)
        self._keep(first)
        head = b"" if self._dropping else bytes(self._rest)
        if self._dropping:
            self.damaged += 1
        self._rest.clear()
        self._dropping = False
        for chunk in (head, *middle):
            if not chunk:
                continue
            frame = self._decode(chunk)
            if frame is None:
                self.damaged += 1
                self.foreign = chunk[-FOREIGN_BYTES:]
            else:
                frames.append(frame)
        self._keep(last)
        return frames

    def _keep(self, data: bytes) -> None:
        if self._dropping:
            return
        self._rest += data
        if len(self._rest) > self._longest:
            self.foreign = bytes(self._rest[-FOREIGN_BYTES:])
            self._rest.clear()
            self._dropping = True

    def _decode(self, chunk: bytes) -> Frame | None:
        return None if len(chunk) > self._longest else _decode(chunk)


def _decode(chunk: bytes) -> Frame | None:
    body = cobs_decode(chunk)
    if body is None or len(body) < FRAME_OVERHEAD:
        return None
    if zlib.crc32(body[:-4]) != _CRC.unpack_from(body, len(body) - 4)[0]:
        return None
    kind, seq = _HEAD.unpack_from(body)
    return Frame(kind, seq, body[5:-4])

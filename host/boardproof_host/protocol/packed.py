"""Packed inputs: runs of one byte, hello's `packed_fill`, told by their length. As in firmware/src/app/packed.c.

Tokens: 0x00..0x7f n: n + 1 literal bytes follow; 0x80..0xff n: n - 0x7f times the fill byte.
"""

import re

LONGEST_RUN = 128


def pack(data: bytes, fill: int) -> bytes:
    """Packs `data`; a run of one fill byte stays a literal. `fill` may be given signed."""
    fill &= 0xFF
    out = bytearray()
    at = 0
    for match in re.finditer(re.escape(bytes([fill])) + b"{2,}", data):
        _literals(out, data[at : match.start()])
        length = match.end() - match.start()
        while length > 0:
            run = min(length, LONGEST_RUN)
            out.append(0x7F + run)
            length -= run
        at = match.end()
    _literals(out, data[at:])
    return bytes(out)


def _literals(out: bytearray, data: bytes) -> None:
    for start in range(0, len(data), LONGEST_RUN):
        piece = data[start : start + LONGEST_RUN]
        out.append(len(piece) - 1)
        out += piece


def unpack(packed: bytes, fill: int, count: int) -> bytes | None:
    """Unpacks into exactly `count` bytes; None when `packed` holds more, fewer or is cut short."""
    out = bytearray()
    at = 0
    while at < len(packed):
        run = (packed[at] & 0x7F) + 1
        if packed[at] & 0x80:
            out += bytes([fill & 0xFF]) * run
            at += 1
        else:
            if at + 1 + run > len(packed):
                return None
            out += packed[at + 1 : at + 1 + run]
            at += 1 + run
        if len(out) > count:
            return None
    return bytes(out) if len(out) == count else None

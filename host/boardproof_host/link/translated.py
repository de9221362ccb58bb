"""Whether a chunk that is no frame was one, before something on the way changed its bytes.

A terminal line that is not raw, a telnet server or software flow control each change bytes in a way of their own.
Undoing it gives a frame whose CRC holds, which no other cause does.
"""

from collections.abc import Iterator
from itertools import combinations

from boardproof_host.protocol.frame import is_frame

_MOST_SWAPPED = 10  # bytes that may have been another: 2^10 ways
_LONG_ENOUGH = 48  # bytes without one above 127: a frame with a SHA-256 in it has some


def cause(chunk: bytes) -> str | None:
    """What changed the bytes, in words; None where nothing known did."""
    if not chunk or is_frame(chunk):
        return None
    for words, candidates in (
        ("0xFF is doubled, as telnet does", [chunk.replace(b"\xff\xff", b"\xff")]),
        ("LF becomes CR LF", [chunk.replace(b"\r\n", b"\n")]),
        ("CR becomes CR LF", [chunk.replace(b"\r\n", b"\r")]),
        ("CR becomes LF", _swapped(chunk, 0x0A, 0x0D)),
        ("LF becomes CR", _swapped(chunk, 0x0D, 0x0A)),
        ("XON or XOFF is taken out (software flow control)", _with_one_more(chunk, (0x11, 0x13))),
        ("CR is taken out", _with_one_more(chunk, (0x0D,))),
    ):
        if any(is_frame(candidate) for candidate in candidates):
            return words
    if len(chunk) >= _LONG_ENOUGH and max(chunk) < 0x80:
        return "no byte is above 127: the line seems to carry 7 bits"
    return None


def _swapped(chunk: bytes, found: int, was: int) -> Iterator[bytes]:
    """The chunk with some or all bytes `found` turned back into `was`."""
    places = [at for at, byte in enumerate(chunk) if byte == found][:_MOST_SWAPPED]
    for count in range(len(places), 0, -1):
        for some in combinations(places, count):
            changed = bytearray(chunk)
            for at in some:
                changed[at] = was
            yield bytes(changed)


def _with_one_more(chunk: bytes, values: tuple[int, ...]) -> Iterator[bytes]:
    """The chunk with one or two bytes more, anywhere."""
    once = [chunk[:at] + bytes([value]) + chunk[at:] for at in range(len(chunk) + 1) for value in values]
    yield from once
    if len(chunk) <= 256:
        for first in once:
            if not _plausible(first):
                continue
            yield from (
                first[:at] + bytes([value]) + first[at:] for at in range(len(first) + 1) for value in values
            )


def _plausible(chunk: bytes) -> bool:
    """Its COBS codes lead to its end or one byte beyond: so is a chunk that lacks one byte more."""
    at = 0
    while at < len(chunk):
        at += chunk[at] or 1
    return at in (len(chunk), len(chunk) + 1)

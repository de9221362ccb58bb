"""IDX files of unsigned bytes: a strict reader. Nothing here knows what the bytes show."""

import gzip
import struct
import zlib
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from boardproof_export.shared.errors import InputError

GET_DATA = "install the data (apt-get install dataset-fashion-mnist), or name its folder with --data"
_IDX_UINT8 = 0x08
_GZIP_MAGIC = b"\x1f\x8b"


def refusal(path: Path, why: str) -> InputError:
    """The error for a file that cannot be used."""
    return InputError(f"{path}: {why}", hint=f"replace or delete this file, then {GET_DATA}")


def read_idx(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Reads an IDX file of unsigned bytes that must have exactly this shape.

    Layout (Y. LeCun, "The MNIST database", file format): two zero bytes, the element type (0x08 is unsigned byte),
    the number of dimensions, each dimension as a big-endian 32-bit integer, then the elements in C order. The file may
    be gzip-compressed.

    Raises:
        InputError: it cannot be read, is cut short, or holds something else; the message starts with the file's name.
    """
    header_bytes = 4 + 4 * len(shape)
    content = _read_at_most(path, header_bytes + prod(shape) + 1)
    if not content:
        raise refusal(path, "the file is empty")
    magic = bytes((0, 0, _IDX_UINT8, len(shape)))
    if not magic.startswith(content[:4]):
        raise refusal(
            path, f"not an IDX file of {len(shape)}-dimensional bytes (it starts with {content[:4].hex(' ')})"
        )
    if len(content) < header_bytes:
        raise refusal(path, f"cut short: {len(content)} bytes, less than an IDX header")
    found = struct.unpack(f">{len(shape)}I", content[4:header_bytes])
    if found != shape:
        raise refusal(path, f"holds {_dimensions(found)} bytes, expected {_dimensions(shape)}")
    got, wanted = len(content) - header_bytes, prod(shape)
    if got < wanted:
        raise refusal(path, f"cut short: {got:,} of {wanted:,} bytes follow the header")
    if got > wanted:
        raise refusal(path, f"more than the {wanted:,} bytes that its header declares")
    return np.frombuffer(content, np.uint8, offset=header_bytes).reshape(shape)


def _dimensions(shape: tuple[int, ...]) -> str:
    return " x ".join(f"{extent:,}" for extent in shape)


def _read_at_most(path: Path, limit: int) -> bytes:
    """The file's content, uncompressed when it is gzip, cut at `limit` bytes: a header must not decide on memory.

    A gzip stream that ends within `limit` has had its CRC-32 and its length checked.
    """
    if path.is_dir():
        raise refusal(path, "a folder, not an IDX file")
    try:
        with path.open("rb") as raw:
            compressed = raw.read(2) == _GZIP_MAGIC
            raw.seek(0)
            if not compressed:
                return raw.read(limit)
            with gzip.GzipFile(fileobj=raw) as stream:
                return stream.read(limit)
    except EOFError as error:
        raise refusal(path, "cut short: its gzip stream has no end") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise refusal(path, f"damaged gzip stream: {error}") from error
    except OSError as error:
        raise refusal(path, f"cannot be read: {error.strerror or error}") from error

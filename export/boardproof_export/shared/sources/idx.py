"""IDX files: a strict reader. Nothing here knows what the bytes show."""

import gzip
import struct
import zlib
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boardproof_export.shared.errors import InputError

GET_DATA = "install the data (apt-get install dataset-fashion-mnist), or name its folder with --data"
_IDX_UINT8 = 0x08
_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_MOST_BYTES = 1 << 31
_GZIP_MAGIC = b"\x1f\x8b"


def refusal(path: Path, why: str) -> InputError:
    """The error for a file that cannot be used."""
    return InputError(f"{path}: {why}", hint=f"replace or delete this file, then {GET_DATA}")


def read_any(path: Path) -> NDArray[Any]:
    """Reads an IDX file of any type and shape, in the machine's byte order.

    Raises:
        InputError: as `read_idx`.
    """
    head = _read_at_most(path, 4)
    kind, rank = (head[2], head[3]) if len(head) == 4 and head[:2] == b"\0\0" else (0, 0)
    if kind not in _TYPES or rank == 0:
        raise refusal(
            path, f"not an IDX file (it starts with {head.hex(' ')})" if head else "the file is empty"
        )
    dtype, start = np.dtype(_TYPES[kind]), 4 + 4 * rank
    head = _read_at_most(path, start)
    if len(head) < start:
        raise refusal(path, f"cut short: {len(head)} bytes, less than an IDX header")
    shape = struct.unpack(f">{rank}I", head[4:])
    wanted = prod(shape) * dtype.itemsize
    if wanted > _MOST_BYTES:
        raise refusal(path, f"its header declares {_dimensions(shape)} values")
    content = _read_at_most(path, start + wanted + 1)
    if len(content) != start + wanted:
        how = "cut short" if len(content) < start + wanted else "more than its header declares"
        raise refusal(path, f"{how}: {len(content) - start:,} of {wanted:,} bytes follow the header")
    values = np.frombuffer(content, dtype, offset=start).reshape(shape)
    return values.astype(dtype.newbyteorder("="))


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

"""Constants behind the flatbuffer, as files of over 2 GB and some converters have them, moved into it.

TensorFlow Lite Micro does not look there: it takes such a constant for an activation, and computes with whatever its
memory holds. LiteRT reads both. So every interpreter and every board is given the file with its constants inside.
"""

import struct
from typing import Any

_ALIGNMENT = 16  # of the schema's Buffer.data
_DATA, _OFFSET, _SIZE = 4, 6, 8  # places of Buffer's fields in its vtable
_OUTSIDE = 2  # from this offset on: 0 and 1 stand for none


class OutsideError(Exception):
    """Constants lie outside of the file, or in each other."""


def with_constants_inside(content: bytes, buffers: list[Any]) -> bytes:
    """The bytes of a .tflite file whose constants all lie in the flatbuffer; the same bytes where they do already.

    A Buffer (tensorflow/compiler/mlir/lite/schema/schema.fbs) holds `data`, or `offset` and `size` of bytes from the
    file's start. Each of the latter kind gets a vtable of its own, at the end, that has `data` where `offset` was.

    Args:
        buffers: the file's Buffers, as the accessors of `tflite` read them.

    Raises:
        OutsideError: bytes are missing, or several buffers share more than the file has.
        struct.error: an offset leads out of the file.
    """
    outside = {buffer._tab.Pos: buffer for buffer in buffers if buffer.Offset() >= _OUTSIDE}
    if not outside:
        return content
    if sum(buffer.Size() for buffer in outside.values()) > len(content):
        raise OutsideError("constants behind the flatbuffer are longer than the file")
    # What lies behind the first of them is copied: the flatbuffer itself ends before.
    inside = bytearray(content[: min(buffer.Offset() for buffer in outside.values())])
    for place, buffer in outside.items():
        first, size = buffer.Offset(), buffer.Size()
        if first + size > len(content):
            raise OutsideError(f"constants of {size} bytes at {first} lead out of the file")
        field = buffer._tab.Offset(_OFFSET)
        (old,) = struct.unpack_from("<i", inside, place)
        (table_bytes,) = struct.unpack_from("<H", inside, place - old + 2)
        inside += bytes(-len(inside) % 2)
        struct.pack_into("<i", inside, place, place - len(inside))
        inside += struct.pack("<HHH", 6, table_bytes, field)
        inside += bytes((-len(inside) - 4) % _ALIGNMENT)
        struct.pack_into("<I", inside, place + field, len(inside) - (place + field))
        inside += struct.pack("<I", size) + content[first : first + size]
    return bytes(inside)

"""Typed access to an operator's builtin options: a flatbuffer table whose fields the operator's own module knows."""

import struct
from typing import Any

from flatbuffers import number_types
from flatbuffers.table import Table

_BROKEN = (struct.error, IndexError, ValueError, TypeError, OverflowError)


class DamagedOptionsError(Exception):
    """An option leads out of the file."""


class Options:
    """The builtin options of one operator. A field counts from 0, as the schema lists them; one that is not there has
    its default. Every method raises DamagedOptionsError where an offset leads out of the file.
    """

    def __init__(self, kind: int = 0, table: Table | None = None) -> None:
        self.kind = kind  # the schema's BuiltinOptions; 0 where there are none
        self._table = table

    @classmethod
    def of(cls, op: Any) -> "Options":
        """The options of an Operator as the accessors of `tflite` read it."""
        table = op.BuiltinOptions()
        return cls(int(op.BuiltinOptionsType()), table) if table is not None else cls()

    def int8(self, field: int, default: int = 0) -> int:
        """A byte, enumerations among them."""
        return int(self._number(number_types.Int8Flags, field, default))

    def int32(self, field: int, default: int = 0) -> int:
        """A 32-bit number."""
        return int(self._number(number_types.Int32Flags, field, default))

    def float32(self, field: int, default: float = 0.0) -> float:
        """A float32, widened."""
        return float(self._number(number_types.Float32Flags, field, default))

    def bool(self, field: int, default: bool = False) -> bool:
        """A flag."""
        return bool(self._number(number_types.BoolFlags, field, default))

    def ints(self, field: int) -> tuple[int, ...]:
        """A vector of 32-bit numbers."""
        table = self._table
        try:
            offset = 0 if table is None else int(table.Offset(4 + 2 * field))
            if table is None or offset == 0:
                return ()
            start, length = table.Vector(offset), table.VectorLen(offset)
            return tuple(int(value) for value in struct.unpack_from(f"<{length}i", table.Bytes, start))
        except _BROKEN as error:
            raise DamagedOptionsError("has damaged options") from error

    def text(self, field: int) -> str:
        """A text."""
        table = self._table
        try:
            offset = 0 if table is None else int(table.Offset(4 + 2 * field))
            if table is None or offset == 0:
                return ""
            return bytes(table.String(offset + table.Pos)).decode("utf-8", errors="replace")
        except _BROKEN as error:
            raise DamagedOptionsError("has damaged options") from error

    def _number(self, flags: Any, field: int, default: Any) -> Any:
        table = self._table
        try:
            offset = 0 if table is None else int(table.Offset(4 + 2 * field))
            return default if table is None or offset == 0 else table.Get(flags, offset + table.Pos)
        except _BROKEN as error:
            raise DamagedOptionsError("has damaged options") from error

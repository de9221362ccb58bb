"""A tensor at a model's edge: one record for the manifest, hello, the report and the Python API."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import DTypeLike, NDArray

from boardproof_export.shared.errors import InputError

TensorType = Literal["int8", "uint8", "int16", "int32", "float32", "bool"]
TENSOR_TYPES: tuple[TensorType, ...] = get_args(TensorType)


@dataclass(frozen=True)
class TensorInfo:
    """An input or output. Quantized types: real value = scale * (q - zero_point)."""

    name: str
    type: TensorType
    shape: tuple[int, ...]  # batch included
    scale: float | None = None  # the float32 of the model, widened; None where the tensor is not quantized
    zero_point: int | None = None  # likewise

    @property
    def count(self) -> int:
        """Number of elements."""
        return prod(self.shape)

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """The elements' type, little-endian: how they lie on the wire and in a `.tflite` file."""
        kind: DTypeLike = self.type
        return np.dtype(kind).newbyteorder("<")

    @property
    def bytes(self) -> int:
        """Size on the wire and in RAM."""
        return self.count * self.dtype.itemsize

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> "TensorInfo":
        """The reverse of `dataclasses.asdict`."""
        return cls(**record | {"shape": tuple(record["shape"])})


def quantize(values: NDArray[Any], scale: float, zero_point: int, dtype: DTypeLike) -> NDArray[Any]:
    """Real values in the steps of a quantized tensor: rint(x / scale) + zero point in float32, cut to the type.

    `rint` rounds half to even: it is `numpy.round`, with which the TensorFlow Lite guides quantize an input. The
    formula is that of the TensorFlow Lite quantization specification, real = scale * (q - zero_point).

    Raises:
        InputError: scale or zero point cannot be such a tensor's.
    """
    kind = np.dtype(dtype)
    limits = np.iinfo(kind)
    with np.errstate(over="ignore"):
        step = np.float32(scale)
    if not (np.isfinite(step) and step > 0) or not limits.min <= zero_point <= limits.max:
        raise InputError(
            f"the input's scale {scale} and zero point {zero_point} are not those of an {kind.name} tensor",
            hint="convert the model again with int8 input and output: boardproof convert",
        )
    with np.errstate(over="ignore"):  # a tiny scale: infinity is cut below
        steps = np.rint(values.astype(np.float32) / step)
    quantized: NDArray[Any] = np.clip(steps + np.float32(zero_point), limits.min, limits.max).astype(kind)
    return quantized


def total_bytes(tensors: tuple[TensorInfo, ...]) -> int:
    """What a request's inputs, or an answer's outputs, take: the tensors one behind the other."""
    return sum(tensor.bytes for tensor in tensors)


def split_rows(rows: NDArray[np.uint8], tensors: Sequence[TensorInfo]) -> list[NDArray[Any]]:
    """Rows of bytes (N, total_bytes) as the tensors' values, an array (N, C) each.

    Raises:
        ValueError: they are not as long as the tensors.
    """
    ends = np.cumsum([tensor.bytes for tensor in tensors])
    if not len(ends) or rows.shape[1] != ends[-1]:
        raise ValueError(
            f"rows of {rows.shape[1]} bytes for tensors of {[tensor.bytes for tensor in tensors]}"
        )
    return [
        np.ascontiguousarray(rows[:, end - tensor.bytes : end]).view(tensor.dtype)
        for tensor, end in zip(tensors, ends, strict=True)
    ]

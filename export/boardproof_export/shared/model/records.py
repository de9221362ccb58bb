"""The records of a .tflite file: its graph, operators, tensors and quantization."""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from boardproof_export.shared.options import Options
from boardproof_export.shared.tensors import TENSOR_TYPES, TensorInfo

ABSENT = -1  # an optional input that is left out

# Bits of an element, by type name; types that are not here have no fixed size (STRING, RESOURCE, VARIANT).
_TYPE_BITS = {
    "FLOAT64": 64,
    "FLOAT32": 32,
    "FLOAT16": 16,
    "BFLOAT16": 16,
    "INT64": 64,
    "INT32": 32,
    "INT16": 16,
    "INT8": 8,
    "INT4": 4,
    "UINT64": 64,
    "UINT32": 32,
    "UINT16": 16,
    "UINT8": 8,
    "BOOL": 8,
    "COMPLEX64": 64,
    "COMPLEX128": 128,
}


class Activation(IntEnum):
    """The activation fused into an operator; the numbers are the schema's."""

    NONE = 0
    RELU = 1
    RELU_N1_TO_1 = 2
    RELU6 = 3
    TANH = 4
    SIGN_BIT = 5


@dataclass(frozen=True)
class Quantization:
    """Affine quantization: real value = scale * (q - zero_point), one scale or one a channel along `axis`."""

    scales: NDArray[np.float32]
    zero_points: tuple[int, ...]
    axis: int

    @property
    def per_channel(self) -> bool:
        """TensorFlow Lite Micro calls a tensor per-channel when it has more than one scale."""
        return len(self.scales) > 1


@dataclass(frozen=True)
class Tensor:
    """A tensor of the graph. `data` holds a constant's bytes, as stored; None for an activation."""

    index: int
    name: str
    type: str  # a name of the schema's TensorType, e.g. "INT8"
    shape: tuple[int, ...]
    dynamic: bool  # the shape leaves a dimension open
    variable: bool
    sparse: bool
    quantization: Quantization | None
    data: NDArray[np.uint8] | None = field(repr=False)

    @property
    def count(self) -> int:
        """Number of elements."""
        product = 1
        for extent in self.shape:
            product *= extent
        return product

    @property
    def bytes(self) -> int | None:
        """Size in bytes, None for types without a fixed size."""
        bits = _TYPE_BITS.get(self.type)
        return None if bits is None else (self.count * bits + 7) // 8

    @property
    def info(self) -> TensorInfo | None:
        """The tensor as an input or output of a board; None where its type is none that boards exchange."""
        kind = self.type.lower()
        if kind not in TENSOR_TYPES:
            return None
        if self.quantization is None or self.quantization.per_channel:
            return TensorInfo(self.name, kind, self.shape)
        scale, zero_point = float(self.quantization.scales[0]), self.quantization.zero_points[0]
        return TensorInfo(self.name, kind, self.shape, scale, zero_point)

    def values(self, dtype: DTypeLike) -> NDArray[Any]:
        """A constant as an array of `shape`; `dtype` is the caller's word for what `type` says.

        Raises:
            ValueError: the tensor is no constant, or its size does not fit.
        """
        if self.data is None:
            raise ValueError(f"tensor {self.index} has no constant data")
        return np.frombuffer(self.data.tobytes(), dtype=np.dtype(dtype).newbyteorder("<")).reshape(self.shape)


@dataclass(frozen=True)
class Op:
    """An operator, in execution order. `inputs` may hold -1 for an optional input that is left out."""

    index: int
    code: str  # the schema's BuiltinOperator name, or the name of a custom operator
    builtin: int
    custom: bool
    version: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Options


@dataclass(frozen=True)
class Subgraph:
    """A subgraph beside the main one: its tensors and operators have indices of their own."""

    tensors: tuple[Tensor, ...]
    ops: tuple[Op, ...]


@dataclass(frozen=True)
class Graph:
    """The main subgraph of a .tflite file."""

    name: str
    content: bytes = field(
        repr=False
    )  # what interpreters and boards are given: all constants lie in the flatbuffer
    sha256: str  # of the file itself, lower-case hex
    file_bytes: int  # likewise
    schema_version: int
    description: str
    subgraphs: int
    tensors: tuple[Tensor, ...]
    ops: tuple[Op, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    others: tuple[Subgraph, ...] = ()  # subgraphs 1 and on

    @property
    def keeps_state(self) -> bool:
        """Whether an inference may depend on those before it."""
        return any(tensor.variable or tensor.type == "RESOURCE" for tensor in self.tensors)

    def optional(self, op: Op, position: int) -> Tensor | None:
        """The input of `op` at `position`, None where it is left out."""
        if position >= len(op.inputs) or op.inputs[position] == ABSENT:
            return None
        return self.tensors[op.inputs[position]]

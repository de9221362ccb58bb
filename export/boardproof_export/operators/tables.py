"""Tables of what each of a byte's 256 values becomes: all that a function of one value is. No operator lives here."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boardproof_export.model import fixed_point
from boardproof_export.operators.checks import UnsupportedError, scale_of
from boardproof_export.operators.records import Array, Call, Kernel
from boardproof_export.shared.model import Graph, Op, Tensor

Wide = NDArray[np.int64]


@dataclass(frozen=True)
class Table:
    """One output for each of the 256 values of a byte, by the byte as an unsigned number."""

    count: int
    values: NDArray[Any] = field(repr=False)  # (256,), of the output's type


def edges(graph: Graph, op: Op) -> tuple[Tensor, Tensor]:
    """The only input and the only output, which have as many values.

    Raises:
        UnsupportedError: there are others, or they have not.
    """
    source = graph.optional(op, 0)
    if source is None or len(op.inputs) != 1 or len(op.outputs) != 1:
        raise UnsupportedError(f"has {len(op.inputs)} inputs and {len(op.outputs)} outputs")
    output = graph.tensors[op.outputs[0]]
    if source.count != output.count:
        raise UnsupportedError(f"makes {list(output.shape)} of {list(source.shape)}")
    return source, output


def int8_edges(graph: Graph, op: Op) -> tuple[Tensor, Tensor]:
    """The same of int8.

    Raises:
        UnsupportedError: they are not.
    """
    source, output = edges(graph, op)
    if (source.type, output.type) != ("INT8", "INT8"):
        raise UnsupportedError(f"has {source.type} input and {output.type} output; only INT8 runs")
    return source, output


def bytes_of(dtype: str = "int8") -> NDArray[Any]:
    """All values of a type of one byte, in the order of their bytes."""
    return np.arange(256, dtype=np.uint8).view(np.dtype(dtype))


def steps_from(zero_point: int, dtype: str = "int8") -> Wide:
    """The same less the zero point."""
    return bytes_of(dtype).astype(np.int64) - zero_point


def table_of(count: int, values: NDArray[Any]) -> Table:
    """A table of int8, into which the values are clipped."""
    return Table(count, np.clip(values, -128, 127).astype(np.int8))


def away(values: NDArray[Any]) -> NDArray[np.float32]:
    """To the nearest whole number, half away from zero."""
    wide = values.astype(np.float64)
    rounded: NDArray[np.float32] = (np.sign(wide) * np.floor(np.abs(wide) + 0.5)).astype(np.float32)
    return rounded


def rescaled(steps: Wide, real: float) -> Wide:
    """Steps of another scale.

    Raises:
        UnsupportedError: TensorFlow Lite Micro's 1 << shift overflows.
    """
    return fixed_point.rescale(steps, scale_of(real))


def reference(layer: Table, values: NDArray[Any]) -> NDArray[Any]:
    """The outputs, flat."""
    found: NDArray[Any] = layer.values[np.ascontiguousarray(values).view(np.uint8)]
    return found


def _pack(layer: Table) -> Call:
    if _words(layer):
        array = Array("table", "uint32_t", layer.values.view(np.uint32), what="the bits of float32 values")
    else:
        array = Array("table", "uint8_t", layer.values.view(np.uint8))
    return Call((array,), {"table": array.name, "count": layer.count}, layer.values.nbytes)


def _words(layer: Any) -> bool:
    return isinstance(layer, Table) and layer.values.dtype.itemsize > 1


def _bytes(layer: Any) -> bool:
    return isinstance(layer, Table) and not _words(layer)


TABLE = Kernel[Any]("aot_table", _pack, fits=_bytes, descriptor="aot_table_t")
TABLE_OF_WORDS = Kernel[Any]("aot_table_of_words", _pack, fits=_words, descriptor="aot_table_of_words_t")

"""GATHER and GATHER_ND: parts of a tensor by their positions, which may be constants, or the table may be one.

Sources: micro/kernels/gather.cc, gather_nd.cc. A position outside of the table is refused where it is constant; a
computed one takes the first part. TensorFlow Lite Micro stops there (GATHER_ND), or reads beyond the table (GATHER).
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tflite.BuiltinOptions import BuiltinOptions

from boardproof_export.operators import checks
from boardproof_export.operators.checks import UnsupportedError
from boardproof_export.operators.moves import axis_of
from boardproof_export.operators.records import Array, Call, Kernel, Operator
from boardproof_export.shared.model import Graph, Op, Tensor

PARTS = 5  # AOT_GATHER_PARTS in gather.h; the rendered code asserts it


@dataclass(frozen=True)
class Gather:
    """A layer: of each of `tables` tables of `positions` runs, of which every `sharing` have the same indices, `count`
    runs. An index is the sum of as many numbers as `strides` has, each times its own."""

    tables: int
    sharing: int
    positions: int
    count: int
    run: int  # values
    strides: tuple[int, ...]
    dtype: np.dtype[Any]
    table: NDArray[Any] | None = field(repr=False)  # flat, where it is a constant
    indices: NDArray[np.int32] | None = field(repr=False)  # likewise


def _edges(graph: Graph, op: Op) -> tuple[Tensor, Tensor, Tensor]:
    inputs = [graph.optional(op, position) for position in range(len(op.inputs))]
    if len(inputs) != 2 or None in inputs or len(op.outputs) != 1:
        raise UnsupportedError(f"has {len(op.inputs)} inputs and {len(op.outputs)} outputs")
    table, indices = (tensor for tensor in inputs if tensor is not None)
    output = graph.tensors[op.outputs[0]]
    if table.type not in ("INT8", "FLOAT32") or output.type != table.type or indices.type != "INT32":
        raise UnsupportedError(f"takes {output.type} from {table.type} by {indices.type}")
    if not table.shape or table.count == 0 or indices.count == 0:
        raise UnsupportedError(f"takes from {list(table.shape)} by {list(indices.shape)}")
    return table, indices, output


def _layer(table: Tensor, indices: Tensor, output: Tensor, wanted: tuple[int, ...], **numbers: Any) -> Gather:
    if output.shape != wanted:
        raise UnsupportedError(f"makes {list(output.shape)} of {list(table.shape)} by {list(indices.shape)}")
    dtype = np.dtype(table.type.lower())
    layer = Gather(
        dtype=dtype,
        table=None if table.data is None else table.values(dtype).ravel(),
        indices=None if indices.data is None else indices.values(np.int32).ravel(),
        **numbers,
    )
    if layer.indices is not None:
        found = _positions(layer, layer.indices)
        if found.min() < 0 or found.max() >= layer.positions:
            raise UnsupportedError(f"takes positions {found.min()} to {found.max()} of {layer.positions}")
    return layer


def gather(graph: Graph, op: Op) -> Gather:
    """GATHER along an axis; the first `batch_dims` dimensions have indices of their own."""
    table, indices, output = _edges(graph, op)
    options = checks.options_of(op, BuiltinOptions.GatherOptions)
    axis = axis_of(options.int32(0), len(table.shape))
    batches = options.int32(1)
    batches += len(indices.shape) if batches < 0 else 0
    if not 0 <= batches <= min(axis, len(indices.shape)) or table.shape[:batches] != indices.shape[:batches]:
        raise UnsupportedError(f"has {batches} batch dimensions before axis {axis} of {list(table.shape)}")
    sharing = int(np.prod(table.shape[batches:axis], dtype=np.int64))
    return _layer(
        table,
        indices,
        output,
        (*table.shape[:axis], *indices.shape[batches:], *table.shape[axis + 1 :]),
        tables=int(np.prod(table.shape[:axis], dtype=np.int64)),
        sharing=sharing,
        positions=table.shape[axis],
        count=int(np.prod(indices.shape[batches:], dtype=np.int64)),
        run=int(np.prod(table.shape[axis + 1 :], dtype=np.int64)),
        strides=(1,),
    )


def gather_nd(graph: Graph, op: Op) -> Gather:
    """GATHER_ND: the last dimension of the indices holds one along each of the table's first dimensions."""
    table, indices, output = _edges(graph, op)
    parts = indices.shape[-1] if indices.shape else 0
    if not 1 <= parts <= min(len(table.shape), PARTS):
        raise UnsupportedError(f"takes from {list(table.shape)} by {list(indices.shape)}")
    named = table.shape[:parts]
    return _layer(
        table,
        indices,
        output,
        (*indices.shape[:-1], *table.shape[parts:]),
        tables=1,
        sharing=1,
        positions=int(np.prod(named, dtype=np.int64)),
        count=indices.count // parts,
        run=int(np.prod(table.shape[parts:], dtype=np.int64)),
        strides=tuple(int(np.prod(named[at + 1 :], dtype=np.int64)) for at in range(parts)),
    )


def _positions(layer: Gather, indices: NDArray[Any]) -> NDArray[np.int64]:
    """(different indices, count)"""
    numbers = indices.reshape(-1, layer.count, len(layer.strides)).astype(np.int64)
    found: NDArray[np.int64] = (numbers * layer.strides).sum(axis=2)
    return found


def reference(layer: Gather, *values: NDArray[Any]) -> NDArray[Any]:
    """The outputs, flat."""
    table: Any = values[0] if layer.table is None else layer.table
    indices: Any = values[-1] if layer.indices is None else layer.indices
    found = _positions(layer, indices)
    found = np.where((found >= 0) & (found < layer.positions), found, 0).repeat(layer.sharing, axis=0)
    runs = table.reshape(layer.tables, layer.positions, layer.run)
    return np.take_along_axis(runs, found[:, :, None], axis=1).ravel()


def _pack(layer: Gather) -> Call:
    arrays = []
    members: dict[str, Any] = {
        "tables": layer.tables,
        "sharing": layer.sharing,
        "positions": layer.positions,
        "count": layer.count,
        "run": layer.run * layer.dtype.itemsize,
        "strides": (*layer.strides, *(0,) * (PARTS - len(layer.strides))),
        "parts": len(layer.strides),
    }
    if layer.table is not None:
        arrays.append(Array("table", "uint8_t", layer.table.view(np.uint8)))
    if layer.indices is not None:
        arrays.append(Array("indices", "int32_t", layer.indices))
    members |= {array.name: array.name for array in arrays}
    asserts = ((f"AOT_GATHER_PARTS == {PARTS}", f"an index has {PARTS} parts at most"),)
    flash = sum(array.values.nbytes for array in arrays)
    return Call(tuple(arrays), members, flash, asserts, sources=(0, 0) if arrays else (0, 1))


OPERATORS = tuple(
    Operator(
        name=name,
        resolve=resolve,
        reference=reference,
        kernels=(Kernel("aot_gather", _pack),),
        family="gather",
        describe=lambda layer: f"{layer.count} of {layer.positions}",
    )
    for name, resolve in (
        ("gather", gather),
        ("gather_nd", gather_nd),
    )
)

"""BATCH_MATMUL, int8: products of matrices, either of them transposed perhaps, whose batches are broadcast.

Sources: micro/kernels/batch_matmul.cc, kernels/internal/reference/batch_matmul.h; the scale is FULLY_CONNECTED's.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tflite.BuiltinOptions import BuiltinOptions

from boardproof_export.model import fixed_point
from boardproof_export.operators import checks
from boardproof_export.operators.checks import UnsupportedError
from boardproof_export.operators.moves import View, merged, positions
from boardproof_export.operators.records import Array, Call, Kernel, Operator
from boardproof_export.shared.model import Graph, Op, Tensor

LOOPS = 3  # AOT_BATCH_MATMUL_LOOPS in batch_matmul.h; the rendered code asserts it
_NAMES = ("first", "second")
_MOST_DEPTH = ((1 << 31) - 1) // 255**2  # products whose sum fits int32


@dataclass(frozen=True)
class BatchMatmul:
    """A layer. The views hold the positions of the first input, (batches..., rows, depth), and of the second one,
    (batches..., depth, columns)."""

    views: tuple[View, View] = field(repr=False)
    constants: tuple[NDArray[np.int8] | None, ...] = field(repr=False)  # flat
    zero_points: tuple[int, int, int]  # of both inputs and the output
    multiplier: int
    shift: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """Rows, depth and columns of a product."""
        return (*self.views[0].shape[-2:], self.views[1].shape[-1])


def resolve(graph: Graph, op: Op) -> BatchMatmul:
    """Resolves `op` of `graph`.

    Raises:
        UnsupportedError: with the first reason why not.
    """
    found = [graph.optional(op, position) for position in range(len(op.inputs))]
    inputs = [tensor for tensor in found if tensor is not None]
    if len(found) != 2 or len(inputs) != 2 or len(op.outputs) != 1:
        raise UnsupportedError(f"has {len(op.inputs)} inputs and {len(op.outputs)} outputs")
    output = graph.tensors[op.outputs[0]]
    kinds = [tensor.type for tensor in (*inputs, output)]
    if kinds != ["INT8"] * 3:
        raise UnsupportedError(f"has {kinds[0]} and {kinds[1]} input and {kinds[2]} output; only INT8 runs")
    options = checks.options_of(op, BuiltinOptions.BatchMatMulOptions)
    views = _views(inputs, output, (options.bool(0), options.bool(1)))
    pairs = [
        checks.per_tensor(tensor, what)
        for tensor, what in zip((*inputs, output), ("input", "input", "output"), strict=True)
    ]
    one, two, out = (scale for scale, _ in pairs)
    multiplier, shift = checks.scale_of(fixed_point.per_tensor_multiplier(one, two, out))
    return BatchMatmul(
        views=views,
        constants=tuple(None if tensor.data is None else tensor.values(np.int8).ravel() for tensor in inputs),
        zero_points=(pairs[0][1], pairs[1][1], pairs[2][1]),
        multiplier=multiplier,
        shift=shift,
    )


def _views(inputs: list[Tensor], output: Tensor, transposed: tuple[bool, bool]) -> tuple[View, View]:
    shapes = [list(tensor.shape) for tensor in inputs]
    says = f"makes {list(output.shape)} of {shapes[0]} and {shapes[1]}"
    if not all(2 <= len(shape) <= 2 + LOOPS for shape in shapes) or output.count == 0:
        raise UnsupportedError(says)
    views = [
        np.swapaxes(positions(tensor), -1, -2) if swaps else positions(tensor)
        for tensor, swaps in zip(inputs, transposed, strict=True)
    ]
    try:
        batches = np.broadcast_shapes(*(view.shape[:-2] for view in views))
    except ValueError as error:
        raise UnsupportedError(says) from error
    (rows, depth), (same, columns) = (view.shape[-2:] for view in views)
    if depth != same or output.shape != (*batches, rows, columns):
        raise UnsupportedError(says)
    if depth > _MOST_DEPTH:
        raise UnsupportedError(f"sums {depth} products, which may overflow; {_MOST_DEPTH} fit")
    return (
        np.broadcast_to(views[0], (*batches, rows, depth)),
        np.broadcast_to(views[1], (*batches, depth, columns)),
    )


def reference(layer: BatchMatmul, *values: NDArray[Any]) -> NDArray[np.int8]:
    """The outputs, flat."""
    computed = iter(values)
    known = len(values) == 2
    first, second = (
        (next(computed) if constant is None or known else constant)[view].astype(np.int64) - zero
        for constant, view, zero in zip(layer.constants, layer.views, layer.zero_points[:2], strict=True)
    )
    sums = np.matmul(first, second)
    scaled = fixed_point.rescale(sums, (layer.multiplier, layer.shift))
    return np.clip(fixed_point.wrap(scaled + layer.zero_points[2]), -128, 127).astype(np.int8).ravel()


def _pack(layer: BatchMatmul) -> Call:
    starts = [view[..., 0, 0] for view in layer.views]
    loops = merged(*starts, np.arange(starts[0].size).reshape(starts[0].shape))
    loops = [*[(1, 0, 0, 0)] * (LOOPS - len(loops)), *loops]
    rows, depth, columns = layer.shape
    members: dict[str, Any] = {
        "extents": tuple(loop[0] for loop in loops),
        "rows": rows,
        "depth": depth,
        "columns": columns,
        "multiplier": layer.multiplier,
        "right_shift": -layer.shift,
        "output_zero": layer.zero_points[2],
    }
    arrays = []
    for at, (name, view, constant) in enumerate(zip(_NAMES, layer.views, layer.constants, strict=True)):
        by_row, by_column = (stride // view.itemsize for stride in view.strides[-2:])
        members |= {
            f"{name}.strides": tuple(loop[1 + at] for loop in loops),
            f"{name}.line": by_row if at == 0 else by_column,
            f"{name}.step": by_column if at == 0 else by_row,
            f"{name}.zero": layer.zero_points[at],
        }
        if constant is not None:
            arrays.append(Array(name, "int8_t", constant))
            members[f"{name}.constant"] = name
    asserts = ((f"AOT_BATCH_MATMUL_LOOPS == {LOOPS}", f"batches have {LOOPS} loops"),)
    flash = sum(array.values.nbytes for array in arrays)
    return Call(tuple(arrays), members, flash, asserts, sources=(0, 0) if arrays else (0, 1))


def _macs(graph: Graph, op: Op) -> int:
    first = graph.optional(op, 0)
    if first is None or len(first.shape) < 2 or not op.outputs:
        return 0
    return graph.tensors[op.outputs[0]].count * first.shape[-2 if op.options.bool(0) else -1]


OPERATOR = Operator(
    name="batch_matmul",
    resolve=resolve,
    reference=reference,
    kernels=(Kernel("aot_batch_matmul", _pack),),
    describe=lambda layer: " x ".join(map(str, layer.shape)),
    macs=_macs,
)

"""MEAN, SUM, REDUCE_MAX, REDUCE_MIN, ARG_MAX and ARG_MIN, int8, over constant axes.

Sources: micro/kernels/reduce_common.cc, arg_min_max.cc, kernels/internal/reference/reduce.h, arg_min_max.h.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boardproof_export.model import fixed_point
from boardproof_export.operators import checks
from boardproof_export.operators.checks import UnsupportedError
from boardproof_export.operators.moves import View, axis_of, merged, parameter, positions
from boardproof_export.operators.records import Call, Kernel, Operator
from boardproof_export.shared.model import Graph, Op, Tensor

LOOPS = 3  # AOT_REDUCE_LOOPS in reduce.h; the rendered code asserts it
_MOST_VALUES = 1 << 23  # whose sum fits int32


@dataclass(frozen=True)
class Reduction:
    """A layer. `view` holds the positions of the input that make an output, a row each."""

    kind: str  # the schema's name, in lower case
    view: View = field(repr=False)  # (outputs, values of each)
    kept: tuple[tuple[int, int], ...]  # loops over the outputs: extent and stride in values, outermost first
    reduced: tuple[tuple[int, int], ...]  # loops over the values of an output
    multiplier: int = 0
    shift: int = 0
    zero_points: tuple[int, int] = (0, 0)

    @property
    def count(self) -> int:
        """Values of an output."""
        return int(self.view.shape[1])


def _resolve(kind: str, graph: Graph, op: Op) -> Reduction:
    source = graph.optional(op, 0)
    if source is None or len(op.inputs) != 2 or len(op.outputs) != 1:
        raise UnsupportedError(f"has {len(op.inputs)} inputs and {len(op.outputs)} outputs")
    output = graph.tensors[op.outputs[0]]
    arg = kind.startswith("arg_")
    if (source.type, output.type) != ("INT8", "INT32" if arg else "INT8"):
        raise UnsupportedError(f"has {source.type} input and {output.type} output")
    rank = len(source.shape)
    axes = sorted({axis_of(axis, rank) for axis in parameter(graph, op, 1, "axes").tolist()})
    kept = [axis for axis in range(rank) if axis not in axes]
    count = int(np.prod([source.shape[axis] for axis in axes], dtype=np.int64))
    if source.count == 0 or output.count * count != source.count or (arg and len(axes) != 1):
        raise UnsupportedError(f"makes {list(output.shape)} of {list(source.shape)} over the axes {axes}")
    if count > _MOST_VALUES:
        raise UnsupportedError(f"takes {count} values together")
    view = positions(source).transpose([*kept, *axes])
    first: Any = (..., *(0,) * len(axes))
    outer = view[first]
    inner = view[(0,) * len(kept)]
    loops = [_loops(part) for part in (outer, inner)]
    numbers = {} if arg else _numbers(kind, source, output, count)
    return Reduction(kind, view.reshape(-1, count), loops[0], loops[1], **numbers)


def _loops(view: View) -> tuple[tuple[int, int], ...]:
    loops = [(loop[0], loop[1]) for loop in merged(view)]
    if len(loops) > LOOPS:
        raise UnsupportedError(f"takes every other dimension of more than {2 * LOOPS}")
    return (*[(1, 0)] * (LOOPS - len(loops)), *loops)


def _numbers(kind: str, source: Tensor, output: Tensor, count: int) -> dict[str, Any]:
    scale, zero_point = checks.per_tensor(source, "input")
    output_scale, output_zero = checks.per_tensor(output, "output")
    if kind.startswith("reduce_"):
        if (scale, zero_point) != (output_scale, output_zero):
            raise UnsupportedError("has an output of another scale or zero point than the input")
        return {}
    multiplier, shift = checks.scale_of(float(scale) / float(output_scale))
    if kind == "mean":  # the division by the count is part of the scale
        by = min(count.bit_length() - 1, 32, 31 + shift)
        multiplier, shift = (multiplier << by) // count, shift - by
    return {"multiplier": multiplier, "shift": shift, "zero_points": (zero_point, output_zero)}


def reference(layer: Reduction, values: NDArray[np.int8], *_axes: NDArray[Any]) -> NDArray[Any]:
    """The outputs, flat."""
    rows = values[layer.view].astype(np.int64)
    found: NDArray[Any]
    if layer.kind in ("arg_max", "arg_min"):
        found = (rows.argmax(axis=1) if layer.kind == "arg_max" else rows.argmin(axis=1)).astype(np.int32)
    elif layer.kind in ("reduce_max", "reduce_min"):
        found = (rows.max(axis=1) if layer.kind == "reduce_max" else rows.min(axis=1)).astype(np.int8)
    else:
        sums = rows.sum(axis=1) - layer.zero_points[0] * layer.count
        scaled = fixed_point.rescale(sums, (layer.multiplier, layer.shift))
        found = np.clip(fixed_point.wrap(scaled + layer.zero_points[1]), -128, 127).astype(np.int8)
    return found


def _pack(layer: Reduction) -> Call:
    members: dict[str, Any] = {
        "kept": tuple(loop[0] for loop in layer.kept),
        "kept_strides": tuple(loop[1] for loop in layer.kept),
        "reduced": tuple(loop[0] for loop in layer.reduced),
        "reduced_strides": tuple(loop[1] for loop in layer.reduced),
        "multiplier": layer.multiplier,
        "right_shift": -layer.shift,
        "input_zero": layer.zero_points[0] * layer.count,
        "output_zero": layer.zero_points[1],
    }
    return Call((), members, 0, ((f"AOT_REDUCE_LOOPS == {LOOPS}", f"a reduction has {LOOPS} loops"),))


def _operator(name: str) -> Operator[Any]:
    return Operator(
        name=name,
        resolve=lambda graph, op: _resolve(name, graph, op),
        reference=reference,
        kernels=(Kernel[Any](f"aot_{name}", _pack),),
        family="reduce",
        describe=lambda layer: f"{layer.count} values each",
    )


OPERATORS = tuple(map(_operator, ("mean", "sum", "reduce_max", "reduce_min", "arg_max", "arg_min")))

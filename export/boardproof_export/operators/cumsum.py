"""CUMSUM, int8, along a constant axis, from either end, each value with itself or without (exclusive).

Sources: micro/kernels/cumsum.cc, kernels/internal/reference/cumsum.h. Sums have 19 bits below the point and wrap modulo
2^32; as there, they begin with the zero point taken off once too often.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tflite.BuiltinOptions import BuiltinOptions

from boardproof_export.model import fixed_point
from boardproof_export.operators import checks
from boardproof_export.operators.checks import UnsupportedError
from boardproof_export.operators.moves import axis_of, parameter
from boardproof_export.operators.records import Call, Kernel, Operator
from boardproof_export.shared.model import Graph, Op

_BITS = 19  # below the point of a sum


@dataclass(frozen=True)
class Sums:
    """A layer: an input of (outer, depth, inner) is summed up along its middle."""

    outer: int
    depth: int
    inner: int
    exclusive: bool
    reverse: bool
    zero_points: tuple[int, int]
    multiplier: int
    shift: int


def resolve(graph: Graph, op: Op) -> Sums:
    """Resolves `op` of `graph`.

    Raises:
        UnsupportedError: with the first reason why not.
    """
    source, output = checks.one_to_one(graph, op, most_inputs=2)
    axes = parameter(graph, op, 1, "an axis")
    if len(axes) != 1 or source.shape != output.shape or source.count == 0:
        raise UnsupportedError(f"makes {list(output.shape)} of {list(source.shape)} along {axes.tolist()}")
    axis = axis_of(int(axes[0]), len(source.shape))
    scale, zero_point = checks.per_tensor(source, "input")
    output_scale, output_zero = checks.per_tensor(output, "output")
    multiplier, shift = checks.small_scale_of(2 * float(scale) / ((1 << (_BITS + 1)) * float(output_scale)))
    options = checks.options_of(op, BuiltinOptions.CumsumOptions)
    return Sums(
        outer=int(np.prod(source.shape[:axis], dtype=np.int64)),
        depth=source.shape[axis],
        inner=int(np.prod(source.shape[axis + 1 :], dtype=np.int64)),
        exclusive=options.bool(0),
        reverse=options.bool(1),
        zero_points=(zero_point, output_zero),
        multiplier=multiplier,
        shift=shift,
    )


def reference(layer: Sums, values: NDArray[np.int8], *_axis: NDArray[np.int32]) -> NDArray[np.int8]:
    """The outputs, flat."""
    steps = values.reshape(layer.outer, layer.depth, layer.inner).astype(np.int64) - layer.zero_points[0]
    turned = steps[:, ::-1] if layer.reverse else steps
    sums = turned.cumsum(axis=1) - layer.zero_points[0]
    sums -= turned if layer.exclusive else 0
    sums = fixed_point.wrap((sums[:, ::-1] if layer.reverse else sums) << _BITS)
    scaled = fixed_point.rescale(sums, (layer.multiplier, layer.shift))
    return np.clip(fixed_point.wrap(scaled + layer.zero_points[1]), -128, 127).astype(np.int8).ravel()


def _pack(layer: Sums) -> Call:
    members = {
        "outer": layer.outer,
        "depth": layer.depth,
        "inner": layer.inner,
        "multiplier": layer.multiplier,
        "right_shift": -layer.shift,
        "input_zero": layer.zero_points[0],
        "output_zero": layer.zero_points[1],
        "exclusive": int(layer.exclusive),
        "reverse": int(layer.reverse),
    }
    return Call((), members, 0)


OPERATOR = Operator(
    name="cumsum",
    resolve=resolve,
    reference=reference,
    kernels=(Kernel("aot_cumsum", _pack),),
    describe=lambda layer: f"{layer.outer * layer.inner} of {layer.depth}",
    in_place=True,
)

"""SOFTMAX, int8 to int8, in the fixed-point arithmetic of TensorFlow Lite Micro.

Sources: micro/kernels/softmax_common.cc (what is refused, multiplier and radius), kernels/internal/reference/softmax.h
(the kernel), and gemmlowp's fixedpoint.h (the exponential and the reciprocal).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tflite.BuiltinOperator import BuiltinOperator
from tflite.BuiltinOptions import BuiltinOptions

from boardproof_export.model import fixed_point
from boardproof_export.operators.checks import UnsupportedError, one_to_one, options_of, per_tensor
from boardproof_export.operators.gemmlowp import exponential, product, reciprocal
from boardproof_export.operators.records import Call, Kernel, Operator
from boardproof_export.shared.model import Graph, Op

_BETA = 0  # field of SoftmaxOptions
_DIFFERENCE_BITS = 5  # integer bits of a difference to the largest input, once it is scaled
_SUM_BITS = 12  # integer bits of the sum of exponentials
# Where all exponentials together are 512 and more, as of 512 equal inputs, TensorFlow Lite Micro's last shift is beyond
# 31 and it aborts: no network of many classes gives that. From 4,096 on its sum may wrap, and nobody notices.
_MOST_DEPTH = 4095


@dataclass(frozen=True)
class SoftmaxLayer:
    """Rows of `depth` values. A difference d to the row's largest counts from `least_difference` on; then its scaled
    value, with 26 bits below the point, is the doubled high product of d * 2^left_shift and `multiplier`."""

    rows: int
    depth: int
    multiplier: int
    left_shift: int
    least_difference: int


def resolve(graph: Graph, op: Op) -> SoftmaxLayer:
    """Resolves `op` of `graph`.

    Raises:
        UnsupportedError: with the first reason why not.
    """
    source, output = one_to_one(graph, op)
    if not source.shape or source.shape != output.shape or source.count == 0:
        raise UnsupportedError(f"makes {list(output.shape)} of {list(source.shape)}")
    if source.shape[-1] > _MOST_DEPTH:
        raise UnsupportedError(
            f"has {source.shape[-1]} values a row; TensorFlow Lite Micro's sum may overflow from {_MOST_DEPTH + 1} on"
        )
    scale, _ = per_tensor(source, "input")
    output_scale, output_zero = per_tensor(output, "output")
    if (output_scale, output_zero) != (np.float32(1 / 256), -128):
        raise UnsupportedError(
            f"has output scale {float(output_scale):g} and zero point {output_zero}, not 1/256 and -128"
        )
    beta = options_of(op, BuiltinOptions.SoftmaxOptions).float32(_BETA)
    unit = 1 << (31 - _DIFFERENCE_BITS)
    real = min(beta * float(scale) * unit, 2.0**31 - 1.0)
    if not real > 1.0:
        raise UnsupportedError(f"has beta {beta:g} with input scale {float(scale):g}, too little to count")
    multiplier, shift = fixed_point.quantize_multiplier(real)
    radius = ((1 << _DIFFERENCE_BITS) - 1) * unit >> shift
    return SoftmaxLayer(source.count // source.shape[-1], source.shape[-1], multiplier, shift, -radius)


def reference(layer: SoftmaxLayer, values: NDArray[np.int8]) -> NDArray[np.int8]:
    """Every output of `values`, int8 (rows * depth,), as TensorFlow Lite Micro computes it."""
    rows = values.reshape(layer.rows, layer.depth).astype(np.int64)
    differences = rows - rows.max(axis=1, keepdims=True)
    counts = differences >= layer.least_difference
    scaled = product(np.where(counts, differences, 0) << layer.left_shift, layer.multiplier)
    exponentials = np.where(counts, exponential(scaled, _DIFFERENCE_BITS), 0)
    sums = fixed_point.divide_by_power(exponentials, _SUM_BITS).sum(axis=1, keepdims=True)
    digits = np.array([[int(total).bit_length()] for total in sums.ravel()], dtype=np.int64)
    reciprocals = reciprocal((sums << (32 - digits)) - (1 << 31))
    exponents = digits - (32 - _SUM_BITS) + 31 - 8
    outputs = fixed_point.divide_by_power(product(reciprocals, exponentials), exponents) - 128
    return np.where(counts, np.clip(outputs, -128, 127), -128).astype(np.int8).ravel()


def _pack(layer: SoftmaxLayer) -> Call:
    return Call(
        arrays=(),
        descriptor={
            "rows": layer.rows,
            "multiplier": layer.multiplier,
            "least_difference": layer.least_difference,
            "depth": layer.depth,
            "left_shift": layer.left_shift,
        },
        flash_bytes=0,
    )


OPERATOR = Operator(
    name="softmax",
    builtin=BuiltinOperator.SOFTMAX,
    resolve=resolve,
    reference=reference,
    describe=lambda layer: f"{layer.rows} of {layer.depth}",
    kernels=(Kernel("aot_softmax", _pack),),
)

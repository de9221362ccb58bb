"""SOFTMAX, int8 to int8 or int16, in the fixed-point arithmetic of TensorFlow Lite Micro.

Sources: micro/kernels/softmax_common.cc (what is refused, multiplier and radius), kernels/internal/reference/softmax.h
(the kernel), and gemmlowp's fixedpoint.h (the exponential and the reciprocal).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tflite.BuiltinOptions import BuiltinOptions

from boardproof_export.model import fixed_point
from boardproof_export.operators.checks import UnsupportedError, options_of, per_tensor
from boardproof_export.operators.gemmlowp import exponential, product, reciprocal
from boardproof_export.operators.records import Call, Kernel, Operator
from boardproof_export.operators.tables import edges
from boardproof_export.shared.model import Graph, Op, Tensor

_BETA = 0  # field of SoftmaxOptions
_DIFFERENCE_BITS = 5  # integer bits of a difference to the largest input, once it is scaled
_SUM_BITS = 12  # integer bits of the sum of exponentials
_MOST_DEPTH = 4_095  # whose sum fits the integer bits
# Of the output, by its type: bits, scale, zero point.
_OUTPUTS = {"INT8": (8, 1 / 256, -128), "INT16": (16, 1 / 65536, -32768)}
_TOLERANCE = {"INT8": 0.0, "INT16": 0.001}  # of the scale, in scales


@dataclass(frozen=True)
class SoftmaxLayer:
    """Rows of `depth` values. A difference d to the row's largest counts from `least_difference` on; then its scaled
    value, with 26 bits below the point, is the doubled high product of d * 2^left_shift and `multiplier`.

    Where a row's exponentials sum up to 512 and more, all are next to nothing as int8: TensorFlow Lite Micro aborts on
    such a row, the result here is the least value.
    """

    rows: int
    depth: int
    multiplier: int
    left_shift: int
    least_difference: int
    output_bits: int


def resolve(graph: Graph, op: Op) -> SoftmaxLayer:
    """Resolves `op` of `graph`.

    Raises:
        UnsupportedError: with the first reason why not.
    """
    source, output = edges(graph, op)
    if source.type != "INT8" or output.type not in _OUTPUTS:
        raise UnsupportedError(
            f"has {source.type} input and {output.type} output; only INT8 to INT8 or INT16 runs"
        )
    if not source.shape or source.shape != output.shape or source.count == 0:
        raise UnsupportedError(f"makes {list(output.shape)} of {list(source.shape)}")
    if source.shape[-1] > _MOST_DEPTH:
        raise UnsupportedError(
            f"has {source.shape[-1]} values a row, whose sum TensorFlow Lite Micro may overflow; {_MOST_DEPTH} fit"
        )
    scale, _ = per_tensor(source, "input")
    bits = _output_bits(output)
    beta = options_of(op, BuiltinOptions.SoftmaxOptions).float32(_BETA)
    unit = 1 << (31 - _DIFFERENCE_BITS)
    real = min(beta * float(scale) * unit, 2.0**31 - 1.0)
    if not real > 1.0:
        raise UnsupportedError(f"has beta {beta:g} with input scale {float(scale):g}, too little to count")
    multiplier, shift = fixed_point.quantize_multiplier(real)
    radius = ((1 << _DIFFERENCE_BITS) - 1) * unit >> shift
    return SoftmaxLayer(source.count // source.shape[-1], source.shape[-1], multiplier, shift, -radius, bits)


def _output_bits(output: Tensor) -> int:
    """Of the output's type, whose scale and zero point are fixed."""
    bits, scale, zero_point = _OUTPUTS[output.type]
    found = output.quantization
    if found is None or found.per_channel:
        raise UnsupportedError("has an output without one scale")
    off = abs(float(found.scales[0]) - scale)
    if not off <= _TOLERANCE[output.type] * scale or found.zero_points[0] != zero_point:
        raise UnsupportedError(
            f"has output scale {float(found.scales[0]):g} and zero point {found.zero_points[0]}, "
            f"not 1/{round(1 / scale)} and {zero_point}"
        )
    return bits


def reference(layer: SoftmaxLayer, values: NDArray[np.int8]) -> NDArray[Any]:
    """Every output of `values`, int8 (rows * depth,), as TensorFlow Lite Micro computes it."""
    rows = values.reshape(layer.rows, layer.depth).astype(np.int64)
    differences = rows - rows.max(axis=1, keepdims=True)
    counts = differences >= layer.least_difference
    scaled = product(np.where(counts, differences, 0) << layer.left_shift, layer.multiplier)
    exponentials = np.where(counts, exponential(scaled, _DIFFERENCE_BITS), 0)
    sums = fixed_point.divide_by_power(exponentials, _SUM_BITS).sum(axis=1, keepdims=True)
    digits = np.array([[int(total).bit_length()] for total in sums.ravel()], dtype=np.int64)
    reciprocals = reciprocal((sums << (32 - digits)) - (1 << 31))
    exponents = digits - (32 - _SUM_BITS) + 31 - layer.output_bits
    limits = np.iinfo(f"int{layer.output_bits}")
    outputs = fixed_point.divide_by_power(product(reciprocals, exponentials), exponents) + limits.min
    return np.where(counts, np.minimum(outputs, limits.max), limits.min).astype(limits.dtype).ravel()


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
    resolve=resolve,
    reference=reference,
    describe=lambda layer: f"{layer.rows} of {layer.depth}",
    kernels=(
        Kernel("aot_softmax_to_int16", _pack, fits=lambda layer: layer.output_bits == 16),
        Kernel("aot_softmax", _pack),
    ),
)

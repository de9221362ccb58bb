"""LOG_SOFTMAX, int8, in the fixed-point arithmetic of TensorFlow Lite Micro.

Sources: micro/kernels/log_softmax.cc, kernels/internal/reference/log_softmax.h, kernels/internal/common.h (the
logarithm), and gemmlowp's fixedpoint.h.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from boardproof_export.model import fixed_point
from boardproof_export.operators.checks import UnsupportedError, one_to_one, per_tensor
from boardproof_export.operators.gemmlowp import exponential, logarithm, product
from boardproof_export.operators.records import Call, Kernel, Operator
from boardproof_export.shared.model import Graph, Op

_DIFFERENCE_BITS = 5  # integer bits of a difference to the largest input, once it is scaled
_SUM_BITS = 12  # integer bits of the sum of exponentials
_OUTPUT_BITS = 4  # integer bits of an output
_MOST_DEPTH = 4_095  # whose sum fits the integer bits


@dataclass(frozen=True)
class LogSoftmaxLayer:
    """Rows of `depth` values. Differences to the row's largest are scaled as SOFTMAX's are; `back` and `back_shift` are
    the scale of the other way."""

    rows: int
    depth: int
    multiplier: int
    left_shift: int
    least_difference: int
    back: int
    back_shift: int


def resolve(graph: Graph, op: Op) -> LogSoftmaxLayer:
    """Resolves `op` of `graph`.

    Raises:
        UnsupportedError: with the first reason why not.
    """
    source, output = one_to_one(graph, op)
    if not source.shape or source.shape != output.shape or source.count == 0:
        raise UnsupportedError(f"makes {list(output.shape)} of {list(source.shape)}")
    if source.shape[-1] > _MOST_DEPTH:
        raise UnsupportedError(
            f"has {source.shape[-1]} values a row, whose sum may overflow; {_MOST_DEPTH} fit"
        )
    scale, _ = per_tensor(source, "input")
    output_scale, output_zero = per_tensor(output, "output")
    if (output_scale, output_zero) != (np.float32(1 / 16), 127):
        raise UnsupportedError(
            f"has output scale {float(output_scale):g} and zero point {output_zero}, not 1/16 and 127"
        )
    unit = 1 << (31 - _DIFFERENCE_BITS)
    multiplier, shift = fixed_point.quantize_multiplier(min(float(scale) * unit, 2.0**31 - 1.0))
    real = 2.0 ** (31 - shift) / multiplier if multiplier else 1.0
    back, back_shift = fixed_point.quantize_multiplier(real)
    if shift < 1 or not real < 1 or back_shift > 0:
        raise UnsupportedError(f"has input scale {float(scale):g}, on which TensorFlow Lite Micro aborts")
    radius = ((1 << _DIFFERENCE_BITS) - 1) * unit >> shift
    rows, depth = source.count // source.shape[-1], source.shape[-1]
    return LogSoftmaxLayer(rows, depth, multiplier, shift, -radius, back, back_shift)


def reference(layer: LogSoftmaxLayer, values: NDArray[np.int8]) -> NDArray[np.int8]:
    """Every output of `values`, int8 (rows * depth,)."""
    rows = values.reshape(layer.rows, layer.depth).astype(np.int64)
    differences = rows - rows.max(axis=1, keepdims=True)
    counts = differences >= layer.least_difference
    scaled = product(fixed_point.wrap(differences << layer.left_shift), layer.multiplier)
    exponentials = np.where(counts, exponential(np.where(counts, scaled, 0), _DIFFERENCE_BITS), 0)
    shares = fixed_point.divide_by_power(exponentials, _SUM_BITS)
    logs = logarithm(shares.sum(axis=1, keepdims=True), _DIFFERENCE_BITS)
    lowest = fixed_point.rescale(logs - (1 << 31), (layer.back, layer.back_shift))
    lowest = np.maximum(lowest, layer.least_difference - 1)
    outputs = fixed_point.divide_by_power(
        fixed_point.wrap(scaled - logs), 31 - _DIFFERENCE_BITS - _OUTPUT_BITS
    )
    return np.where(differences > lowest, np.clip(outputs + 127, -128, 127), -128).astype(np.int8).ravel()


def _pack(layer: LogSoftmaxLayer) -> Call:
    members = {
        "rows": layer.rows,
        "multiplier": layer.multiplier,
        "least_difference": layer.least_difference,
        "back": layer.back,
        "back_right_shift": -layer.back_shift,
        "depth": layer.depth,
        "left_shift": layer.left_shift,
    }
    return Call((), members, 0)


OPERATOR = Operator(
    name="log_softmax",
    resolve=resolve,
    reference=reference,
    describe=lambda layer: f"{layer.rows} of {layer.depth}",
    kernels=(Kernel("aot_log_softmax", _pack),),
)

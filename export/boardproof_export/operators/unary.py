"""Functions of one int8 value: LOGISTIC, TANH, HARD_SWISH, ELU, RELU, RELU6, LEAKY_RELU, ABS and RSQRT; and
LOGICAL_NOT.

A table of 256 values computed here is the whole operator: what TensorFlow Lite Micro computes for every value.
Sources: micro/kernels/{logistic,tanh,hard_swish,elu,activations,leaky_relu,elementwise}*.cc,
kernels/internal/reference/, kernels/internal/common.cc, and gemmlowp's fixedpoint.h.
"""

import numpy as np
from tflite.BuiltinOptions import BuiltinOptions

from boardproof_export.model import fixed_point
from boardproof_export.operators import checks, gemmlowp
from boardproof_export.operators.checks import UnsupportedError, scale_of
from boardproof_export.operators.records import Operator
from boardproof_export.operators.tables import (
    TABLE,
    Table,
    Wide,
    away,
    bytes_of,
    edges,
    int8_edges,
    reference,
    rescaled,
    steps_from,
    table_of,
)
from boardproof_export.shared.model import Graph, Op, Tensor

_INPUT_BITS = 4  # integer bits of what LOGISTIC and TANH take


def _scaled_input(source: Tensor) -> tuple[Wide, Wide]:
    """What LOGISTIC and TANH take, with 27 bits below the point, and which values are within their range: -1 below."""
    scale, zero_point = checks.per_tensor(source, "input")
    multiplier, shift = fixed_point.quantize_multiplier(float(scale) * (1 << (31 - _INPUT_BITS)))
    if not 0 <= shift <= fixed_point.MAX_LEFT_SHIFT:
        raise UnsupportedError(
            f"has input scale {float(scale):g}, out of what TensorFlow Lite Micro shifts by"
        )
    radius = int(np.floor(((1 << _INPUT_BITS) - 1) * (1 << (31 - _INPUT_BITS)) / (1 << shift)))
    steps = steps_from(zero_point)
    inside = np.where(steps <= -radius, -1, np.where(steps >= radius, 1, 0))
    return fixed_point.rescale(np.where(inside == 0, steps, 0), (multiplier, shift)), inside


def logistic(graph: Graph, op: Op) -> Table:
    """LOGISTIC, int8."""
    source, output = int8_edges(graph, op)
    if checks.per_tensor(output, "output")[1] != -128:
        raise UnsupportedError("has an output zero point other than -128")
    values, inside = _scaled_input(source)
    found = np.clip(fixed_point.divide_by_power(gemmlowp.logistic(values), 23) - 128, -128, 127)
    return table_of(source.count, np.where(inside == 0, found, np.where(inside < 0, -128, 127)))


def tanh(graph: Graph, op: Op) -> Table:
    """TANH, int8."""
    source, output = int8_edges(graph, op)
    checks.per_tensor(output, "output")
    values, inside = _scaled_input(source)
    found = np.clip(fixed_point.divide_by_power(gemmlowp.tanh(values), 24), -128, 127)
    return table_of(source.count, np.where(inside == 0, found, np.where(inside < 0, -128, 127)))


def elu(graph: Graph, op: Op) -> Table:
    """ELU, int8: in float32, as the interpreter makes its own table."""
    source, output = int8_edges(graph, op)
    scale, zero_point = checks.per_tensor(source, "input")
    output_scale, output_zero = checks.per_tensor(output, "output")
    with np.errstate(over="ignore"):
        real = np.float32(scale) * steps_from(zero_point).astype(np.float32)
        changed = np.where(real < 0, np.exp(real) - np.float32(1), real)
        steps = away(changed * (np.float32(1) / np.float32(output_scale))) + np.float32(output_zero)
    if not (np.abs(steps) < 1 << 31).all():
        raise UnsupportedError("has an output scale that TensorFlow Lite Micro overflows with")
    return table_of(source.count, np.trunc(steps).astype(np.int64))


def relu(graph: Graph, op: Op) -> Table:
    """RELU, int8, which changes the scale, too."""
    source, output = int8_edges(graph, op)
    scale, zero_point = checks.per_tensor(source, "input")
    output_scale, output_zero = checks.per_tensor(output, "output")
    found = rescaled(steps_from(zero_point), float(scale) / float(output_scale)) + output_zero
    return table_of(source.count, np.maximum(fixed_point.wrap(found), output_zero))


def relu6(graph: Graph, op: Op) -> Table:
    """RELU6, int8, in the input's steps."""
    source, _ = int8_edges(graph, op)
    scale, zero_point = checks.per_tensor(source, "input")
    six = zero_point + int(away(np.array([np.float32(6) / np.float32(scale)], np.float32))[0])
    values = bytes_of().astype(np.int64)
    return table_of(source.count, np.minimum(np.maximum(values, zero_point), min(six, 127)))


def leaky_relu(graph: Graph, op: Op) -> Table:
    """LEAKY_RELU, int8."""
    source, output = int8_edges(graph, op)
    scale, zero_point = checks.per_tensor(source, "input")
    output_scale, output_zero = checks.per_tensor(output, "output")
    alpha = np.float32(checks.options_of(op, BuiltinOptions.LeakyReluOptions).float32(0))
    slope = float(scale) * float(alpha) / float(output_scale)
    if slope < 0:
        raise UnsupportedError(f"has a slope of {float(alpha):g} below zero")
    steps = steps_from(zero_point)
    up, down = (rescaled(steps, real) for real in (float(scale) / float(output_scale), slope))
    return table_of(source.count, fixed_point.wrap(np.where(steps >= 0, up, down) + output_zero))


def hard_swish(graph: Graph, op: Op) -> Table:
    """HARD_SWISH, int8, in 16-bit fixed point."""
    source, output = int8_edges(graph, op)
    scale, zero_point = checks.per_tensor(source, "input")
    output_scale, output_zero = checks.per_tensor(output, "output")
    fine = float(scale) / 128
    out_multiplier, out_shift = _short(fine / float(output_scale))
    relu_multiplier, relu_shift = _short(fine / (3 / 32768))
    if out_shift > 0 or min(out_shift, relu_shift) < -15:
        raise UnsupportedError("has scales that TensorFlow Lite Micro's 16-bit numbers do not hold")
    value = steps_from(zero_point) * 128
    before_shift = _high_16(value, out_multiplier)
    relu = value
    if relu_shift > 0:
        relu = np.clip(relu << min(relu_shift - 1, 31), -32768, 32767)
    relu = _high_16(relu, relu_multiplier)
    if relu_shift > 0:
        relu = np.clip(relu << 1, -32768, 32767)
    if relu_shift < 0:
        relu = fixed_point.divide_by_power(relu, -relu_shift)
    relu = (relu + (1 << 15)) >> 1
    product = relu * before_shift
    high = np.sign(product) * (np.abs(product) >> 15)
    return table_of(source.count, fixed_point.divide_by_power(high, -out_shift) + output_zero)


def _short(real: float) -> tuple[int, int]:
    """A multiplier of 16 bits and its shift."""
    multiplier, shift = fixed_point.quantize_multiplier(real)
    return min((multiplier + (1 << 15)) >> 16, 32767), shift


def _high_16(a: Wide, b: int) -> Wide:
    """The doubled high half of a product of 16-bit numbers, to nearest."""
    product = a * b
    nudged = product + np.where(product >= 0, 1 << 14, 1 - (1 << 14))
    high: Wide = np.sign(nudged) * (np.abs(nudged) >> 15)
    return high


def abs_(graph: Graph, op: Op) -> Table:
    """ABS, int8. Where the scales are one, nothing is rounded."""
    source, output = int8_edges(graph, op)
    scale, zero_point = checks.per_tensor(source, "input")
    output_scale, output_zero = checks.per_tensor(output, "output")
    values = np.abs(steps_from(zero_point))
    if scale != output_scale:
        values = rescaled(values, float(scale) / float(output_scale))
    return table_of(source.count, fixed_point.wrap(values + output_zero))


_RSQRT_BITS = 20  # that are kept below the point between the root and the output's scale


def rsqrt(graph: Graph, op: Op) -> Table:
    """RSQRT, int8. Of 0 it is the largest output, and so below, where TensorFlow Lite Micro stops with an error."""
    source, output = int8_edges(graph, op)
    scale, zero_point = checks.per_tensor(source, "input")
    output_scale, output_zero = checks.per_tensor(output, "output")
    with np.errstate(over="ignore", under="ignore"):
        divisor = float(np.sqrt(np.float32(scale)) * np.float32(output_scale))
    multiplier, shift = scale_of(1 / divisor if divisor else np.inf)
    if shift - _RSQRT_BITS < -31:
        raise UnsupportedError(
            f"has an output scale of {float(output_scale):g}, which is too large to divide by"
        )
    found = np.full(256, 127, np.int64)
    for place, step in enumerate(steps_from(zero_point).tolist()):
        if step > 0:
            root, root_shift = gemmlowp.inverse_root(step)
            fine = fixed_point.rescale(np.array([1]), (root, root_shift + _RSQRT_BITS))
            found[place] = fixed_point.rescale(fine, (multiplier, shift - _RSQRT_BITS))[0] + output_zero
    return table_of(source.count, found)


def logical_not(graph: Graph, op: Op) -> Table:
    """LOGICAL_NOT, bool."""
    source, output = edges(graph, op)
    if (source.type, output.type) != ("BOOL", "BOOL"):
        raise UnsupportedError(f"has {source.type} input and {output.type} output; only BOOL runs")
    return Table(source.count, np.arange(256) == 0)


OPERATORS = tuple(
    Operator(
        name=name,
        resolve=resolve,
        reference=reference,
        kernels=(TABLE,),
        family="unary",
        c_module="table",
        in_place=True,
    )
    for name, resolve in (
        ("logistic", logistic),
        ("tanh", tanh),
        ("hard_swish", hard_swish),
        ("elu", elu),
        ("relu", relu),
        ("relu6", relu6),
        ("leaky_relu", leaky_relu),
        ("abs", abs_),
        ("rsqrt", rsqrt),
        ("logical_not", logical_not),
    )
)

"""Functions of one value: LOGISTIC, TANH, HARD_SWISH, ELU, RELU, RELU6, LEAKY_RELU, QUANTIZE and DEQUANTIZE.

Where input and output are bytes, a table of 256 values computed here is the whole operator: what TensorFlow Lite Micro
computes for every value that there is. Sources: micro/kernels/{logistic,tanh,hard_swish,elu,activations,leaky_relu,
quantize,dequantize}*.cc, kernels/internal/reference/, and gemmlowp's fixedpoint.h.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tflite.BuiltinOperator import BuiltinOperator
from tflite.BuiltinOptions import BuiltinOptions

from boardproof_export.model import fixed_point
from boardproof_export.operators import checks
from boardproof_export.operators.checks import UnsupportedError
from boardproof_export.operators.gemmlowp import logistic as fixed_logistic
from boardproof_export.operators.gemmlowp import tanh as fixed_tanh
from boardproof_export.operators.records import Array, Call, Kernel, Operator
from boardproof_export.shared.model import Graph, Op, Tensor

_INPUT_BITS = 4  # integer bits of what LOGISTIC and TANH take
_Wide = NDArray[np.int64]


@dataclass(frozen=True)
class Table:
    """One output for each of the 256 values of a byte, by the byte as an unsigned number."""

    count: int
    values: NDArray[Any] = field(repr=False)  # (256,), of the output's type


@dataclass(frozen=True)
class Scaled:
    """A change of scale between types that a table is too large for: see aot_scaled_t."""

    count: int
    source: np.dtype[Any]
    output: np.dtype[Any]
    multiplier: int
    shift: int
    source_zero_point: int
    output_zero_point: int
    scale: float  # of the output, where the source is float32


def _edges(graph: Graph, op: Op) -> tuple[Tensor, Tensor]:
    source = graph.optional(op, 0)
    if source is None or len(op.inputs) != 1 or len(op.outputs) != 1:
        raise UnsupportedError(f"has {len(op.inputs)} inputs and {len(op.outputs)} outputs")
    output = graph.tensors[op.outputs[0]]
    if source.count != output.count:
        raise UnsupportedError(f"makes {list(output.shape)} of {list(source.shape)}")
    return source, output


def _int8(graph: Graph, op: Op) -> tuple[Tensor, Tensor]:
    source, output = _edges(graph, op)
    if (source.type, output.type) != ("INT8", "INT8"):
        raise UnsupportedError(f"has {source.type} input and {output.type} output; only INT8 runs")
    return source, output


def _steps(zero_point: int) -> _Wide:
    """All int8 values, in the order of their bytes, less the zero point."""
    return np.arange(256, dtype=np.uint8).view(np.int8).astype(np.int64) - zero_point


def _table(count: int, values: NDArray[Any]) -> Table:
    return Table(count, np.clip(values, -128, 127).astype(np.int8))


def _scaled_input(source: Tensor) -> tuple[_Wide, _Wide]:
    """What LOGISTIC and TANH take, with 27 bits below the point, and which values are within their range: -1 below."""
    scale, zero_point = checks.per_tensor(source, "input")
    multiplier, shift = fixed_point.quantize_multiplier(float(scale) * (1 << (31 - _INPUT_BITS)))
    if not 0 <= shift <= fixed_point.MAX_LEFT_SHIFT:
        raise UnsupportedError(
            f"has input scale {float(scale):g}, out of what TensorFlow Lite Micro shifts by"
        )
    radius = int(np.floor(((1 << _INPUT_BITS) - 1) * (1 << (31 - _INPUT_BITS)) / (1 << shift)))
    steps = _steps(zero_point)
    inside = np.where(steps <= -radius, -1, np.where(steps >= radius, 1, 0))
    return fixed_point.multiply(np.where(inside == 0, steps, 0)[:, None], [multiplier], [shift])[:, 0], inside


def logistic(graph: Graph, op: Op) -> Table:
    """LOGISTIC, int8."""
    source, output = _int8(graph, op)
    if checks.per_tensor(output, "output")[1] != -128:
        raise UnsupportedError("has an output zero point other than -128")
    values, inside = _scaled_input(source)
    found = np.clip(fixed_point.divide_by_power(fixed_logistic(values), 23) - 128, -128, 127)
    return _table(source.count, np.where(inside == 0, found, np.where(inside < 0, -128, 127)))


def tanh(graph: Graph, op: Op) -> Table:
    """TANH, int8."""
    source, output = _int8(graph, op)
    checks.per_tensor(output, "output")
    values, inside = _scaled_input(source)
    found = np.clip(fixed_point.divide_by_power(fixed_tanh(values), 24), -128, 127)
    return _table(source.count, np.where(inside == 0, found, np.where(inside < 0, -128, 127)))


def elu(graph: Graph, op: Op) -> Table:
    """ELU, int8: in float32, as the interpreter makes its own table."""
    source, output = _int8(graph, op)
    scale, zero_point = checks.per_tensor(source, "input")
    output_scale, output_zero = checks.per_tensor(output, "output")
    with np.errstate(over="ignore"):
        real = np.float32(scale) * _steps(zero_point).astype(np.float32)
        changed = np.where(real < 0, np.exp(real) - np.float32(1), real)
        steps = _away(changed * (np.float32(1) / np.float32(output_scale))) + np.float32(output_zero)
    if not (np.abs(steps) < 1 << 31).all():
        raise UnsupportedError("has an output scale that TensorFlow Lite Micro overflows with")
    return _table(source.count, np.trunc(steps).astype(np.int64))


def _away(values: NDArray[Any]) -> NDArray[np.float32]:
    """To the nearest whole number, half away from zero."""
    wide = values.astype(np.float64)
    rounded: NDArray[np.float32] = (np.sign(wide) * np.floor(np.abs(wide) + 0.5)).astype(np.float32)
    return rounded


def _rescaled(steps: _Wide, real: float) -> _Wide:
    if not real < float(1 << fixed_point.MAX_LEFT_SHIFT):
        raise UnsupportedError(f"rescales by {real:g}, which overflows TensorFlow Lite Micro's shift")
    multiplier, shift = fixed_point.quantize_multiplier(real)
    return fixed_point.multiply(steps[:, None], [multiplier], [shift])[:, 0]


def relu(graph: Graph, op: Op) -> Table:
    """RELU, int8, which changes the scale, too."""
    source, output = _int8(graph, op)
    scale, zero_point = checks.per_tensor(source, "input")
    output_scale, output_zero = checks.per_tensor(output, "output")
    found = _rescaled(_steps(zero_point), float(np.float32(scale) / np.float32(output_scale))) + output_zero
    return _table(source.count, np.maximum(fixed_point.wrap(found), output_zero))


def relu6(graph: Graph, op: Op) -> Table:
    """RELU6, int8, in the input's steps."""
    source, _ = _int8(graph, op)
    scale, zero_point = checks.per_tensor(source, "input")
    six = zero_point + int(_away(np.array([np.float32(6) / np.float32(scale)], np.float32))[0])
    values = np.arange(256, dtype=np.uint8).view(np.int8).astype(np.int64)
    return _table(source.count, np.minimum(np.maximum(values, zero_point), min(six, 127)))


def leaky_relu(graph: Graph, op: Op) -> Table:
    """LEAKY_RELU, int8."""
    source, output = _int8(graph, op)
    scale, zero_point = checks.per_tensor(source, "input")
    output_scale, output_zero = checks.per_tensor(output, "output")
    alpha = np.float32(checks.options_of(op, BuiltinOptions.LeakyReluOptions).float32(0))
    slope = float(np.float32(np.float32(scale) * alpha) / np.float32(output_scale))
    if slope < 0:
        raise UnsupportedError(f"has a slope of {float(alpha):g} below zero")
    steps = _steps(zero_point)
    up, down = (
        _rescaled(steps, real) for real in (float(np.float32(scale) / np.float32(output_scale)), slope)
    )
    return _table(source.count, fixed_point.wrap(np.where(steps >= 0, up, down) + output_zero))


def hard_swish(graph: Graph, op: Op) -> Table:
    """HARD_SWISH, int8, in 16-bit fixed point."""
    source, output = _int8(graph, op)
    scale, zero_point = checks.per_tensor(source, "input")
    output_scale, output_zero = checks.per_tensor(output, "output")
    fine = np.float32(1 / 128) * np.float32(scale)
    out_multiplier, out_shift = _short(float(fine / np.float32(output_scale)))
    relu_multiplier, relu_shift = _short(float(fine / np.float32(3 / 32768)))
    if out_shift > 0 or min(out_shift, relu_shift) < -15:
        raise UnsupportedError("has scales that TensorFlow Lite Micro's 16-bit numbers do not hold")
    value = _steps(zero_point) * 128
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
    return _table(source.count, fixed_point.divide_by_power(high, -out_shift) + output_zero)


def _short(real: float) -> tuple[int, int]:
    """A multiplier of 16 bits and its shift."""
    multiplier, shift = fixed_point.quantize_multiplier(real)
    return min((multiplier + (1 << 15)) >> 16, 32767), shift


def _high_16(a: _Wide, b: int) -> _Wide:
    """The doubled high half of a product of 16-bit numbers, to nearest."""
    product = a * b
    nudged = product + np.where(product >= 0, 1 << 14, 1 - (1 << 14))
    high: _Wide = np.sign(nudged) * (np.abs(nudged) >> 15)
    return high


def quantize(graph: Graph, op: Op) -> Table | Scaled:
    """QUANTIZE: float32 to quantized, or from one scale to another."""
    source, output = _edges(graph, op)
    kinds = (source.type, output.type)
    if kinds not in _QUANTIZED:
        raise UnsupportedError(f"makes {output.type} of {source.type}")
    output_scale, output_zero = _affine(output, "output")
    types = np.dtype(source.type.lower()), np.dtype(output.type.lower())
    if source.type == "FLOAT32":
        return Scaled(source.count, *types, 0, 0, 0, output_zero, float(output_scale))
    scale, zero_point = _affine(source, "input")
    real = float(scale) / float(output_scale)
    if not real < float(1 << fixed_point.MAX_LEFT_SHIFT):
        raise UnsupportedError(f"rescales by {real:g}, which overflows TensorFlow Lite Micro's shift")
    multiplier, shift = fixed_point.quantize_multiplier(real)
    layer = Scaled(source.count, *types, multiplier, shift, zero_point, output_zero, 0.0)
    if types[0].itemsize > 1 or types[1].itemsize > 1:
        return layer
    return Table(source.count, _requantized(layer, np.arange(256, dtype=np.uint8).view(types[0])))


_QUANTIZED = frozenset(
    {("FLOAT32", "INT8"), ("FLOAT32", "INT16"), ("INT32", "INT8"), ("INT32", "INT16"), ("UINT8", "INT8")}
    | {("INT16", kind) for kind in ("INT8", "INT16", "INT32")}
    | {("INT8", kind) for kind in ("INT8", "UINT8", "INT16", "INT32")}
)


def _affine(tensor: Tensor, what: str) -> tuple[np.float32, int]:
    """Scale and zero point of a tensor of any quantized type."""
    quantized = tensor.quantization
    if quantized is None or quantized.per_channel:
        raise UnsupportedError(f"has an {what} without one scale")
    scale, point = np.float32(quantized.scales[0]), quantized.zero_points[0]
    limits = np.iinfo(tensor.type.lower())
    if not (np.isfinite(scale) and scale > 0) or not limits.min <= point <= limits.max:
        raise UnsupportedError(f"has an {what} with scale {float(scale):g} and zero point {point}")
    return scale, point


def _requantized(layer: Scaled, values: NDArray[Any]) -> NDArray[Any]:
    limits = np.iinfo(layer.output)
    wide = fixed_point.wrap(values.astype(np.int64) - layer.source_zero_point)
    scaled = fixed_point.multiply(wide[:, None], [layer.multiplier], [layer.shift])[:, 0]
    return np.clip(fixed_point.wrap(scaled + layer.output_zero_point), limits.min, limits.max).astype(
        layer.output
    )


def dequantize(graph: Graph, op: Op) -> Table:
    """DEQUANTIZE of bytes: a table of float32 values, each the product in double, rounded once."""
    source, output = _edges(graph, op)
    if (source.type, output.type) not in (("INT8", "FLOAT32"), ("UINT8", "FLOAT32")):
        raise UnsupportedError(f"makes {output.type} of {source.type}")
    scale, zero_point = _affine(source, "input")
    values = np.arange(256, dtype=np.uint8).view(np.dtype(source.type.lower())).astype(np.int64) - zero_point
    return Table(source.count, (float(scale) * values.astype(np.float64)).astype(np.float32))


def reference(layer: Table | Scaled, values: NDArray[Any]) -> NDArray[Any]:
    """The outputs, flat. A float32 whose steps no int32 holds is cut to the type; NaN becomes the least value."""
    if isinstance(layer, Table):
        found: NDArray[Any] = layer.values[np.ascontiguousarray(values).view(np.uint8)]
        return found
    if layer.source.kind != "f":
        return _requantized(layer, values)
    limits = np.iinfo(layer.output)
    with np.errstate(over="ignore", invalid="ignore"):
        steps = _away(values / np.float32(layer.scale)).astype(np.float64) + layer.output_zero_point
    return np.clip(np.nan_to_num(steps, nan=limits.min), limits.min, limits.max).astype(layer.output)


def _pack_table(layer: Table | Scaled) -> Call:
    assert isinstance(layer, Table)
    if _words(layer):
        array = Array("table", "uint32_t", layer.values.view(np.uint32), what="the bits of float32 values")
    else:
        array = Array("table", "uint8_t", layer.values.view(np.uint8))
    return Call((array,), {"table": array.name, "count": layer.count}, layer.values.nbytes)


def _pack_scaled(layer: Table | Scaled) -> Call:
    assert isinstance(layer, Scaled)
    limits = np.iinfo(layer.output)
    members = {
        "count": layer.count,
        "source_bytes": layer.source.itemsize,
        "output_bytes": layer.output.itemsize,
        "multiplier": layer.multiplier,
        "right_shift": -layer.shift,
        "source_zero_point": layer.source_zero_point,
        "output_zero_point": layer.output_zero_point,
        "least": int(limits.min),
        "most": int(limits.max),
    }
    return Call((), members | ({"scale": layer.scale} if layer.source.kind == "f" else {}), 0)


def _words(layer: Table | Scaled) -> bool:
    return isinstance(layer, Table) and layer.values.dtype.itemsize > 1


def _bytes(layer: Table | Scaled) -> bool:
    return isinstance(layer, Table) and not _words(layer)


def _floats(layer: Table | Scaled) -> bool:
    return isinstance(layer, Scaled) and layer.source.kind == "f"


_TABLE = Kernel[Any]("aot_table", _pack_table, fits=_bytes, descriptor="aot_table_t")
_FLOATS = Kernel[Any]("aot_table_of_words", _pack_table, fits=_words, descriptor="aot_table_of_words_t")
_QUANTIZE = Kernel[Any]("aot_quantize", _pack_scaled, fits=_floats, descriptor="aot_scaled_t")
_REQUANTIZE = Kernel[Any]("aot_requantize", _pack_scaled, descriptor="aot_scaled_t")

OPERATORS = tuple(
    Operator(
        name=name,
        builtin=getattr(BuiltinOperator, name.upper()),
        resolve=resolve,
        reference=reference,
        kernels=kernels,
        family="unary",
        in_place=in_place,
    )
    for name, resolve, kernels, in_place in (
        ("logistic", logistic, (_TABLE,), True),
        ("tanh", tanh, (_TABLE,), True),
        ("hard_swish", hard_swish, (_TABLE,), True),
        ("elu", elu, (_TABLE,), True),
        ("relu", relu, (_TABLE,), True),
        ("relu6", relu6, (_TABLE,), True),
        ("leaky_relu", leaky_relu, (_TABLE,), True),
        ("quantize", quantize, (_TABLE, _QUANTIZE, _REQUANTIZE), False),
        ("dequantize", dequantize, (_FLOATS,), False),
    )
)

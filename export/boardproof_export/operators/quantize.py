"""QUANTIZE and DEQUANTIZE: between real and quantized values, and between quantized types and scales.

Sources: micro/kernels/{quantize,dequantize}_common.cc, kernels/internal/reference/{quantize,requantize,dequantize}.h.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boardproof_export.model import fixed_point
from boardproof_export.operators import tables
from boardproof_export.operators.checks import UnsupportedError, scale_of
from boardproof_export.operators.records import Call, Kernel, Operator
from boardproof_export.operators.tables import Table, edges
from boardproof_export.shared.model import Graph, Op, Tensor

_QUANTIZED = frozenset(
    {("FLOAT32", "INT8"), ("FLOAT32", "INT16"), ("INT32", "INT8"), ("INT32", "INT16"), ("UINT8", "INT8")}
    | {("INT16", kind) for kind in ("INT8", "INT16", "INT32")}
    | {("INT8", kind) for kind in ("INT8", "UINT8", "INT16", "INT32")}
)


@dataclass(frozen=True)
class Scaled:
    """A change of scale between types that a table is too large for: see aot_scaled_t."""

    count: int
    source: np.dtype[Any]
    output: np.dtype[Any]
    source_zero_point: int = 0
    output_zero_point: int = 0
    multiplier: int = 0
    shift: int = 0
    scale: float = 0.0  # of the quantized side, where the other one is float32


def quantize(graph: Graph, op: Op) -> Table | Scaled:
    """QUANTIZE: float32 to quantized, or from one scale to another."""
    source, output = edges(graph, op)
    kinds = (source.type, output.type)
    if kinds not in _QUANTIZED:
        raise UnsupportedError(f"makes {output.type} of {source.type}")
    output_scale, output_zero = _affine(output, "output")
    types = np.dtype(source.type.lower()), np.dtype(output.type.lower())
    if source.type == "FLOAT32":
        return Scaled(source.count, *types, output_zero_point=output_zero, scale=float(output_scale))
    scale, zero_point = _affine(source, "input")
    multiplier, shift = scale_of(float(scale) / float(output_scale))
    layer = Scaled(source.count, *types, zero_point, output_zero, multiplier, shift)
    if types[0].itemsize > 1 or types[1].itemsize > 1:
        return layer
    return Table(source.count, _requantized(layer, tables.bytes_of(source.type.lower())))


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


def dequantize(graph: Graph, op: Op) -> Table | Scaled:
    """DEQUANTIZE. The product in double that is rounded to float32 is that of float32: its factors are exact."""
    source, output = edges(graph, op)
    if source.type not in ("INT8", "UINT8", "INT16") or output.type != "FLOAT32":
        raise UnsupportedError(f"makes {output.type} of {source.type}")
    scale, zero_point = _affine(source, "input")
    types = np.dtype(source.type.lower()), np.dtype(np.float32)
    layer = Scaled(source.count, *types, source_zero_point=zero_point, scale=float(scale))
    if source.type == "INT16":
        return layer
    return Table(source.count, _dequantized(layer, tables.bytes_of(source.type.lower())))


def _requantized(layer: Scaled, values: NDArray[Any]) -> NDArray[Any]:
    limits = np.iinfo(layer.output)
    wide = fixed_point.wrap(values.astype(np.int64) - layer.source_zero_point)
    scaled = fixed_point.rescale(wide, (layer.multiplier, layer.shift))
    return np.clip(fixed_point.wrap(scaled + layer.output_zero_point), limits.min, limits.max).astype(
        layer.output
    )


def _dequantized(layer: Scaled, values: NDArray[Any]) -> NDArray[np.float32]:
    steps = (values.astype(np.int64) - layer.source_zero_point).astype(np.float32)
    with np.errstate(over="ignore"):
        return np.float32(layer.scale) * steps


def reference(layer: Table | Scaled, values: NDArray[Any]) -> NDArray[Any]:
    """The outputs, flat. A float32 whose steps no int32 holds is cut to the type; NaN becomes the least value."""
    if isinstance(layer, Table):
        return tables.reference(layer, values)
    if layer.output.kind == "f":
        return _dequantized(layer, values)
    if layer.source.kind != "f":
        return _requantized(layer, values)
    limits = np.iinfo(layer.output)
    with np.errstate(over="ignore", invalid="ignore"):
        steps = tables.away(values / np.float32(layer.scale)).astype(np.float64) + layer.output_zero_point
    return np.clip(np.nan_to_num(steps, nan=limits.min), limits.min, limits.max).astype(layer.output)


def _pack(layer: Scaled) -> Call:
    members: dict[str, Any] = {
        "count": layer.count,
        "source_bytes": layer.source.itemsize,
        "output_bytes": layer.output.itemsize,
        "source_zero_point": layer.source_zero_point,
        "output_zero_point": layer.output_zero_point,
    }
    if layer.output.kind != "f":
        limits = np.iinfo(layer.output)
        members |= {"least": int(limits.min), "most": int(limits.max)}
    if layer.scale:
        members["scale"] = layer.scale
    else:
        members |= {"multiplier": layer.multiplier, "right_shift": -layer.shift}
    return Call((), members, 0)


def _from_floats(layer: Table | Scaled) -> bool:
    return isinstance(layer, Scaled) and layer.source.kind == "f"


def _to_floats(layer: Table | Scaled) -> bool:
    return isinstance(layer, Scaled) and layer.output.kind == "f"


def _kernel(name: str, fits: Any = lambda _: True) -> Kernel[Any]:
    return Kernel(name, _pack, fits=fits, descriptor="aot_scaled_t")


OPERATORS = tuple(
    Operator(
        name=name,
        resolve=resolve,
        reference=reference,
        kernels=kernels,
        family="quantize",
    )
    for name, resolve, kernels in (
        (
            "quantize",
            quantize,
            (tables.TABLE, _kernel("aot_quantize", _from_floats), _kernel("aot_requantize")),
        ),
        (
            "dequantize",
            dequantize,
            (tables.TABLE_OF_WORDS, _kernel("aot_dequantize", _to_floats)),
        ),
    )
)

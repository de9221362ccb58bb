"""RESIZE_NEAREST_NEIGHBOR, any type, and RESIZE_BILINEAR, int8: which rows and columns of the input make an output is
found here, in the arithmetic of TensorFlow Lite Micro (float32, and whole 1024ths).

Sources: micro/kernels/resize_nearest_neighbor.cc, resize_bilinear.cc, kernels/internal/reference/ of the same names.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tflite.BuiltinOptions import BuiltinOptions

from boardproof_export.model import fixed_point
from boardproof_export.operators import checks
from boardproof_export.operators.checks import UnsupportedError
from boardproof_export.operators.moves import parameter, tensors_of
from boardproof_export.operators.records import Array, Call, Kernel, Operator
from boardproof_export.shared.model import Graph, Op, Tensor

_ONE = 1 << 10  # of bilinear weights
_MOST = 65_535  # rows or columns
_Positions = NDArray[np.int64]


@dataclass(frozen=True)
class Axis:
    """Where each output row or column comes from: `share` 1024ths of `upper`, the rest of `lower`."""

    size: int  # of the input
    lower: _Positions = field(repr=False)
    upper: _Positions = field(repr=False)
    share: _Positions = field(repr=False)


@dataclass(frozen=True)
class Resize:
    """A layer: an input of (batches, rows.size, columns.size, depth)."""

    batches: int
    rows: Axis
    columns: Axis
    depth: int
    dtype: np.dtype[Any]


def _edges(graph: Graph, op: Op, types: tuple[str, ...]) -> tuple[Tensor, Tensor]:
    (source,), (output,) = tensors_of(graph, op)
    if source.type not in types:
        raise UnsupportedError(f"has {source.type} input; only {', '.join(types)} run")
    size = parameter(graph, op, 1, "a size")
    if len(source.shape) != 4 or source.count == 0:
        raise UnsupportedError(
            f"has an input of {list(source.shape)}, not batches, rows, columns and channels"
        )
    wanted = (source.shape[0], *size.tolist(), source.shape[3])
    if output.shape != wanted or min(wanted) < 1 or max(source.shape[1:3] + wanted[1:3]) > _MOST:
        raise UnsupportedError(
            f"makes {list(output.shape)} of {list(source.shape)} for a size of {size.tolist()}"
        )
    return source, output


def _resize(source: Tensor, rows: Axis, columns: Axis) -> Resize:
    return Resize(source.shape[0], rows, columns, source.shape[3], np.dtype(source.type.lower()))


def nearest_neighbor(graph: Graph, op: Op) -> Resize:
    """RESIZE_NEAREST_NEIGHBOR."""
    source, output = _edges(graph, op, ("INT8", "INT16", "FLOAT32"))
    options = checks.options_of(op, BuiltinOptions.ResizeNearestNeighborOptions)
    align, half = options.bool(0), options.bool(1)
    pairs = zip(source.shape[1:3], output.shape[1:3], strict=True)
    return _resize(source, *(_nearest(*pair, align=align, half=half) for pair in pairs))


def _nearest(size: int, wanted: int, *, align: bool, half: bool) -> Axis:
    stretched = align and wanted > 1
    scale = np.float32(size - stretched) / np.float32(wanted - stretched)
    at = (np.arange(wanted, dtype=np.float32) + np.float32(0.5 if half else 0)) * scale
    found = np.floor(at.astype(np.float64) + (0.5 if align else 0)).astype(np.int64)
    nearest = np.clip(found, 0, size - 1)
    return Axis(size, nearest, nearest, np.zeros(wanted, np.int64))


def bilinear(graph: Graph, op: Op) -> Resize:
    """RESIZE_BILINEAR."""
    source, output = _edges(graph, op, ("INT8",))
    options = checks.options_of(op, BuiltinOptions.ResizeBilinearOptions)
    align, half = options.bool(2), options.bool(3)
    if align and half:
        raise UnsupportedError("aligns corners with half pixel centers, which TensorFlow Lite Micro refuses")
    pairs = zip(source.shape[1:3], output.shape[1:3], strict=True)
    return _resize(source, *(_between(*pair, align=align, half=half) for pair in pairs))


def _between(size: int, wanted: int, *, align: bool, half: bool) -> Axis:
    stretched = align and wanted > 1
    from_, to = size - stretched, wanted - stretched
    scale = (_ONE * from_ + to // 2) // to
    at = np.arange(wanted, dtype=np.int64) * scale + (scale // 2 - _ONE // 2 if half else 0)
    lower = np.maximum(at, 0) // _ONE
    upper = np.minimum(np.maximum(at + _ONE - 1, 0) // _ONE, size - 1)
    if lower[-1] >= size:
        raise UnsupportedError(f"makes {wanted} of {size}: TensorFlow Lite Micro reads beyond the input")
    return Axis(size, lower, upper, np.where(lower == upper, 0, at - lower * _ONE))


def _image(layer: Resize, values: NDArray[Any]) -> NDArray[Any]:
    return values.reshape(layer.batches, layer.rows.size, layer.columns.size, layer.depth)


def _nearest_reference(layer: Resize, values: NDArray[Any], *_size: NDArray[Any]) -> NDArray[Any]:
    return _image(layer, values)[:, layer.rows.lower][:, :, layer.columns.lower].ravel()


def _bilinear_reference(layer: Resize, values: NDArray[Any], *_size: NDArray[Any]) -> NDArray[Any]:
    image = _image(layer, values).astype(np.int64)
    rows, columns = layer.rows, layer.columns
    share = rows.share[:, None, None]
    mixed = image[:, rows.lower] * (_ONE - share) + image[:, rows.upper] * share
    share = columns.share[:, None]
    fine: Any = mixed[:, :, columns.lower] * (_ONE - share) + mixed[:, :, columns.upper] * share
    return fixed_point.divide_by_power(fine, 20).astype(np.int8).ravel()


def _pack(layer: Resize, *, bilinear: bool) -> Call:
    parts = ("lower", "upper", "share") if bilinear else ("lower",)
    size = layer.depth * layer.dtype.itemsize
    arrays = [
        Array(f"{axis}_{part}", "uint16_t", getattr(getattr(layer, axis), part).astype(np.uint16))
        for axis in ("rows", "columns")
        for part in parts
    ]
    members: dict[str, Any] = {array.name.replace("_", ".", 1): array.name for array in arrays}
    members |= {
        "rows.count": len(layer.rows.lower),
        "columns.count": len(layer.columns.lower),
        "batches": layer.batches,
        "position_bytes": size,
        "row_bytes": size * layer.columns.size,
        "batch_bytes": size * layer.columns.size * layer.rows.size,
    }
    return Call(tuple(arrays), members, sum(array.values.nbytes for array in arrays))


def _describe(layer: Resize) -> str:
    rows, columns = layer.rows, layer.columns
    return f"{rows.size}x{columns.size} to {len(rows.lower)}x{len(columns.lower)}, {layer.depth} channels"


OPERATORS = (
    Operator(
        name="resize_nearest_neighbor",
        resolve=nearest_neighbor,
        reference=_nearest_reference,
        kernels=(Kernel("aot_resize_nearest_neighbor", lambda layer: _pack(layer, bilinear=False)),),
        family="resize",
        describe=_describe,
    ),
    Operator(
        name="resize_bilinear",
        resolve=bilinear,
        reference=_bilinear_reference,
        kernels=(Kernel("aot_resize_bilinear", lambda layer: _pack(layer, bilinear=True)),),
        family="resize",
        describe=_describe,
    ),
)

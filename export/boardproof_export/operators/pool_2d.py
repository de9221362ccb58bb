"""AVERAGE_POOL_2D and MAX_POOL_2D, int8: the mean, half away from zero, or the largest of what of a window lies inside
the input.

Sources: micro/kernels/pooling_common.cc, kernels/padding.h, kernels/internal/reference/integer_ops/pooling.h. The
scales of input and output do not enter.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from tflite.BuiltinOptions import BuiltinOptions
from tflite.Padding import Padding

from boardproof_export.operators import checks
from boardproof_export.operators.checks import UnsupportedError, one_to_one, per_tensor
from boardproof_export.operators.mistakes import paddings
from boardproof_export.operators.records import Call, Kernel, Operator
from boardproof_export.shared.model import Graph, Op
from boardproof_export.shared.options import Options

# fields of Pool2DOptions
_PADDING, _STRIDE_WIDTH, _STRIDE_HEIGHT, _FILTER_WIDTH, _FILTER_HEIGHT, _ACTIVATION = range(6)
_MOST_IN_A_WINDOW = 1 << 23  # values whose sum fits int32


@dataclass(frozen=True)
class Axis:
    """A spatial axis: sizes of input, output, window and step, and the padding before the input."""

    input: int
    output: int
    window: int
    stride: int
    padding: int


@dataclass(frozen=True)
class PoolLayer:
    """Input (batches, height.input, width.input, depth), output likewise."""

    batches: int
    depth: int
    height: Axis
    width: Axis
    output_min: int
    output_max: int


def resolve(graph: Graph, op: Op) -> PoolLayer:
    """Resolves `op` of `graph`.

    Raises:
        UnsupportedError: with the first reason why not.
    """
    source, output = one_to_one(graph, op)
    if len(source.shape) != 4 or len(output.shape) != 4 or source.count == 0:
        raise UnsupportedError(f"makes {list(output.shape)} of {list(source.shape)}")
    options = checks.options_of(op, BuiltinOptions.Pool2DOptions)
    fused = checks.activation(options, _ACTIVATION)
    per_tensor(source, "input")
    lower, upper = checks.clamp(fused, *per_tensor(output, "output"))
    same = options.int8(_PADDING) == Padding.SAME
    height = _axis(source.shape[1], options.int32(_FILTER_HEIGHT), options.int32(_STRIDE_HEIGHT), same)
    width = _axis(source.shape[2], options.int32(_FILTER_WIDTH), options.int32(_STRIDE_WIDTH), same)
    if output.shape != (source.shape[0], height.output, width.output, source.shape[3]):
        raise UnsupportedError(f"makes {list(output.shape)} of {list(source.shape)}")
    if min(height.input, height.window) * min(width.input, width.window) > _MOST_IN_A_WINDOW:
        raise UnsupportedError(f"sums more than {_MOST_IN_A_WINDOW} values")
    return PoolLayer(source.shape[0], source.shape[3], height, width, lower, upper)


def _axis(size: int, window: int, stride: int, same: bool) -> Axis:
    if window < 1 or stride < 1:
        raise UnsupportedError(f"has a window of {window} and a stride of {stride}")
    output = (size + stride - 1) // stride if same else (size + stride - window) // stride
    if output < 1:
        raise UnsupportedError(f"has a window of {window} on {size} values")
    padding = max((output - 1) * stride + window - size, 0) // 2
    return Axis(size, output, window, stride, padding)


def _mean(window: NDArray[np.int64]) -> NDArray[np.int64]:
    count = window.shape[1] * window.shape[2]
    sums = window.sum(axis=(1, 2))
    mean: NDArray[np.int64] = np.sign(sums) * ((abs(sums) + count // 2) // count)
    return mean


def _largest(window: NDArray[np.int64]) -> NDArray[np.int64]:
    largest: NDArray[np.int64] = window.max(axis=(1, 2))
    return largest


def _reference(
    of_window: Callable[[NDArray[np.int64]], NDArray[np.int64]], layer: PoolLayer, values: NDArray[np.int8]
) -> NDArray[np.int8]:
    """Every output of `values`, int8 and flat, as TensorFlow Lite Micro computes it."""
    image = values.reshape(layer.batches, layer.height.input, layer.width.input, layer.depth).astype(np.int64)
    outputs = np.empty((layer.batches, layer.height.output, layer.width.output, layer.depth), np.int64)
    for row in range(layer.height.output):
        for column in range(layer.width.output):
            window = image[:, _inside(layer.height, row), _inside(layer.width, column)]
            outputs[:, row, column] = of_window(window)
    return np.clip(outputs, layer.output_min, layer.output_max).astype(np.int8).ravel()


def _inside(axis: Axis, position: int) -> slice:
    start = position * axis.stride - axis.padding
    return slice(max(start, 0), min(start + axis.window, axis.input))


def _pack(layer: PoolLayer) -> Call:
    axes = {
        f"{name}.{member}": getattr(axis, member)
        for name, axis in (("height", layer.height), ("width", layer.width))
        for member in ("input", "output", "window", "stride", "padding")
    }
    clamp = {"least": layer.output_min, "most": layer.output_max}
    return Call((), {**axes, "batches": layer.batches, "depth": layer.depth, **clamp}, flash_bytes=0)


def _fused(options: Options) -> str:
    return checks.activation_name(options, _ACTIVATION)


def _describe(layer: PoolLayer) -> str:
    height, width = layer.height, layer.width
    return f"{height.input}x{width.input} to {height.output}x{width.output}, {layer.depth} channels"


OPERATORS = tuple(
    Operator(
        name=name,
        resolve=resolve,
        reference=partial(_reference, of_window),
        describe=_describe,
        activation=_fused,
        kernels=(Kernel(f"aot_{name}", _pack),),
        family="pool_2d",
        mistakes=paddings,
    )
    for name, of_window in (
        ("average_pool_2d", _mean),
        ("max_pool_2d", _largest),
    )
)

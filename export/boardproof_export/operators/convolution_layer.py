"""Convolutions as layers: geometry, and what they compute.

Sources: kernels/padding.h, kernels/internal/reference/integer_ops/conv.h, depthwise_conv.h, transpose_conv.h.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boardproof_export.operators.checks import UnsupportedError
from boardproof_export.operators.dense import DenseLayer, outputs_of

_MOST = (1 << 31) - 1  # of a position, in and around an image


@dataclass(frozen=True)
class Axis:
    """A spatial axis: sizes of input, output and window; `padding` lies before the input (transposed: the output)."""

    input: int
    output: int
    window: int
    stride: int
    dilation: int
    padding: int


@dataclass(frozen=True)
class ConvolutionLayer:
    """Input (batches, height.input, width.input, depth), output likewise.

    `dense` is what is computed at one position: weights (outputs, window height * window width * depth / groups). A
    depthwise convolution has as many groups as channels.
    """

    batches: int
    height: Axis
    width: Axis
    depth: int
    groups: int
    transposed: bool
    dense: DenseLayer

    @property
    def taps(self) -> int:
        """Positions of a window."""
        return self.height.window * self.width.window

    @property
    def depthwise(self) -> bool:
        """Whether each channel, of several, is computed from its own."""
        return self.groups == self.depth > 1 and not self.transposed

    @property
    def pointwise(self) -> bool:
        """Whether each output position is made of the input at that position, of all its channels."""
        plain = all((axis.stride, axis.padding, axis.output) == (1, 0, axis.input) for axis in self.axes)
        return plain and self.taps == 1 and self.groups == 1

    @property
    def axes(self) -> tuple[Axis, Axis]:
        """Height and width."""
        return self.height, self.width

    def group(self, number: int) -> DenseLayer:
        """The dense layer of one group."""
        count = self.dense.outputs // self.groups
        part = slice(number * count, (number + 1) * count)
        repeat = self.dense.outputs // len(self.dense.multipliers)
        return replace(
            self.dense,
            weights=self.dense.weights[part],
            bias=self.dense.bias[part],
            multipliers=(self.dense.multipliers * repeat)[part],
            shifts=(self.dense.shifts * repeat)[part],
        )


def axes_of(
    inputs: Sequence[int],
    outputs: Sequence[int],
    windows: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
    *,
    same: bool,
    transposed: bool,
) -> tuple[Axis, Axis]:
    """Height and width, each (height, width); the padding is TensorFlow Lite Micro's for the size that windows and
    strides would give, whatever size the output has.

    Raises:
        UnsupportedError: a window, a stride or a dilation is none, or positions do not fit 32 bits.
    """
    if min(*windows, *strides, *dilations) < 1:
        raise UnsupportedError(
            f"has a window of {_by(windows)}, a stride of {_by(strides)} and a dilation of {_by(dilations)}"
        )
    extents = [(window - 1) * dilation + 1 for window, dilation in zip(windows, dilations, strict=True)]
    image = outputs if transposed else inputs
    sizes = [
        (size + stride - 1) // stride if same else int((size + stride - extent) / stride)
        for size, stride, extent in zip(image, strides, extents, strict=True)
    ]
    total = [
        max((size - 1) * stride + extent - whole, 0) if min(sizes) >= 0 else 0
        for size, stride, extent, whole in zip(sizes, strides, extents, image, strict=True)
    ]
    longest = zip(inputs, outputs, strides, extents, strict=True)
    if any(max(one, other) * stride + extent + one > _MOST for one, other, stride, extent in longest):
        raise UnsupportedError(f"makes {_by(outputs)} of {_by(inputs)}, whose positions do not fit 32 bits")
    padding = [whole // 2 for whole in total]
    height, width = map(Axis, inputs, outputs, windows, strides, dilations, padding)
    return height, width


def _by(pair: Sequence[int]) -> str:
    return "x".join(map(str, pair))


def reference(layer: ConvolutionLayer, *values: NDArray[Any]) -> NDArray[np.int8]:
    """Every output, int8 and flat, as TensorFlow Lite Micro computes it. Of several values, which are all inputs of the
    operator, the image is the one that the kind of convolution says."""
    image = values[0] if len(values) == 1 else values[2 if layer.transposed else 0]
    shape = (layer.batches, layer.height.input, layer.width.input, layer.depth)
    # Sums of products of bytes are exact in float64.
    centred = image.reshape(shape).astype(np.float64) - layer.dense.input_zero_point
    columns = _columns(layer, centred).reshape(-1, layer.taps, layer.groups, layer.depth // layer.groups)
    by_group = columns.transpose(2, 0, 1, 3).reshape(layer.groups, len(columns), layer.dense.depth)
    weights = layer.dense.weights.astype(np.float64).reshape(layer.groups, -1, layer.dense.depth)
    sums = by_group @ weights.transpose(0, 2, 1)
    return outputs_of(layer.dense, sums.transpose(1, 0, 2).reshape(-1, layer.dense.outputs).astype(np.int64))


def _columns(layer: ConvolutionLayer, image: NDArray[np.float64]) -> NDArray[np.float64]:
    """What lies under each window, (batches, output height and width, window height and width, depth)."""
    height, width = layer.axes
    shape = (layer.batches, height.output, width.output, height.window, width.window, layer.depth)
    columns = np.zeros(shape)
    for row in range(height.window):
        rows_out, rows_in = _under(height, row, layer.transposed)
        for column in range(width.window):
            columns_out, columns_in = _under(width, column, layer.transposed)
            columns[:, rows_out[:, None], columns_out, row, column] = image[:, rows_in[:, None], columns_in]
    return columns


def _under(axis: Axis, tap: int, transposed: bool) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Output positions at which a tap lies inside the image, and the input positions it meets there."""
    outputs = np.arange(axis.output)
    if transposed:
        inputs, past = np.divmod(outputs + axis.padding - tap, axis.stride)
    else:
        inputs, past = outputs * axis.stride - axis.padding + tap * axis.dilation, np.zeros_like(outputs)
    inside = (past == 0) & (inputs >= 0) & (inputs < axis.input)
    return outputs[inside], inputs[inside]

"""Models of one convolution, of any of the three operators."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model_builder import INT32, ModelBuilder, schema

INT4 = schema.TensorType.INT4
OPERATOR = schema.BuiltinOperator


@dataclass(frozen=True)
class Convolution:
    """A model of one convolution. `shape`: batch, height, width, channels; pairs are (height, width)."""

    kind: str  # conv, depthwise or transpose
    shape: tuple[int, int, int, int]
    outputs: int
    window: tuple[int, int] = (3, 3)
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    same: bool = True
    groups: int = 1
    activation: int = 0
    per_channel: bool = True
    bias: bool = True
    zero_points: tuple[int, int] = (-128, 3)  # of input and output
    output_scale: float = 0.0  # such that outputs spread over int8, where 0
    size: tuple[int, int] | None = None  # of the output, where it is another than window and stride give
    int4: bool = False
    weights_zero_point: int = 0
    axis: int | None = None  # of the weights' scales, where it is another than that of the outputs
    seed: int = 0

    @property
    def output_size(self) -> list[int]:
        if self.size is not None:
            return list(self.size)
        sizes = zip(self.shape[1:3], self.window, self.stride, self.dilation, strict=True)
        if self.kind == "transpose":
            return [
                size * step + (0 if self.same else max(extent - step, 0)) for size, extent, step, _ in sizes
            ]
        return [
            -(-size // step) if self.same else (size - (extent - 1) * apart - 1) // step + 1
            for size, extent, step, apart in sizes
        ]

    @property
    def weights_shape(self) -> tuple[int, ...]:
        if self.kind == "depthwise":
            return (1, *self.window, self.outputs)
        return (self.outputs, *self.window, self.shape[3] // self.groups)

    def build(self) -> bytes:
        """The file's bytes."""
        builder = ModelBuilder()
        source = builder.tensor(self.shape, 0.02, self.zero_points[0])
        return builder.build([source], [self.add_to(builder, source)])

    def add_to(self, builder: ModelBuilder, source: int) -> int:
        """Adds the convolution of a tensor of `shape` and returns its output."""
        rng = np.random.default_rng(self.seed)
        step = float(builder.tensors[source].quantization.scale[0])
        scales = rng.uniform(0.002, 0.01, self.outputs if self.per_channel else 1).astype(np.float32)
        taps = int(np.prod(self.weights_shape)) // self.outputs
        scale = self.output_scale or float(step * scales.max() * 40 * np.sqrt(taps) * 80 / 127)
        size = (self.shape[0], *self.output_size, self.outputs)
        output = builder.tensor(size, scale, self.zero_points[1])
        inputs = [source, self._weights(builder, rng, scales)]
        if self.bias:
            bias = rng.integers(-3000, 3000, self.outputs).astype(np.int32)
            inputs.append(builder.tensor((self.outputs,), step * scales, dtype=INT32, data=bias))
        if self.kind == "transpose":
            shape = np.array(size, np.int32)
            inputs = [builder.tensor((4,), dtype=INT32, data=shape), inputs[1], source, *inputs[2:]]
        builder.op(self._builtin, inputs, [output], self._options(), self._options_type)
        return output

    def _weights(self, builder: ModelBuilder, rng: np.random.Generator, scales: NDArray[np.float32]) -> int:
        axis = self.axis if self.axis is not None else 3 if self.kind == "depthwise" else 0
        if not self.int4:
            values = rng.integers(-128, 128, self.weights_shape).astype(np.int8)
            return builder.tensor(self.weights_shape, scales, self.weights_zero_point, data=values, axis=axis)
        halves = rng.integers(0, 16, (int(np.prod(self.weights_shape)) + 1) // 2 * 2).astype(np.uint8)
        data = halves[0::2] | (halves[1::2] << 4)
        return builder.tensor(self.weights_shape, scales, data=data, axis=axis, dtype=INT4)

    @property
    def _builtin(self) -> int:
        found = {"conv": OPERATOR.CONV_2D, "depthwise": OPERATOR.DEPTHWISE_CONV_2D}
        return int(found.get(self.kind, OPERATOR.TRANSPOSE_CONV))

    @property
    def _options_type(self) -> int:
        kinds = schema.BuiltinOptions
        found = {"conv": kinds.Conv2DOptions, "depthwise": kinds.DepthwiseConv2DOptions}
        return int(found.get(self.kind, kinds.TransposeConvOptions))

    def _options(self) -> Any:
        kinds = {"conv": schema.Conv2DOptionsT, "depthwise": schema.DepthwiseConv2DOptionsT}
        options = kinds.get(self.kind, schema.TransposeConvOptionsT)()
        options.padding = schema.Padding.SAME if self.same else schema.Padding.VALID
        options.strideH, options.strideW = self.stride
        options.fusedActivationFunction = self.activation
        if self.kind != "transpose":
            options.dilationHFactor, options.dilationWFactor = self.dilation
        if self.kind == "depthwise":
            options.depthMultiplier = self.outputs // self.shape[3]
        return options

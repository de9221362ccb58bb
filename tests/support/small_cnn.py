"""A small network of the layers that networks for images are made of, with outputs that spread over their range."""

import numpy as np
from numpy.typing import NDArray

from model_builder import DenseLayer, ModelBuilder, add_dense, schema

SHAPE = (1, 16, 16, 3)
DEPTHWISE, STRIDED, POOLED, DENSE = 1, 2, 3, 5  # operators, in execution order
_RELU = schema.ActivationFunctionType.RELU


def small_cnn(seed: int = 1) -> bytes:
    """CONV_2D, DEPTHWISE_CONV_2D, CONV_2D with a stride, AVERAGE_POOL_2D, RESHAPE, FULLY_CONNECTED: a scale a channel,
    windows with padding."""
    builder = ModelBuilder()
    rng = np.random.default_rng(seed)
    source = builder.tensor(SHAPE, 0.02, -128, name="image")
    first = _convolution(builder, rng, source, (8, 3, 3, 3), (1, 16, 16, 8), stride=1)
    second = _convolution(builder, rng, first, (1, 3, 3, 8), (1, 16, 16, 8), stride=1)
    third = _convolution(builder, rng, second, (12, 3, 3, 8), (1, 8, 8, 12), stride=2)
    pooled = builder.tensor((1, 4, 4, 12), _scale(builder, third), _zero_point(builder, third))
    builder.average_pool(third, pooled, (3, 3), (2, 2), same=True)
    flat = builder.tensor((1, 192), _scale(builder, pooled), _zero_point(builder, pooled))
    builder.reshape(pooled, flat)
    weights = rng.integers(-127, 128, (10, 192)).astype(np.int8)
    scales = rng.uniform(0.002, 0.01, 10).astype(np.float32)
    bias = rng.integers(-500, 500, 10).astype(np.int32)
    dense = DenseLayer(weights, scales, bias, _spread(builder, flat, scales, 192), 5)
    return builder.build([source], [add_dense(builder, flat, dense, 1)])


def images(count: int, seed: int = 2) -> NDArray[np.int8]:
    """Images of every value, (count, *SHAPE without the batch)."""
    return np.random.default_rng(seed).integers(-128, 128, (count, *SHAPE[1:])).astype(np.int8)


def _convolution(
    builder: ModelBuilder,
    rng: np.random.Generator,
    source: int,
    window: tuple[int, int, int, int],
    shape: tuple[int, int, int, int],
    *,
    stride: int,
) -> int:
    """A convolution with weights of the shape `window`, of each channel's own where that begins with 1; with ReLU."""
    depthwise = window[0] == 1
    channels = shape[3]
    scales = rng.uniform(0.002, 0.01, channels).astype(np.float32)
    values = rng.integers(-127, 128, window).astype(np.int8)
    weights = builder.tensor(window, scales, data=values, axis=3 if depthwise else 0)
    bias_scale = np.float32(_scale(builder, source)) * scales
    bias = builder.tensor(
        (channels,),
        bias_scale,
        dtype=schema.TensorType.INT32,
        data=rng.integers(-500, 500, channels, np.int32),
    )
    taps = int(np.prod(window[1:3])) * (1 if depthwise else window[3])
    output = builder.tensor(shape, _spread(builder, source, scales, taps), -100)
    options = schema.DepthwiseConv2DOptionsT() if depthwise else schema.Conv2DOptionsT()
    options.padding = schema.Padding.SAME
    options.strideH = options.strideW = stride
    options.dilationHFactor = options.dilationWFactor = 1
    options.fusedActivationFunction = _RELU
    if depthwise:
        options.depthMultiplier = 1
    name = "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D"
    kind = schema.BuiltinOptions.DepthwiseConv2DOptions if depthwise else schema.BuiltinOptions.Conv2DOptions
    builder.op(getattr(schema.BuiltinOperator, name), [source, weights, bias], [output], options, kind)
    return output


def _scale(builder: ModelBuilder, tensor: int) -> float:
    return float(builder.tensors[tensor].quantization.scale[0])


def _zero_point(builder: ModelBuilder, tensor: int) -> int:
    return int(builder.tensors[tensor].quantization.zeroPoint[0])


def _spread(builder: ModelBuilder, source: int, scales: NDArray[np.float32], taps: int) -> float:
    """A scale with which sums of `taps` random products take half of the range."""
    return _scale(builder, source) * float(scales.max()) * 70 * 100 * float(np.sqrt(taps)) / 100

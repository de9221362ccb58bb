"""CONV_2D, DEPTHWISE_CONV_2D and TRANSPOSE_CONV, int8, with weights of int8 or int4.

Sources: micro/kernels/conv_common.cc, depthwise_conv_common.cc, transpose_conv.cc, kernels/kernel_util.cc
(PopulateConvolutionQuantizationParams). The weights' zero points do not enter there, nor does the bias's scale; real
multipliers are products of doubles, by tensor too. The shape that TRANSPOSE_CONV is given does not enter either: its
output has the shape that the tensor has.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tflite.BuiltinOptions import BuiltinOptions
from tflite.Padding import Padding

from boardproof_export.model import fixed_point
from boardproof_export.operators import checks, dense
from boardproof_export.operators import convolution_packing as packing
from boardproof_export.operators.checks import UnsupportedError, per_tensor
from boardproof_export.operators.convolution_layer import ConvolutionLayer, axes_of, reference
from boardproof_export.operators.dense import DenseLayer, weighted_macs
from boardproof_export.operators.mistakes import paddings
from boardproof_export.operators.records import Feature, Kernel, Operator
from boardproof_export.shared.model import Graph, Op, Tensor
from boardproof_export.shared.options import Options

_PADDING, _STRIDE_WIDTH, _STRIDE_HEIGHT = range(3)  # fields of every kind of options
_DEPTH_MULTIPLIER = 3  # of DepthwiseConv2DOptions
_MAX_PARTS = 1024  # each is a call
_MAX_EXTENT = 0xFFF0  # of a window's values and of the outputs: what the kernels of dense layers count


@dataclass(frozen=True)
class _Kind:
    """What the three operators differ in: kind and fields of their options, the image's place among the inputs, the
    axis of the output channels."""

    options: int
    activation: int
    dilation: int | None  # that of the width; the height's follows
    source: int = 0
    axis: int = 0

    @property
    def bias(self) -> int:
        """Its place among the inputs: the last one."""
        return 3 if self.source else 2


_Tensors = tuple[Tensor, Tensor, Tensor | None, Tensor]
_PLAIN = _Kind(BuiltinOptions.Conv2DOptions, activation=3, dilation=4)
_DEPTHWISE = _Kind(BuiltinOptions.DepthwiseConv2DOptions, activation=4, dilation=5, axis=3)
_TRANSPOSED = _Kind(BuiltinOptions.TransposeConvOptions, activation=3, dilation=None, source=2)


def resolve(graph: Graph, op: Op) -> ConvolutionLayer:
    """Resolves a CONV_2D.

    Raises:
        UnsupportedError: with the first reason why not.
    """
    tensors = source, weights, *_ = _tensors(graph, op, _PLAIN)
    depth, own, outputs = source.shape[3], weights.shape[3], weights.shape[0]
    if depth % own or outputs % (depth // own):
        raise UnsupportedError(f"has weights of shape {list(weights.shape)} for {depth} input channels")
    return _layer(op, _PLAIN, tensors, _values(weights).reshape(outputs, -1), depth // own)


def resolve_depthwise(graph: Graph, op: Op) -> ConvolutionLayer:
    """Resolves a DEPTHWISE_CONV_2D.

    Raises:
        UnsupportedError: with the first reason why not.
    """
    tensors = source, weights, *_ = _tensors(graph, op, _DEPTHWISE)
    if len(op.inputs) > _DEPTHWISE.bias and graph.optional(op, _DEPTHWISE.bias) is None:
        raise UnsupportedError("keeps an empty place for a bias, on which TensorFlow Lite Micro crashes")
    depth, multiplier = source.shape[3], op.options.int32(_DEPTH_MULTIPLIER)
    if weights.shape[0] != 1 or weights.shape[3] != depth * multiplier:
        raise UnsupportedError(
            f"has weights of shape {list(weights.shape)} for {depth} input channels and a multiplier of {multiplier}"
        )
    values = _values(weights).reshape(-1, weights.shape[3]).T
    return _layer(op, _DEPTHWISE, tensors, values, depth)


def resolve_transposed(graph: Graph, op: Op) -> ConvolutionLayer:
    """Resolves a TRANSPOSE_CONV.

    Raises:
        UnsupportedError: with the first reason why not.
    """
    tensors = source, weights, *_ = _tensors(graph, op, _TRANSPOSED)
    shape = graph.optional(op, 0)
    if shape is not None and shape.data is None:
        raise UnsupportedError("has a computed output shape")
    if weights.shape[3] != source.shape[3]:
        raise UnsupportedError(
            f"has weights of shape {list(weights.shape)} for {source.shape[3]} input channels"
        )
    values = _values(weights).reshape(weights.shape[0], -1)
    return _layer(op, _TRANSPOSED, tensors, values, 1)


def _tensors(graph: Graph, op: Op, kind: _Kind) -> _Tensors:
    """Image, weights, bias and output, of types and ranks that run."""
    if len(op.inputs) not in (kind.bias, kind.bias + 1) or len(op.outputs) != 1:
        raise UnsupportedError(f"has {len(op.inputs)} inputs and {len(op.outputs)} outputs")
    source, weights, bias = (graph.optional(op, place) for place in (kind.source, 1, kind.bias))
    output = graph.tensors[op.outputs[0]]
    if source is None or weights is None:
        raise UnsupportedError("has no input or no weights")
    _check_types(source, weights, bias, output)
    if kind.source != 0 and weights.type != "INT8":
        raise UnsupportedError(f"has {weights.type} weights, which TensorFlow Lite Micro does not take here")
    shapes = [tensor.shape for tensor in (source, weights, output)]
    if any(len(shape) != 4 or 0 in shape for shape in shapes):
        raise UnsupportedError(f"makes {list(shapes[2])} of {list(shapes[0])} with weights {list(shapes[1])}")
    channels = weights.shape[kind.axis]
    if (output.shape[0], output.shape[3]) != (source.shape[0], channels):
        raise UnsupportedError(f"makes {list(output.shape)} of {list(source.shape)} for {channels} channels")
    if bias is not None and bias.count != channels:
        raise UnsupportedError(f"has {bias.count} bias values for {channels} channels")
    return source, weights, bias, output


def _check_types(source: Tensor, weights: Tensor, bias: Tensor | None, output: Tensor) -> None:
    types = (source.type, weights.type, output.type)
    if types == ("FLOAT32", "INT8", "FLOAT32"):
        raise UnsupportedError("is hybrid: int8 weights on float32 activations (dynamic-range quantization)")
    if types not in (("INT8", "INT8", "INT8"), ("INT8", "INT4", "INT8")):
        raise UnsupportedError(
            f"has {source.type} input, {weights.type} weights and {output.type} output; only INT8 runs"
        )
    if weights.data is None:
        raise UnsupportedError("has weights that are computed, not constant")
    if weights.sparse:
        raise UnsupportedError("has sparse weights")
    if bias is not None and bias.type != "INT32":
        raise UnsupportedError(f"has a bias of type {bias.type}, not INT32")
    if bias is not None and bias.data is None:
        raise UnsupportedError("has a bias that is computed, not constant")


def _values(weights: Tensor) -> NDArray[np.int8]:
    """The weights as int8; of int4 a byte holds two, the first in the lower half."""
    if weights.type == "INT8":
        return weights.values(np.int8)
    assert weights.data is not None
    pairs = np.frombuffer(weights.data.tobytes(), np.uint8)
    halves = np.stack([pairs & 0xF, pairs >> 4], axis=1).ravel()[: weights.count].astype(np.int8)
    return np.where(halves > 7, halves - 16, halves).astype(np.int8).reshape(weights.shape)


def _layer(op: Op, kind: _Kind, tensors: _Tensors, values: NDArray[np.int8], groups: int) -> ConvolutionLayer:
    """The layer of weights (outputs, window height * window width * input channels of a group)."""
    source, weights, bias, output = tensors
    options = checks.options_of(op, kind.options)
    dilations = (1, 1)
    if kind.dilation is not None:
        dilations = (options.int32(kind.dilation + 1, 1), options.int32(kind.dilation, 1))
    height, width = axes_of(
        source.shape[1:3],
        output.shape[1:3],
        weights.shape[1:3],
        (options.int32(_STRIDE_HEIGHT), options.int32(_STRIDE_WIDTH)),
        dilations,
        same=options.int8(_PADDING) == Padding.SAME,
        transposed=kind is _TRANSPOSED,
    )
    if max(*values.shape, output.shape[2]) > _MAX_EXTENT:
        raise UnsupportedError(f"has a window, channels or a row of more than {_MAX_EXTENT} values")
    if groups > _MAX_PARTS and groups != source.shape[3]:
        raise UnsupportedError(f"has {groups} groups; {_MAX_PARTS} run")
    if kind is _TRANSPOSED and height.stride * width.stride > _MAX_PARTS:
        raise UnsupportedError(
            f"has a stride of {height.stride}x{width.stride}; a product of {_MAX_PARTS} runs"
        )
    fused = checks.activation(options, kind.activation)
    source_scale, source_zero = per_tensor(source, "input")
    output_scale, output_zero = per_tensor(output, "output")
    rescales = _rescales(weights, kind.axis, source_scale, output_scale)
    lower, upper = checks.clamp(fused, output_scale, output_zero)
    layer = DenseLayer(
        batches=1,
        weights=values,
        bias=np.zeros(len(values), np.int32) if bias is None else bias.values(np.int32).ravel(),
        multipliers=tuple(multiplier for multiplier, _ in rescales),
        shifts=tuple(shift for _, shift in rescales),
        input_zero_point=source_zero,
        weights_zero_point=0,
        output_zero_point=output_zero,
        output_min=lower,
        output_max=upper,
        activation=fused,
        packs=True,
    )
    batches, depth = source.shape[0], source.shape[3]
    return ConvolutionLayer(batches, height, width, depth, groups, kind is _TRANSPOSED, layer)


def _rescales(
    weights: Tensor, axis: int, source_scale: np.float32, output_scale: np.float32
) -> list[tuple[int, int]]:
    """Multiplier and shift of the tensor, or of each output channel."""
    quantized = weights.quantization
    if quantized is None:
        raise UnsupportedError("has weights without quantization")
    scales = quantized.scales
    if not np.all(np.isfinite(scales) & (scales >= 0)):
        raise UnsupportedError("has weights with a scale that is negative or not finite")
    channels = weights.shape[axis]
    along = weights.shape[quantized.axis] if 0 <= quantized.axis < len(weights.shape) else None
    if quantized.per_channel and not len(scales) == channels == along:
        raise UnsupportedError(
            f"has {len(scales)} weight scales along axis {quantized.axis} for {channels} channels"
        )
    reals = [fixed_point.per_channel_multiplier(source_scale, scale, output_scale) for scale in scales]
    return [checks.scale_of(real) for real in reals]


def _macs(graph: Graph, op: Op) -> int:
    return weighted_macs(graph, op, 0)


def _macs_depthwise(graph: Graph, op: Op) -> int:
    return weighted_macs(graph, op, -1)


def _macs_transposed(graph: Graph, op: Op) -> int:
    """Each input value meets every weight of its channel once."""
    source, weights = graph.optional(op, 2), graph.optional(op, 1)
    if source is None or weights is None or not source.shape or not source.shape[-1]:
        return 0
    return source.count // source.shape[-1] * weights.count


def _fused(options: Options) -> str:
    return checks.activation_name(options, _PLAIN.activation)


def _fused_depthwise(options: Options) -> str:
    return checks.activation_name(options, _DEPTHWISE.activation)


def _describe(layer: ConvolutionLayer) -> str:
    height, width = layer.axes
    return (
        f"{height.input}x{width.input}x{layer.depth} to {height.output}x{width.output}x{layer.dense.outputs}, "
        f"window {height.window}x{width.window}, fused {layer.dense.activation.name}"
    )


def _none(_layer: DenseLayer) -> int:
    return 0


_DSP, _AVR = frozenset({Feature.DSP}), frozenset({Feature.ELPM})
_KERNELS = (
    Kernel(
        "aot_depthwise_dsp",
        packing.pack_depthwise_dsp,
        _DSP,
        packing.depthwise_scratch,
        "aot_depthwise_t",
        lambda layer: layer.depthwise,
    ),
    Kernel(
        "aot_depthwise_portable",
        packing.pack_depthwise,
        scratch=packing.depthwise_scratch,
        descriptor="aot_depthwise_t",
        fits=lambda layer: layer.depthwise,
    ),
    Kernel(
        "aot_convolution_piecewise_dsp",
        packing.in_parts(dense.pack_dsp),
        _DSP,
        packing.scratch(dense.dsp_scratch),
        fits=packing.piecewise,
    ),
    Kernel("aot_convolution_dsp", packing.in_parts(dense.pack_dsp), _DSP, packing.scratch(dense.dsp_scratch)),
    Kernel("aot_convolution_avr", packing.in_parts(dense.pack_avr), _AVR, packing.scratch(_none)),
    Kernel(
        "aot_convolution_piecewise_portable",
        packing.in_parts(dense.pack_portable),
        scratch=packing.scratch(dense.portable_scratch),
        fits=packing.piecewise,
    ),
    Kernel(
        "aot_convolution_portable",
        packing.in_parts(dense.pack_portable),
        scratch=packing.scratch(dense.portable_scratch),
    ),
)

OPERATORS = (
    Operator(
        name="conv_2d",
        family="convolution",
        resolve=resolve,
        reference=reference,
        folds=False,
        describe=_describe,
        macs=_macs,
        activation=_fused,
        kernels=_KERNELS,
        mistakes=paddings,
    ),
    Operator(
        name="depthwise_conv_2d",
        family="convolution",
        resolve=resolve_depthwise,
        reference=reference,
        folds=False,
        describe=_describe,
        macs=_macs_depthwise,
        activation=_fused_depthwise,
        kernels=_KERNELS,
        mistakes=paddings,
    ),
    Operator(
        name="transpose_conv",
        family="convolution",
        resolve=resolve_transposed,
        reference=reference,
        folds=False,
        describe=_describe,
        macs=_macs_transposed,
        activation=_fused,
        kernels=_KERNELS,
        mistakes=paddings,
    ),
)

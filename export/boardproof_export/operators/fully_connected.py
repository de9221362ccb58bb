"""Resolves a FULLY_CONNECTED operator to the numbers its kernel needs, or says why no kernel can run it.

What is refused is what TensorFlow Lite Micro refuses in FullyConnectedPrepare (micro/kernels/fully_connected.cc and
fully_connected_common.cc), what it leaves undefined, and what the ahead-of-time kernels do not have.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from boardproof_export.model import fixed_point as quantization
from boardproof_export.shared.model import Activation, Graph, Op, Quantization, Tensor

_MAX_EXTENT = 0xFFF0  # the kernels count in uint16_t, some a block of outputs further than there are outputs


class UnsupportedError(Exception):
    """Why an operator cannot run; the message is a clause without the operator's name."""


@dataclass(frozen=True)
class DenseLayer:
    """A FULLY_CONNECTED layer, ready for a kernel."""

    batches: int
    weights: NDArray[np.int8] = field(repr=False)  # (outputs, depth)
    bias: NDArray[np.int32] = field(repr=False)  # (outputs,), zeros where the model has none
    multipliers: tuple[int, ...]  # one, or one an output
    shifts: tuple[int, ...]
    input_zero_point: int
    weights_zero_point: int
    output_zero_point: int
    output_min: int
    output_max: int
    activation: Activation

    @property
    def outputs(self) -> int:
        """Output channels."""
        return int(self.weights.shape[0])

    @property
    def depth(self) -> int:
        """Inputs of each output."""
        return int(self.weights.shape[1])

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one invocation."""
        return self.batches * self.outputs * self.depth


def resolve_dense(graph: Graph, op: Op) -> DenseLayer:
    """Resolves `op` of `graph`.

    Raises:
        UnsupportedError: with the first reason why not.
    """
    options = op.fully_connected
    if options is None or len(op.inputs) not in (2, 3) or len(op.outputs) != 1:
        raise UnsupportedError(f"has {len(op.inputs)} inputs and {len(op.outputs)} outputs")
    source, weights = graph.optional(op, 0), graph.optional(op, 1)
    bias, output = graph.optional(op, 2), graph.tensors[op.outputs[0]]
    if source is None or weights is None:
        raise UnsupportedError("has no input or no weights")
    _check_types(source, weights, bias, output)
    if options.shuffled_weights:
        raise UnsupportedError("has shuffled weights")
    if weights.sparse:
        raise UnsupportedError("has sparse weights")
    if options.activation in (Activation.TANH, Activation.SIGN_BIT):
        raise UnsupportedError(
            f"has fused {options.activation.name}, which TensorFlow Lite Micro would silently ignore"
        )
    batches = _batches(source, weights, bias, output)
    source_scale, source_zero = per_tensor(source, "input")
    output_scale, output_zero = per_tensor(output, "output")
    multipliers, weights_zero = _multipliers(weights, bias, source_scale, output_scale)
    try:
        lower, upper = quantization.activation_range(options.activation, output_scale, output_zero)
    except ValueError as error:
        raise UnsupportedError(f"has an activation bound out of range: {error}") from error
    return DenseLayer(
        batches=batches,
        weights=weights.values(np.int8),
        bias=np.zeros(weights.shape[0], np.int32) if bias is None else bias.values(np.int32).ravel(),
        multipliers=tuple(multiplier for multiplier, _ in multipliers),
        shifts=tuple(shift for _, shift in multipliers),
        input_zero_point=source_zero,
        weights_zero_point=weights_zero,
        output_zero_point=output_zero,
        output_min=lower,
        output_max=upper,
        activation=options.activation,
    )


def _check_types(source: Tensor, weights: Tensor, bias: Tensor | None, output: Tensor) -> None:
    types = (source.type, weights.type, output.type)
    if types == ("FLOAT32", "INT8", "FLOAT32"):
        raise UnsupportedError("is hybrid: int8 weights on float32 activations (dynamic-range quantization)")
    if types != ("INT8", "INT8", "INT8"):
        raise UnsupportedError(
            f"has {source.type} input, {weights.type} weights and {output.type} output; only INT8 runs"
        )
    if weights.data is None:
        raise UnsupportedError("has weights that are computed, not constant")
    if bias is None:
        return
    if bias.type != "INT32":
        raise UnsupportedError(f"has a bias of type {bias.type}, not INT32")
    if bias.data is None:
        raise UnsupportedError("has a bias that is computed, not constant")


def _batches(source: Tensor, weights: Tensor, bias: Tensor | None, output: Tensor) -> int:
    """The batch count, where all shapes agree."""
    if len(weights.shape) != 2 or 0 in weights.shape or not output.shape:
        raise UnsupportedError(f"has weights of shape {list(weights.shape)}")
    outputs, depth = weights.shape
    batches = output.count // outputs
    if output.shape[-1] != outputs or source.count != batches * depth or batches == 0:
        raise UnsupportedError(
            f"has shapes that do not fit: input {list(source.shape)}, weights {list(weights.shape)}, "
            f"output {list(output.shape)}"
        )
    if bias is not None and bias.count != outputs:
        raise UnsupportedError(f"has {bias.count} bias values for {outputs} outputs")
    if max(outputs, depth, batches) > _MAX_EXTENT:
        raise UnsupportedError(f"has a dimension above {_MAX_EXTENT}")
    return batches


def per_tensor(tensor: Tensor, what: str) -> tuple[np.float32, int]:
    """The only scale and zero point of an int8 activation.

    Raises:
        UnsupportedError: it has none, more than one, or values that mean nothing.
    """
    quantized = _usable(tensor, what)
    if quantized.per_channel:
        raise UnsupportedError(f"has an {what} with {len(quantized.scales)} scales")
    return np.float32(quantized.scales[0]), quantized.zero_points[0]


def _usable(tensor: Tensor, what: str) -> Quantization:
    quantized = tensor.quantization
    if quantized is None:
        raise UnsupportedError(f"has {what} without quantization")
    if not np.all(np.isfinite(quantized.scales) & (quantized.scales > 0)):
        raise UnsupportedError(f"has {what} with a scale that is not positive and finite")
    if not all(quantization.INT8_MIN <= point <= quantization.INT8_MAX for point in quantized.zero_points):
        raise UnsupportedError(f"has {what} with a zero point outside int8")
    return quantized


def _multipliers(
    weights: Tensor, bias: Tensor | None, source_scale: np.float32, output_scale: np.float32
) -> tuple[list[tuple[int, int]], int]:
    """Multipliers with their shifts, and the weights' zero point."""
    quantized = _usable(weights, "weights")
    if quantized.per_channel:
        if quantized.axis != 0 or len(quantized.scales) != weights.shape[0]:
            raise UnsupportedError(
                f"has {len(quantized.scales)} weight scales along axis {quantized.axis} for "
                f"{weights.shape[0]} outputs"
            )
        if any(quantized.zero_points):
            raise UnsupportedError("has per-channel weights with a zero point that is not 0")
        reals = [
            quantization.per_channel_multiplier(source_scale, scale, output_scale)
            for scale in quantized.scales
        ]
        return [_multiplier(real) for real in reals], 0
    scale = np.float32(quantized.scales[0])
    if bias is not None:
        _check_bias_scale(bias, source_scale, scale, output_scale)
    real = quantization.per_tensor_multiplier(source_scale, scale, output_scale)
    return [_multiplier(real)], quantized.zero_points[0]


def _check_bias_scale(
    bias: Tensor, source_scale: np.float32, weight_scale: np.float32, output_scale: np.float32
) -> None:
    # A bias without quantization has scale 0 in TensorFlow Lite Micro.
    bias_scale = np.float32(0) if bias.quantization is None else np.float32(bias.quantization.scales[0])
    difference = quantization.bias_scale_difference(source_scale, weight_scale, bias_scale, output_scale)
    if not difference <= quantization.MAX_BIAS_SCALE_DIFFERENCE:
        raise UnsupportedError(
            f"has a bias scale of {float(bias_scale):g}, too far from input scale times weight scale "
            f"({float(source_scale) * float(weight_scale):g})"
        )


def _multiplier(real: float) -> tuple[int, int]:
    if not real < float(1 << quantization.MAX_LEFT_SHIFT):
        raise UnsupportedError(f"rescales by {real:g}, which overflows TensorFlow Lite Micro's shift")
    multiplier, shift = quantization.quantize_multiplier(real)
    if shift > quantization.MAX_LEFT_SHIFT:
        raise UnsupportedError(f"rescales by {real:g}, which overflows TensorFlow Lite Micro's shift")
    return multiplier, shift

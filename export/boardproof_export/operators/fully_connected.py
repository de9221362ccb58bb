"""Resolves a FULLY_CONNECTED operator to the numbers its kernel needs, or says why no kernel can run it.

What is refused is what TensorFlow Lite Micro refuses in FullyConnectedPrepare (micro/kernels/fully_connected.cc and
fully_connected_common.cc), what it leaves undefined, and what the ahead-of-time kernels do not have.
"""

import numpy as np
from tflite.BuiltinOptions import BuiltinOptions

from boardproof_export.model import fixed_point as quantization
from boardproof_export.operators import checks
from boardproof_export.operators.checks import UnsupportedError, per_tensor, usable
from boardproof_export.operators.dense import (
    DenseLayer,
    dsp_scratch,
    pack_avr,
    pack_dsp,
    pack_portable,
    piecewise,
    portable_scratch,
    reference,
    weighted_macs,
)
from boardproof_export.operators.records import Feature, Kernel, Operator
from boardproof_export.shared.model import Graph, Op, Tensor
from boardproof_export.shared.options import Options

_ACTIVATION, _WEIGHTS_FORMAT = 0, 1  # fields of FullyConnectedOptions
_MAX_EXTENT = 0xFFF0  # the kernels count in uint16_t, some a block of outputs further than there are outputs


def resolve(graph: Graph, op: Op) -> DenseLayer:
    """Resolves `op` of `graph`.

    Raises:
        UnsupportedError: with the first reason why not.
    """
    options = checks.options_of(op, BuiltinOptions.FullyConnectedOptions)
    if len(op.inputs) not in (2, 3) or len(op.outputs) != 1:
        raise UnsupportedError(f"has {len(op.inputs)} inputs and {len(op.outputs)} outputs")
    source, weights = graph.optional(op, 0), graph.optional(op, 1)
    bias, output = graph.optional(op, 2), graph.tensors[op.outputs[0]]
    if source is None or weights is None:
        raise UnsupportedError("has no input or no weights")
    _check_types(source, weights, bias, output)
    if options.int8(_WEIGHTS_FORMAT) != 0:
        raise UnsupportedError("has shuffled weights")
    if weights.sparse:
        raise UnsupportedError("has sparse weights")
    fused = checks.activation(options, _ACTIVATION)
    batches = _batches(source, weights, bias, output)
    source_scale, source_zero = per_tensor(source, "input")
    output_scale, output_zero = per_tensor(output, "output")
    multipliers, weights_zero = _multipliers(weights, bias, source_scale, output_scale)
    lower, upper = checks.clamp(fused, output_scale, output_zero)
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
        activation=fused,
        packs=True,
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


def _multipliers(
    weights: Tensor, bias: Tensor | None, source_scale: np.float32, output_scale: np.float32
) -> tuple[list[tuple[int, int]], int]:
    """Multipliers with their shifts, and the weights' zero point."""
    quantized = usable(weights, "weights")
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
        return [checks.scale_of(real) for real in reals], 0
    scale = np.float32(quantized.scales[0])
    if bias is not None:
        _check_bias_scale(bias, source_scale, scale, output_scale)
    real = quantization.per_tensor_multiplier(source_scale, scale, output_scale)
    return [checks.scale_of(real)], quantized.zero_points[0]


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


def _macs(graph: Graph, op: Op) -> int:
    return weighted_macs(graph, op, 0)


def _fused(options: Options) -> str:
    return checks.activation_name(options, _ACTIVATION)


def _describe(layer: DenseLayer) -> str:
    return f"{layer.depth} to {layer.outputs}, fused {layer.activation.name}"


_DSP = frozenset({Feature.DSP})

OPERATOR = Operator(
    name="fully_connected",
    resolve=resolve,
    reference=reference,
    folds=False,
    describe=_describe,
    macs=_macs,
    activation=_fused,
    kernels=(
        Kernel("aot_fully_connected_piecewise_dsp", pack_dsp, _DSP, dsp_scratch, fits=piecewise),
        Kernel("aot_fully_connected_dsp", pack_dsp, _DSP, dsp_scratch),
        Kernel("aot_fully_connected_avr", pack_avr, frozenset({Feature.ELPM})),
        Kernel(
            "aot_fully_connected_piecewise_portable", pack_portable, scratch=portable_scratch, fits=piecewise
        ),
        Kernel("aot_fully_connected_portable", pack_portable, scratch=portable_scratch),
    ),
)

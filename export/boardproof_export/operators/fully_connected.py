"""Resolves a FULLY_CONNECTED operator to the numbers its kernel needs, or says why no kernel can run it.

What is refused is what TensorFlow Lite Micro refuses in FullyConnectedPrepare (micro/kernels/fully_connected.cc and
fully_connected_common.cc), what it leaves undefined, and what the ahead-of-time kernels do not have.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from tflite.BuiltinOperator import BuiltinOperator
from tflite.BuiltinOptions import BuiltinOptions

from boardproof_export.model import fixed_point as quantization
from boardproof_export.operators import checks
from boardproof_export.operators.checks import UnsupportedError, per_tensor, usable
from boardproof_export.operators.records import Array, Call, Feature, Kernel, Operator
from boardproof_export.shared.model import Activation, Graph, Op, Tensor
from boardproof_export.shared.options import Options

BLOCK = 8  # AOT_BLOCK in fully_connected.h; the rendered code asserts it
AVR_BLOCK = 4  # AOT_AVR_BLOCK, likewise
AVR_ROWS = 8000  # AOT_AVR_ROWS: avr-gcc takes no array of 32 KB or more
_AVR_OFFSET = 128  # what makes an int8 weight a uint8
_AVR_POINTER_BYTES = 3  # of a table entry, in flash
_CHANNEL_BYTES = 12  # sizeof(aot_channel_t)
_PAIR_LIMIT = 1 << 23  # of the upper sum of a pair, see `can_pair`
_ACTIVATION, _WEIGHTS_FORMAT = 0, 1  # fields of FullyConnectedOptions
_MAX_EXTENT = 0xFFF0  # the kernels count in uint16_t, some a block of outputs further than there are outputs


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


def reference(layer: DenseLayer, values: NDArray[np.int8]) -> NDArray[np.int8]:
    """Every output of `values`, int8 (batches * depth,), as TensorFlow Lite Micro computes it."""
    rows = values.reshape(layer.batches, layer.depth).astype(np.int64) - layer.input_zero_point
    weights = layer.weights.astype(np.int64) - layer.weights_zero_point
    sums = rows @ weights.T + layer.bias
    repeat = layer.outputs // len(layer.multipliers)
    scaled = quantization.multiply(sums, layer.multipliers * repeat, layer.shifts * repeat)
    outputs = quantization.wrap(scaled + layer.output_zero_point)
    return np.clip(outputs, layer.output_min, layer.output_max).astype(np.int8).ravel()


def _macs(graph: Graph, op: Op) -> int:
    weights = graph.optional(op, 1)
    if weights is None or not op.outputs or not weights.shape or not all(weights.shape):
        return 0
    return graph.tensors[op.outputs[0]].count * (weights.count // weights.shape[0])


def _fused(options: Options) -> str:
    return checks.activation_name(options, _ACTIVATION)


def _describe(layer: DenseLayer) -> str:
    return f"{layer.depth} to {layer.outputs}, fused {layer.activation.name}"


def _call(
    layer: DenseLayer,
    weights: Array,
    *,
    paired: bool = False,
    offset: int = 0,
    asserts: tuple[tuple[str, str], ...],
) -> Call:
    repeat = layer.outputs // len(layer.multipliers)
    scales = [np.array(values * repeat) for values in (layer.multipliers, layer.shifts)]
    channels = Array(
        name="channels",
        c_type="aot_channel_t",
        values=np.stack([layer.bias, scales[0], -scales[1]], axis=1),
        what="bias, multiplier, right shift",
    )
    descriptor: dict[str, int | str] = {
        "rescale.channels": channels.name,
        "rescale.zero_point": layer.output_zero_point,
        "rescale.least": layer.output_min,
        "rescale.most": layer.output_max,
        "weights": weights.name,
        "batches": layer.batches,
        "depth": layer.depth,
        "outputs": layer.outputs,
        "paired": int(paired),
        "input_zero_point": layer.input_zero_point,
        "weights_zero_point": layer.weights_zero_point + offset,
    }
    pointers = len(weights.lengths) * _AVR_POINTER_BYTES
    flash = weights.values.nbytes + pointers + _CHANNEL_BYTES * layer.outputs
    return Call((weights, channels), descriptor, flash, asserts)


def _list_bytes(units: int, element_bytes: int) -> int:
    """RAM for a list of inputs: AOT_LIST_LENGTH of fully_connected.h, which the rendered code asserts."""
    return (units + (units + 1) // 2 + 2) * element_bytes


def _portable_scratch(layer: DenseLayer) -> int:
    return _list_bytes(layer.depth, 2)


def _dsp_scratch(layer: DenseLayer) -> int:
    return _list_bytes(-(-layer.depth // 2), 4)


def _asserts(block: int, macro: str, units: int = 0, element_bytes: int = 0) -> tuple[tuple[str, str], ...]:
    found = [(f"{macro} == {block}", f"the weights are packed for blocks of {block} outputs")]
    if element_bytes:
        size = _list_bytes(units, element_bytes)
        says = "a list of inputs lies outside its place"
        found.append((f"AOT_LIST_LENGTH({units}u) * {element_bytes} == {size}", says))
    return tuple(found)


def pack_portable(layer: DenseLayer) -> Call:
    """int8, no larger than the weights themselves.

    A block of 8 outputs is stored by input, its 8 weights side by side; the outputs left over one by one.
    """
    weights = layer.weights
    blocked = layer.outputs - layer.outputs % BLOCK
    blocks = weights[:blocked].reshape(-1, BLOCK, layer.depth).transpose(0, 2, 1)
    values = np.concatenate([blocks.ravel(), weights[blocked:].ravel()])
    asserts = _asserts(BLOCK, "AOT_BLOCK", layer.depth, 2)
    return _call(layer, Array("weights", "int8_t", values), asserts=asserts)


def pack_dsp(layer: DenseLayer) -> Call:
    """Words of two outputs (a, b) and two inputs, bytes a0 b0 a1 b1.

    A block of 8 outputs is stored by pair of inputs, its 4 words side by side; the outputs left over by twos.
    """
    outputs, depth = layer.weights.shape
    paired = can_pair(layer.weights, layer.input_zero_point)
    padded = np.zeros((outputs + outputs % 2, depth + depth % 2), dtype=np.int32)
    padded[:outputs, :depth] = layer.weights
    lower, upper = padded[0::2], padded[1::2]
    if not paired:
        lower = lower & 0xFF  # so that the sum below sets two bytes side by side
    lanes = ((256 * upper + lower) & 0xFFFF).astype(np.uint32)
    words = lanes[:, 0::2] | (lanes[:, 1::2] << np.uint32(16))
    columns = outputs // BLOCK * (BLOCK // 2)
    blocks = words[:columns].reshape(-1, BLOCK // 2, words.shape[1]).transpose(0, 2, 1)
    values = np.concatenate([blocks.ravel(), words[columns:].ravel()])
    asserts = _asserts(BLOCK, "AOT_BLOCK", -(-depth // 2), 4)
    return _call(layer, Array("weights", "uint32_t", values), paired=paired, asserts=asserts)


def pack_avr(layer: DenseLayer) -> Call:
    """uint8, each 128 more than the weight.

    Outputs are filled up to whole blocks of 4 with weights of 0. Each block is cut every 8,000 inputs; what is between
    two cuts is one array, stored by input, the block's 4 weights side by side.
    """
    outputs, depth = layer.weights.shape
    blocks = -(-outputs // AVR_BLOCK)
    filled = np.zeros((blocks * AVR_BLOCK, depth), dtype=np.int16)
    filled[:outputs] = layer.weights
    by_input = (filled + _AVR_OFFSET).astype(np.uint8).reshape(blocks, AVR_BLOCK, depth).transpose(0, 2, 1)
    lengths = [min(AVR_ROWS, depth - start) * AVR_BLOCK for start in range(0, depth, AVR_ROWS)]
    weights = Array("weights", "uint8_t", by_input.ravel(), (*lengths,) * blocks)
    return _call(layer, weights, offset=_AVR_OFFSET, asserts=_asserts(AVR_BLOCK, "AOT_AVR_BLOCK"))


def can_pair(weights: NDArray[np.int8], input_zero_point: int) -> bool:
    """Whether 256 * b + a fits 16 bits for every pair, and the sums of every odd output stay within 24 bits.

    The sum of b * (input - zero point) is largest when every input is at the end of int8 that its weight asks for.
    """
    upper = weights[1::2].astype(np.int64)
    lower = weights[0::2].astype(np.int64)[: len(upper)]
    if np.any((upper == quantization.INT8_MIN) & (lower < 0)):
        return False
    least, most = quantization.INT8_MIN - input_zero_point, quantization.INT8_MAX - input_zero_point
    highest = np.maximum(upper * least, upper * most).sum(axis=1)
    lowest = np.minimum(upper * least, upper * most).sum(axis=1)
    return bool(np.all(highest < _PAIR_LIMIT) and np.all(lowest >= -_PAIR_LIMIT))


OPERATOR = Operator(
    name="fully_connected",
    builtin=BuiltinOperator.FULLY_CONNECTED,
    resolve=resolve,
    reference=reference,
    describe=_describe,
    macs=_macs,
    activation=_fused,
    kernels=(
        Kernel("aot_fully_connected_dsp", pack_dsp, frozenset({Feature.DSP}), _dsp_scratch),
        Kernel("aot_fully_connected_avr", pack_avr, frozenset({Feature.ELPM})),
        Kernel("aot_fully_connected_portable", pack_portable, scratch=_portable_scratch),
    ),
)

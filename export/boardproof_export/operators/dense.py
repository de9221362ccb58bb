"""Dense layers: outputs that are weighted sums of all inputs. What FULLY_CONNECTED is, and a convolution at a position.

Layouts of the weights: docs/ENGINE_AOT.md; kernels: engine/aot/arithmetic/dense.h.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from boardproof_export.model import fixed_point as quantization
from boardproof_export.operators.records import Array, Call, Member
from boardproof_export.shared.model import Activation, Graph, Op

BLOCK = 8  # AOT_BLOCK in dense.h; the rendered code asserts it
PIECE, LONG = 512, 800  # AOT_PIECE, and what AOT_PIECEWISE begins above, likewise
AVR_BLOCK = 4  # AOT_AVR_BLOCK, likewise
AVR_ROWS = 8000  # AOT_AVR_ROWS: avr-gcc takes no array of 32 KB or more
_AVR_OFFSET = 128  # what makes an int8 weight a uint8
_AVR_POINTER_BYTES = 3  # of a table entry, in flash
MEMBER_BYTES = 4  # of aot_channel_t and aot_packed_channel_t
_PAIR_LIMIT = 1 << 23  # of the upper sum of a pair, see `can_pair`


@dataclass(frozen=True)
class DenseLayer:
    """A dense layer, ready for a kernel."""

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
    packs: bool = False  # whether its channels take the less room that they can

    @property
    def outputs(self) -> int:
        """Output channels."""
        return int(self.weights.shape[0])

    @property
    def depth(self) -> int:
        """Inputs of each output."""
        return int(self.weights.shape[1])


def reference(layer: DenseLayer, values: NDArray[np.int8]) -> NDArray[np.int8]:
    """Every output of `values`, int8 (batches * depth,), as TensorFlow Lite Micro computes it."""
    rows = values.reshape(layer.batches, layer.depth).astype(np.int64) - layer.input_zero_point
    weights = layer.weights.astype(np.int64) - layer.weights_zero_point
    return outputs_of(layer, rows @ weights.T)


def outputs_of(layer: DenseLayer, sums: NDArray[np.int64]) -> NDArray[np.int8]:
    """From accumulators without bias, (..., outputs), to int8, flat."""
    repeat = layer.outputs // len(layer.multipliers)
    biased = sums + layer.bias
    scaled = quantization.multiply(biased, layer.multipliers * repeat, layer.shifts * repeat)
    outputs = quantization.wrap(scaled + layer.output_zero_point)
    return np.clip(outputs, layer.output_min, layer.output_max).astype(np.int8).ravel()


def weighted_macs(graph: Graph, op: Op, axis: int) -> int:
    """An output value takes as many as one output channel has weights; channels lie along `axis`. 0 where shapes are
    damaged."""
    weights = graph.optional(op, 1)
    if weights is None or not op.outputs or not weights.shape or not all(weights.shape):
        return 0
    return graph.tensors[op.outputs[0]].count * (weights.count // weights.shape[axis])


def rescaling(layer: DenseLayer, bias: NDArray[np.int32] | None = None) -> tuple[Array, dict[str, Member]]:
    """The channels' array and the members of an aot_rescale_t; with `bias` in place of the layer's.

    Both arrays are of structs of int32: 4 bytes a value.
    """
    repeat = layer.outputs // len(layer.multipliers)
    multipliers, shifts = (np.array(values * repeat) for values in (layer.multipliers, layer.shifts))
    biases = (layer.bias if bias is None else bias).astype(np.int64)
    members = {
        "rescale.zero_point": layer.output_zero_point,
        "rescale.least": layer.output_min,
        "rescale.most": layer.output_max,
    }
    if layer.packs and _can_pack(layer, biases):
        values = np.stack([32 * biases - shifts - 1, multipliers], axis=1)
        what = "32 times the bias plus right shift less one, multiplier"
        return Array("channels", "aot_packed_channel_t", values, what=what), {
            "rescale.packed": "channels",
            **members,
        }
    values = np.stack([biases, multipliers, -shifts], axis=1)
    what = "bias, multiplier, right shift"
    return Array("channels", "aot_channel_t", values, what=what), {"rescale.channels": "channels", **members}


def _can_pack(layer: DenseLayer, biases: NDArray[np.int64]) -> bool:
    """Whether all scales shift to the right, no sum of products and bias reaches 2^30 whatever the inputs, and `biases`
    fit, which may have zero points folded in."""
    zero_point = layer.input_zero_point
    furthest = max(quantization.INT8_MAX - zero_point, zero_point - quantization.INT8_MIN)
    largest_weights = abs(layer.weights.astype(np.int64) - layer.weights_zero_point).sum(axis=1)
    sums = largest_weights * furthest + abs(layer.bias.astype(np.int64))
    return bool(max(layer.shifts) < 0 and sums.max() < 1 << 30 and abs(biases).max() < 1 << 26)


def _call(
    layer: DenseLayer,
    weights: Array,
    *,
    paired: bool = False,
    offset: int = 0,
    asserts: tuple[tuple[str, str], ...],
) -> Call:
    channels, rescale = rescaling(layer)
    descriptor: dict[str, Member] = {
        **rescale,
        "weights": weights.name,
        "batches": layer.batches,
        "depth": layer.depth,
        "outputs": layer.outputs,
        "paired": int(paired),
        "input_zero_point": layer.input_zero_point,
        "weights_zero_point": layer.weights_zero_point + offset,
    }
    pointers = len(weights.lengths) * _AVR_POINTER_BYTES
    flash = weights.values.nbytes + pointers + MEMBER_BYTES * channels.values.size
    return Call((weights, channels), descriptor, flash, asserts)


def _list_bytes(units: int, element_bytes: int) -> int:
    """RAM for a list of inputs: AOT_LIST_LENGTH of dense.h, which the rendered code asserts."""
    return (units + (units + 1) // 2 + 2) * element_bytes


def piecewise(layer: DenseLayer) -> bool:
    """Whether the inputs are listed a piece at a time: AOT_PIECEWISE of dense.h, which the rendered code asserts."""
    return layer.depth > LONG and 4 * layer.outputs + 3 * PIECE <= 3 * layer.depth


def portable_scratch(layer: DenseLayer) -> int:
    """Bytes of scratch of the portable kernel."""
    return _scratch(layer, 1, 2)


def dsp_scratch(layer: DenseLayer) -> int:
    """Bytes of scratch of the dsp kernel."""
    return _scratch(layer, 2, 4)


def _units(layer: DenseLayer, inputs: int) -> int:
    """Listed at a time, so many inputs a unit."""
    return -(-(PIECE if piecewise(layer) else layer.depth) // inputs)


def _scratch(layer: DenseLayer, inputs: int, element_bytes: int) -> int:
    sums = 4 * layer.outputs if piecewise(layer) else 0
    return sums + _list_bytes(_units(layer, inputs), element_bytes)


def _asserts(block: int, macro: str) -> tuple[tuple[str, str], ...]:
    return ((f"{macro} == {block}", f"the weights are packed for blocks of {block} outputs"),)


def _list_asserts(layer: DenseLayer, inputs: int, element_bytes: int) -> tuple[tuple[str, str], ...]:
    says = "a list of inputs lies outside its place"
    units = _units(layer, inputs)
    size = _list_bytes(units, element_bytes)
    found = [
        *_asserts(BLOCK, "AOT_BLOCK"),
        (f"AOT_LIST_LENGTH({units}u) * {element_bytes} == {size}", says),
    ]
    if layer.depth > PIECE:
        whole = "" if piecewise(layer) else "!"
        found.append(
            (f"AOT_PIECE == {PIECE} && {whole}AOT_PIECEWISE({layer.depth}u, {layer.outputs}u)", says)
        )
    return tuple(found)


def pack_portable(layer: DenseLayer) -> Call:
    """int8, no larger than the weights themselves.

    A block of 8 outputs is stored by input, its 8 weights side by side; the outputs left over one by one.
    """
    weights = layer.weights
    blocked = layer.outputs - layer.outputs % BLOCK
    blocks = weights[:blocked].reshape(-1, BLOCK, layer.depth).transpose(0, 2, 1)
    values = np.concatenate([blocks.ravel(), weights[blocked:].ravel()])
    return _call(layer, Array("weights", "int8_t", values), asserts=_list_asserts(layer, 1, 2))


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
    asserts = _list_asserts(layer, 2, 4)
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

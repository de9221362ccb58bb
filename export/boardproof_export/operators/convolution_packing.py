"""How the weights of convolutions lie, kernel by kernel: engine/aot/operators/convolution.h."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from boardproof_export.model import fixed_point
from boardproof_export.operators import dense
from boardproof_export.operators.convolution_layer import Axis, ConvolutionLayer
from boardproof_export.operators.dense import MEMBER_BYTES, DenseLayer
from boardproof_export.operators.records import Array, Call, Member

DEPTHWISE_BLOCK = 4  # AOT_DEPTHWISE_BLOCK in convolution.h; the rendered code asserts it
_ALIGNMENT = 8  # of scratch
_POINTER_BYTES = 8  # of the largest that a kernel is compiled for


@dataclass(frozen=True)
class _Part:
    """An aot_convolution_t: outputs that one dense layer computes, position by position. The first one is at `start`;
    from there to the next position it is `step`, both (row, column)."""

    dense: DenseLayer
    height: Axis
    width: Axis
    group: int = 0
    start: tuple[int, int] = (0, 0)
    step: tuple[int, int] = (1, 1)


def in_parts(pack: Callable[[DenseLayer], Call]) -> Callable[[ConvolutionLayer], tuple[Call, ...]]:
    """A call a part, with the layout of a dense layer."""

    def packed(layer: ConvolutionLayer) -> tuple[Call, ...]:
        batches = layer.width.output if layer.pointwise else 1
        return tuple(_call(layer, part, pack(replace(part.dense, batches=batches))) for part in _parts(layer))

    return packed


def piecewise(layer: ConvolutionLayer) -> bool:
    """Whether a part of the convolution lists what lies under a window a piece at a time."""
    return any(dense.piecewise(part.dense) for part in _parts(layer))


def scratch(layer_bytes: Callable[[DenseLayer], int]) -> Callable[[ConvolutionLayer], int]:
    """What lies under a window, and behind it the scratch of a dense layer."""

    def size(layer: ConvolutionLayer) -> int:
        sizes = [_column_bytes(layer, part) + layer_bytes(part.dense) for part in _parts(layer)]
        return max(*sizes, _ALIGNMENT)

    return size


def _parts(layer: ConvolutionLayer) -> list[_Part]:
    if not layer.transposed:
        return [_Part(layer.group(group), *layer.axes, group) for group in range(layer.groups)]
    # The phases of the stride: what the same taps reach is a plain convolution with these.
    steps = (layer.height.stride, layer.width.stride)
    weights = layer.dense.weights.reshape(-1, layer.height.window, layer.width.window, layer.depth)
    parts = []
    for row in range(min(steps[0], layer.height.output)):
        height, rows = _phase(layer.height, row)
        for column in range(min(steps[1], layer.width.output)):
            width, columns = _phase(layer.width, column)
            reached = weights[:, rows][:, :, columns].reshape(len(weights), -1)
            if not reached.size:
                reached = np.zeros((len(weights), height.window * width.window * layer.depth), np.int8)
            dense_part = replace(layer.dense, weights=reached)
            parts.append(_Part(dense_part, height, width, 0, (row, column), steps))
    return parts


def _phase(axis: Axis, start: int) -> tuple[Axis, NDArray[np.int64]]:
    """The outputs `start`, `start` + stride and so on of a transposed axis as a plain one, and the taps that reach
    them, the last first; where no tap does, a window of one."""
    position, tap = divmod(start + axis.padding, axis.stride)
    taps = np.arange(tap, axis.window, axis.stride)[::-1]
    window = max(len(taps), 1)
    outputs = -(-(axis.output - start) // axis.stride)
    return Axis(axis.input, outputs, window, 1, 1, window - 1 - position), taps


def _column_bytes(layer: ConvolutionLayer, part: _Part) -> int:
    return 0 if layer.pointwise else -(-part.dense.depth // _ALIGNMENT) * _ALIGNMENT


def _geometry(height: Axis, width: Axis) -> dict[str, Member]:
    members = ("input", "output", "window", "stride", "dilation", "padding")
    axes = (("height", height), ("width", width))
    return {f"{name}.{member}": getattr(axis, member) for name, axis in axes for member in members}


def _call(layer: ConvolutionLayer, part: _Part, call: Call) -> Call:
    depth, channels = layer.depth // layer.groups, layer.dense.outputs
    row = layer.width.output * channels
    descriptor: dict[str, Member] = {
        **{f"dense.{member}": value for member, value in call.descriptor.items()},
        **_geometry(part.height, part.width),
        "batches": layer.batches,
        "depth": depth,
        "input_offset": part.group * depth,
        "input_step": layer.depth,
        "output_offset": part.start[0] * row + part.start[1] * channels + part.group * part.dense.outputs,
        "output_step": part.step[1] * channels,
        "output_row": part.step[0] * row,
        "output_image": layer.height.output * row,
        "column_bytes": _column_bytes(layer, part),
        "pointwise": int(layer.pointwise),
    }
    return replace(call, descriptor=descriptor)


def pack_depthwise(layer: ConvolutionLayer) -> Call:
    """int8: blocks of 4 outputs, each by tap; then the outputs left over, one by one."""
    count = _blocked(layer)
    blocks = layer.dense.weights[:count].reshape(-1, DEPTHWISE_BLOCK, layer.taps).transpose(0, 2, 1)
    return _depthwise(layer, Array("blocks", "int8_t", blocks.ravel()))


def pack_depthwise_dsp(layer: ConvolutionLayer) -> Call:
    """Blocks of 4 outputs as words, two a pair of taps: bytes a0 b0 a1 b1, then c0 d0 c1 d1."""
    count = _blocked(layer)
    padded = np.zeros((count, layer.taps + layer.taps % 2), np.int8)
    padded[:, : layer.taps] = layer.dense.weights[:count]
    # (block, which two of its outputs, output, pair of taps, tap) to (block, pair, two, tap, output)
    halves = padded.reshape(-1, 2, 2, padded.shape[1] // 2, 2).transpose(0, 3, 1, 4, 2)
    words = np.ascontiguousarray(halves).view(np.uint8).ravel().view("<u4").astype(np.uint32)
    return _depthwise(layer, Array("blocks", "uint32_t", words))


def _blocked(layer: ConvolutionLayer) -> int:
    return layer.depth // DEPTHWISE_BLOCK * DEPTHWISE_BLOCK if layer.dense.outputs == layer.depth else 0


def _depthwise(layer: ConvolutionLayer, blocks: Array) -> Call:
    singles = Array("singles", "int8_t", layer.dense.weights[_blocked(layer) :].ravel())
    channels, rescale = dense.rescaling(layer.dense, _centred_bias(layer.dense))
    arrays = [array for array in (blocks, singles) if array.values.size]
    descriptor: dict[str, Member] = {
        **rescale,
        **{array.name: array.name for array in arrays},
        **_geometry(*layer.axes),
        "batches": layer.batches,
        "depth": layer.depth,
        "multiplier": layer.dense.outputs // layer.depth,
        "outputs": layer.dense.outputs,
        "blocked": _blocked(layer),
        "taps": layer.taps,
        "taps_bytes": _taps_bytes(layer),
        "input_zero_point": layer.dense.input_zero_point,
    }
    flash = sum(array.values.nbytes for array in arrays) + MEMBER_BYTES * channels.values.size
    says = f"the weights are packed for blocks of {DEPTHWISE_BLOCK} outputs"
    return Call(
        (*arrays, channels), descriptor, flash, ((f"AOT_DEPTHWISE_BLOCK == {DEPTHWISE_BLOCK}", says),)
    )


def _centred_bias(layer: DenseLayer) -> NDArray[np.int32]:
    """The bias less what the input's zero point adds to a sum, modulo 2^32."""
    sums = layer.weights.astype(np.int64).sum(axis=1)
    return fixed_point.wrap(layer.bias - layer.input_zero_point * sums).astype(np.int32)


def _taps_bytes(layer: ConvolutionLayer) -> int:
    return (layer.taps + 1) * _POINTER_BYTES


def depthwise_scratch(layer: ConvolutionLayer) -> int:
    """A pointer a tap, one more, and a position of zero points."""
    return _taps_bytes(layer) + layer.depth

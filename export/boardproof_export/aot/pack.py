"""Packs the weights of FULLY_CONNECTED for a core. docs/ENGINE_AOT.md draws the layouts.

The kernels that read them: firmware/src/engine/aot/kernels_portable.c, kernels_dsp.c and kernels_avr.c.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np
from numpy.typing import NDArray

from boardproof_export.model.fixed_point import INT8_MAX, INT8_MIN

BLOCK = 8  # AOT_BLOCK in kernels.h; the rendered code asserts it
AVR_BLOCK = 4  # AOT_AVR_BLOCK in kernels.h
AVR_ROWS = 8000  # AOT_AVR_ROWS in kernels.h: avr-gcc takes no array of 32 KB or more
AVR_OFFSET = 128  # what makes an int8 weight a uint8
CHANNEL_BYTES = 12  # sizeof(aot_channel_t)
_PAIR_LIMIT = 1 << 23  # of the upper sum of a pair, see `can_pair`

Words = NDArray[np.int8] | NDArray[np.uint8] | NDArray[np.uint32]


@dataclass(frozen=True)
class PackedWeights:
    """`words` is what the C array holds; `paired` says how the dsp kernel must read it.

    `lengths`, where given, cuts `words` into several C arrays; the kernel then takes a table of pointers to them.
    """

    words: Words
    paired: bool
    lengths: tuple[int, ...] = ()

    @property
    def arrays(self) -> list[Words]:
        """What each C array holds."""
        cuts = [0, *accumulate(self.lengths or (len(self.words),))]
        return [self.words[start:end] for start, end in pairwise(cuts)]


@dataclass(frozen=True)
class Pack:
    """A weight layout and the kernel that reads it."""

    name: str
    kernel: str  # the C function
    element: str  # the C type of the weights array
    unit: int  # inputs that are listed together, if any of them differs from the zero point
    element_bytes: int  # of the list; 0 where the kernel needs none
    weights: Callable[[NDArray[np.int8], int], PackedWeights]
    needs_dsp: bool
    block: int = BLOCK
    block_macro: str = "AOT_BLOCK"  # its name in kernels.h
    weights_offset: int = 0  # what was added to every weight, and so to their zero point

    @property
    def lists(self) -> bool:
        """Whether the kernel lists a layer's inputs, in scratch memory."""
        return self.element_bytes > 0

    def units(self, depth: int) -> int:
        """Units of a layer with `depth` inputs."""
        return -(-depth // self.unit)

    def scratch_bytes(self, depth: int) -> int:
        """RAM for a layer's list of inputs: AOT_LIST_LENGTH of kernels.h, which the rendered code asserts."""
        units = self.units(depth)
        return (units + (units + 1) // 2 + 2) * self.element_bytes


def pack_portable(weights: NDArray[np.int8], input_zero_point: int) -> PackedWeights:
    """int8 (outputs, depth) to the portable layout, no larger than the weights themselves.

    A block of 8 outputs is stored by input, its 8 weights side by side; the outputs left over one by one.
    """
    del input_zero_point
    outputs, depth = weights.shape
    blocked = outputs - outputs % BLOCK
    blocks = weights[:blocked].reshape(-1, BLOCK, depth).transpose(0, 2, 1)
    return PackedWeights(np.concatenate([blocks.ravel(), weights[blocked:].ravel()]), paired=False)


def pack_dsp(weights: NDArray[np.int8], input_zero_point: int) -> PackedWeights:
    """int8 (outputs, depth) to the dsp layout: words of two outputs (a, b) and two inputs, bytes a0 b0 a1 b1.

    A block of 8 outputs is stored by pair of inputs, its 4 words side by side; the outputs left over by twos.
    """
    outputs, depth = weights.shape
    paired = can_pair(weights, input_zero_point)
    padded = np.zeros((outputs + outputs % 2, depth + depth % 2), dtype=np.int32)
    padded[:outputs, :depth] = weights
    lower, upper = padded[0::2], padded[1::2]
    if not paired:
        lower = lower & 0xFF  # so that the sum below sets two bytes side by side
    lanes = ((256 * upper + lower) & 0xFFFF).astype(np.uint32)
    words = lanes[:, 0::2] | (lanes[:, 1::2] << np.uint32(16))
    columns = outputs // BLOCK * (BLOCK // 2)
    blocks = words[:columns].reshape(-1, BLOCK // 2, words.shape[1]).transpose(0, 2, 1)
    return PackedWeights(np.concatenate([blocks.ravel(), words[columns:].ravel()]), paired=paired)


def pack_avr(weights: NDArray[np.int8], input_zero_point: int) -> PackedWeights:
    """int8 (outputs, depth) to the avr layout: uint8, each 128 more than the weight.

    Outputs are filled up to whole blocks of 4 with weights of 0. Each block is cut every 8,000 inputs; what is between
    two cuts is one array, stored by input, the block's 4 weights side by side.
    """
    del input_zero_point
    outputs, depth = weights.shape
    blocks = -(-outputs // AVR_BLOCK)
    filled = np.zeros((blocks * AVR_BLOCK, depth), dtype=np.int16)
    filled[:outputs] = weights
    by_input = (filled + AVR_OFFSET).astype(np.uint8).reshape(blocks, AVR_BLOCK, depth).transpose(0, 2, 1)
    lengths = [min(AVR_ROWS, depth - start) * AVR_BLOCK for start in range(0, depth, AVR_ROWS)]
    return PackedWeights(by_input.ravel(), paired=False, lengths=(*lengths,) * blocks)


def can_pair(weights: NDArray[np.int8], input_zero_point: int) -> bool:
    """Whether 256 * b + a fits 16 bits for every pair, and the sums of every odd output stay within 24 bits.

    The sum of b * (input - zero point) is largest when every input is at the end of int8 that its weight asks for.
    """
    upper = weights[1::2].astype(np.int64)
    lower = weights[0::2].astype(np.int64)[: len(upper)]
    if np.any((upper == INT8_MIN) & (lower < 0)):
        return False
    least, most = INT8_MIN - input_zero_point, INT8_MAX - input_zero_point
    highest = np.maximum(upper * least, upper * most).sum(axis=1)
    lowest = np.minimum(upper * least, upper * most).sum(axis=1)
    return bool(np.all(highest < _PAIR_LIMIT) and np.all(lowest >= -_PAIR_LIMIT))


PACKS: dict[str, Pack] = {
    "portable": Pack(
        name="portable",
        kernel="aot_fully_connected_portable",
        element="int8_t",
        unit=1,
        element_bytes=2,
        weights=pack_portable,
        needs_dsp=False,
    ),
    "dsp": Pack(
        name="dsp",
        kernel="aot_fully_connected_dsp",
        element="uint32_t",
        unit=2,
        element_bytes=4,
        weights=pack_dsp,
        needs_dsp=True,
    ),
    "avr": Pack(
        name="avr",
        kernel="aot_fully_connected_avr",
        element="uint8_t",
        unit=1,
        element_bytes=0,
        weights=pack_avr,
        needs_dsp=False,
        block=AVR_BLOCK,
        block_macro="AOT_AVR_BLOCK",
        weights_offset=AVR_OFFSET,
    ),
}

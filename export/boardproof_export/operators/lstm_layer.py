"""The numbers of an LSTM layer: what computes them in NumPy, and how the kernel has them.

Sources, in tensorflow/lite: micro/kernels/lstm_eval.h (the order of the steps), kernels/internal/reference/integer_ops/
logistic.h and tanh.h (both interpolate one table).
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from boardproof_export.model import fixed_point
from boardproof_export.operators.records import Array, Call

GATES = ("input", "forget", "cell", "output")  # in the order of the operator's tensors
_TABLE_STEPS = 23.999  # entries a unit: with this number, all entries but a few are the nearest
_TABLE_OFF = {4: 1, 65: -1, 69: -1, 71: -1, 117: -1, 163: -1, 174: -1, 255: 1}
_INT16 = (-32768, 32767)

Values = NDArray[np.int64]
Multiplier = tuple[int, int]  # with its shift


@dataclass(frozen=True)
class Gate:
    """A gate's weights, (units, inputs) and (units, units), and how their sums come to 1/4096."""

    weights: NDArray[np.int8] = field(repr=False)
    recurrent: NDArray[np.int8] = field(repr=False)
    bias: NDArray[np.int32] = field(repr=False)
    from_input: Multiplier
    from_state: Multiplier
    input_zero_point: int
    state_zero_point: int

    @property
    def constants(self) -> NDArray[np.int32]:
        """What is added to the plain products with weights and recurrent weights, (units, 2): zero points and bias."""
        both = (
            self.bias - self.weights.sum(axis=1, dtype=np.int64) * self.input_zero_point,
            -self.recurrent.sum(axis=1, dtype=np.int64) * self.state_zero_point,
        )
        return fixed_point.wrap(np.stack(both, axis=1)).astype(np.int32)


@dataclass(frozen=True)
class LstmLayer:
    """An LSTM, ready for its kernel. `gates` are in the order of GATES."""

    batches: int
    steps: int
    time_major: bool  # whether steps come before batches in input and output
    gates: tuple[Gate, ...]
    keep: Multiplier  # of forget gate times cell
    add: Multiplier  # of input gate times cell gate
    give: Multiplier  # of output gate times the cell's tanh, to the output
    cell_shift: int  # of the cell before its tanh, to the left
    cell_clip: int | None
    output_zero_point: int

    @property
    def units(self) -> int:
        """Values of an output."""
        return int(self.gates[0].weights.shape[0])

    @property
    def inputs(self) -> int:
        """Values of an input."""
        return int(self.gates[0].weights.shape[1])


def table() -> NDArray[np.uint16]:
    """sigmoid(i / 24) in units of 1/65536, 256 entries: `sigmoid_table_uint16` of kernels/internal/common.h."""
    entries = np.floor(65536 / (1 + np.exp(-np.arange(256) / _TABLE_STEPS)) + 0.5)
    entries = np.minimum(entries, 65535).astype(np.int64)
    for place, difference in _TABLE_OFF.items():
        entries[place] += difference
    return entries.astype(np.uint16)


def _interpolated(values: Values, bits: int, most: int) -> Values:
    """The table at |values|, which have `bits` bits below an entry; `most` from entry 255 on."""
    entries = table().astype(np.int64)
    size = np.abs(values)
    place = np.minimum(size >> bits, 254)
    between = (entries[place] << bits) + (size & ((1 << bits) - 1)) * (entries[place + 1] - entries[place])
    return np.where(size >> bits >= 255, most, between)


def sigmoid(sums: Values) -> Values:
    """From 1/4096 to 1/32768."""
    found = _interpolated(3 * sums, 9, 0x7FFF << 10)
    mirrored = (1 << 25) - found + (1 << 9) - 1
    return np.where(sums >= 0, found + (1 << 9), mirrored) >> 10


def tanh(values: Values, shift: int) -> Values:
    """From 1/4096, after a shift to the left, to 1/32768."""
    values = 3 * values << shift if shift >= 0 else (3 * values + (1 << (-shift - 1))) >> -shift
    found = _interpolated(values, 8, 0xFFFF << 8)
    return np.where(values >= 0, found - (1 << 23) + (1 << 7), -found + (1 << 23) + (1 << 7) - 1) >> 8


def reference(
    layer: LstmLayer, values: NDArray[np.int8], hidden: NDArray[np.uint8], cell: NDArray[np.uint8]
) -> NDArray[np.int8]:
    """The outputs of all steps; the states go on by as many."""
    order = (1, 0, 2) if layer.time_major else (0, 1, 2)
    extents = (layer.steps, layer.batches) if layer.time_major else (layer.batches, layer.steps)
    rows = values.reshape(*extents, layer.inputs).transpose(order).astype(np.int64)
    outputs = np.empty((*extents, layer.units), np.int8)
    state = hidden.view(np.int8).reshape(layer.batches, layer.units)
    cells = cell.view(np.int16).reshape(layer.batches, layer.units)
    for step in range(layer.steps):
        into, forget, new, out = (
            _gate(gate, rows[:, step], state.astype(np.int64), is_cell=name == "cell")
            for gate, name in zip(layer.gates, GATES, strict=True)
        )
        kept = _product(forget, cells.astype(np.int64), layer.keep)
        updated = np.clip(kept + _product(into, new, layer.add), *_INT16)
        if layer.cell_clip is not None:
            updated = np.clip(updated, -layer.cell_clip, layer.cell_clip)
        cells[:] = updated
        given = _product(
            tanh(updated, layer.cell_shift), out, layer.give, layer.output_zero_point, (-128, 127)
        )
        state[:] = given
        outputs.transpose(order)[:, step] = given
    return outputs.ravel()


def _gate(gate: Gate, rows: Values, state: Values, *, is_cell: bool) -> Values:
    constants = gate.constants.astype(np.int64)
    sums = np.zeros((len(rows), len(constants)), np.int64)
    parts = ((rows, gate.weights, gate.from_input), (state, gate.recurrent, gate.from_state))
    for number, (read, weights, scale) in enumerate(parts):
        part = fixed_point.rescale(read @ weights.T.astype(np.int64) + constants[:, number], scale)
        sums += np.clip(part, *_INT16)
    sums = np.clip(sums, *_INT16)
    return tanh(sums, 0) if is_cell else sigmoid(sums)


def _product(
    a: Values, b: Values, scale: Multiplier, zero_point: int = 0, limits: tuple[int, int] = _INT16
) -> Values:
    scaled = fixed_point.rescale(a * b, scale)
    return np.clip(fixed_point.wrap(scaled + zero_point), *limits)


def pack(layer: LstmLayer) -> Call:
    """A unit after the other: for each gate its weights, then its recurrent weights."""
    weights = np.stack(
        [np.concatenate([gate.weights, gate.recurrent], axis=1) for gate in layer.gates], axis=1
    )
    constants = np.stack([gate.constants for gate in layer.gates], axis=1)
    arrays = (
        Array("weights", "int8_t", weights.ravel(), what="by unit, gate, then input and state"),
        Array("constants", "int32_t", constants.ravel(), what="by unit, gate, then input and state"),
        Array("sigmoid", "uint16_t", table()),
    )
    row, batch = (layer.batches, 1) if layer.time_major else (1, layer.steps)
    scales = [scale for gate in layer.gates for scale in (gate.from_input, gate.from_state)]
    products = (layer.keep, layer.add, layer.give)
    return Call(
        arrays=arrays,
        descriptor={
            "weights": "weights",
            "constants": "constants",
            "sigmoid": "sigmoid",
            "batches": layer.batches,
            "steps": layer.steps,
            "inputs": layer.inputs,
            "units": layer.units,
            "step_rows": row,
            "batch_rows": batch,
            "gates": tuple(multiplier for multiplier, _ in scales),
            "gate_shifts": tuple(-shift for _, shift in scales),
            "products": tuple(multiplier for multiplier, _ in products),
            "product_shifts": tuple(-shift for _, shift in products),
            "cell_shift": layer.cell_shift,
            "cell_clip": 32768 if layer.cell_clip is None else layer.cell_clip,
            "output_zero": layer.output_zero_point,
        },
        flash_bytes=sum(array.values.nbytes for array in arrays),
    )

"""UNIDIRECTIONAL_SEQUENCE_LSTM: int8 in, out and between steps, int8 weights, an int16 cell; both states are variables.

What is refused is what UnidirectionalSequenceLstmPrepare refuses (micro/kernels/unidirectional_sequence_lstm.cc,
lstm_eval.cc), what its gates leave undefined (weights by channel: multipliers that nobody has set), and its other
types.
"""

import math
from typing import NoReturn

import numpy as np
from tflite.BuiltinOptions import BuiltinOptions

from boardproof_export.model import fixed_point
from boardproof_export.operators import checks
from boardproof_export.operators.checks import UnsupportedError, per_tensor
from boardproof_export.operators.lstm_layer import GATES, Gate, LstmLayer, pack, reference
from boardproof_export.operators.records import Feature, Kernel, Operator, State
from boardproof_export.shared.model import Activation, Graph, Op, Tensor

_ACTIVATION, _CELL_CLIP, _PROJECTION_CLIP, _TIME_MAJOR = (
    0,
    1,
    2,
    3,
)  # fields of UnidirectionalSequenceLSTMOptions
_DIAGONAL = 5
_INPUTS = 24
_HIDDEN, _CELL = 18, 19
_WEIGHTS, _RECURRENT, _BIAS = 1, 5, 12  # the first of four each, in the order of GATES
_VARIANTS = (*range(9, 12), *range(16, 18), *range(20, 24))  # peepholes, projection, normalization
_SUM_SCALE = np.float32(2**-12)  # of a gate's sums
_GATE_SCALE = 2.0**-15  # of a gate
_STEPS_OF_TANH = 12  # a cell of 2^-12 needs no shift before its table
_MAX_EXTENT = 0xFFFF  # the kernel counts in uint16_t


def resolve(graph: Graph, op: Op) -> LstmLayer:
    """Resolves `op` of `graph`.

    Raises:
        UnsupportedError: with the first reason why not.
    """
    if len(op.inputs) != _INPUTS or len(op.outputs) != 1:
        raise UnsupportedError(f"has {len(op.inputs)} inputs and {len(op.outputs)} outputs")
    if any(graph.optional(op, position) is not None for position in _VARIANTS):
        raise UnsupportedError(
            "has peepholes, a projection or normalization, which TensorFlow Lite Micro has not"
        )
    source, hidden, cell = _present(graph, op, 0), _present(graph, op, _HIDDEN), _present(graph, op, _CELL)
    output = graph.tensors[op.outputs[0]]
    types = (source.type, hidden.type, cell.type, output.type)
    if types != ("INT8", "INT8", "INT16", "INT8"):
        raise UnsupportedError(
            f"has {source.type} input, {hidden.type} state, {cell.type} cell and {output.type} output; only INT8 "
            "with a cell of INT16 runs"
        )
    options = checks.options_of(op, BuiltinOptions.UnidirectionalSequenceLSTMOptions)
    if options.int8(_ACTIVATION) != Activation.TANH:
        raise UnsupportedError(f"has activation {options.int8(_ACTIVATION)}, not TANH")
    if options.bool(_DIAGONAL):
        raise UnsupportedError("has diagonal recurrent weights")
    time_major = options.bool(_TIME_MAJOR)
    batches, steps, inputs, units = _sizes(time_major, source, hidden, cell, output)
    gates = tuple(
        _gate(graph, op, position, source, hidden, (units, inputs)) for position in range(len(GATES))
    )
    scale, power = _cell_scale(cell)
    hidden_scale, hidden_zero = per_tensor(hidden, "output state")
    return LstmLayer(
        batches=batches,
        steps=steps,
        time_major=time_major,
        gates=gates,
        keep=checks.scale_of(_GATE_SCALE * scale / scale),
        add=checks.scale_of(_GATE_SCALE * _GATE_SCALE / scale),
        give=checks.scale_of(_GATE_SCALE * _GATE_SCALE / float(hidden_scale)),
        cell_shift=power + _STEPS_OF_TANH,
        cell_clip=_clip(options.float32(_CELL_CLIP), scale),
        output_zero_point=hidden_zero,
    )


def _present(graph: Graph, op: Op, position: int) -> Tensor:
    tensor = graph.optional(op, position)
    if tensor is None:
        raise UnsupportedError(f"has nothing in place {position}: TensorFlow Lite Micro has no coupled gates")
    return tensor


def _sizes(
    time_major: bool, source: Tensor, hidden: Tensor, cell: Tensor, output: Tensor
) -> tuple[int, int, int, int]:
    """Batches, steps, inputs and units."""

    def misfit() -> NoReturn:
        raise UnsupportedError(
            f"has shapes that do not fit: input {list(source.shape)}, states {list(hidden.shape)} and "
            f"{list(cell.shape)}, output {list(output.shape)}"
        )

    if len(source.shape) != 3 or len(hidden.shape) < 2:
        misfit()
    first, second, inputs = source.shape
    steps, batches = (first, second) if time_major else (second, first)
    units = hidden.shape[1]
    if output.shape != (first, second, units) or {hidden.count, cell.count} != {batches * units}:
        misfit()
    if not all(0 < extent <= _MAX_EXTENT for extent in (batches, steps, inputs, units)):
        raise UnsupportedError(f"has a dimension of 0, or above {_MAX_EXTENT}")
    return batches, steps, inputs, units


def _gate(
    graph: Graph, op: Op, position: int, source: Tensor, hidden: Tensor, shape: tuple[int, int]
) -> Gate:
    units = shape[0]
    bias = _present(graph, op, _BIAS + position)
    if bias.type != "INT32" or bias.data is None or bias.sparse or bias.shape != (units,):
        raise UnsupportedError(f"has a bias of {bias.type} {list(bias.shape)}, not INT32 [{units}]")
    multipliers, weights = [], []
    for first, read, wanted in ((_WEIGHTS, source, shape), (_RECURRENT, hidden, (units, units))):
        tensor = _present(graph, op, first + position)
        if tensor.type != "INT8" or tensor.data is None or tensor.sparse or tensor.shape != wanted:
            raise UnsupportedError(
                f"has weights of {tensor.type} {list(tensor.shape)}, not constant INT8 {list(wanted)}"
            )
        scale, zero_point = per_tensor(tensor, "weights tensor")
        if zero_point:
            raise UnsupportedError("has weights with a zero point that is not 0")
        read_scale, _ = per_tensor(read, "input")
        multipliers.append(checks.scale_of(fixed_point.per_tensor_multiplier(read_scale, scale, _SUM_SCALE)))
        weights.append(tensor.values(np.int8))
    return Gate(
        weights=weights[0],
        recurrent=weights[1],
        bias=bias.values(np.int32),
        from_input=multipliers[0],
        from_state=multipliers[1],
        input_zero_point=per_tensor(source, "input")[1],
        state_zero_point=per_tensor(hidden, "output state")[1],
    )


def _cell_scale(cell: Tensor) -> tuple[float, int]:
    """The cell's scale, and the power of two next to it. TensorFlow Lite Micro ignores CheckedLog2's complaint."""
    if cell.quantization is None or cell.quantization.per_channel:
        raise UnsupportedError("has a cell without one scale")
    scale = np.float32(cell.quantization.scales[0])
    if not (np.isfinite(scale) and scale > 0):
        raise UnsupportedError("has a cell with a scale that is not positive and finite")
    logarithm = float(np.log(scale) * (np.float32(1) / np.log(np.float32(2))))
    power = int(math.copysign(math.floor(abs(logarithm) + 0.5), logarithm))
    if not -30 <= power + _STEPS_OF_TANH <= 14:
        raise UnsupportedError(
            f"has a cell with scale {float(scale):g}, by which TensorFlow Lite Micro cannot shift"
        )
    return float(scale), power


def _clip(clip: float, scale: float) -> int | None:
    """The cell's bound, in its own unit."""
    return int(min(clip / scale, 32767.0)) if clip > 0 else None


def _states(graph: Graph, op: Op) -> tuple[State, ...]:
    return (
        checks.variable(graph.optional(op, _HIDDEN), "an output state"),
        checks.variable(graph.optional(op, _CELL), "a cell"),
    )


def _macs(graph: Graph, op: Op) -> int:
    weights = [graph.optional(op, position) for position in range(_WEIGHTS, _RECURRENT + len(GATES))]
    source = graph.optional(op, 0)
    if source is None or not source.shape or not source.shape[-1]:
        return 0
    return source.count // source.shape[-1] * sum(tensor.count for tensor in weights if tensor is not None)


OPERATOR = Operator(
    name="unidirectional_sequence_lstm",
    family="lstm",
    resolve=resolve,
    reference=reference,
    states=_states,
    describe=lambda layer: f"{layer.steps} steps of {layer.inputs} to {layer.units}",
    macs=_macs,
    kernels=(
        Kernel("aot_lstm_dsp", pack, frozenset({Feature.DSP})),
        Kernel("aot_lstm_portable", pack),
    ),
)

"""What several operators ask of a tensor, and the word for no."""

import numpy as np

from boardproof_export.model import fixed_point
from boardproof_export.operators.records import State
from boardproof_export.shared.model import Activation, Graph, Op, Quantization, Tensor
from boardproof_export.shared.options import DamagedOptionsError, Options


class UnsupportedError(Exception):
    """Why an operator cannot run; the message is a clause without the operator's name."""


def per_tensor(tensor: Tensor, what: str) -> tuple[np.float32, int]:
    """The only scale and zero point of an int8 activation.

    Raises:
        UnsupportedError: it has none, more than one, or values that mean nothing.
    """
    quantized = usable(tensor, what)
    if quantized.per_channel:
        raise UnsupportedError(f"has an {what} with {len(quantized.scales)} scales")
    return np.float32(quantized.scales[0]), quantized.zero_points[0]


def usable(tensor: Tensor, what: str) -> Quantization:
    """An int8 tensor's quantization: scales are positive and finite, zero points fit int8.

    Raises:
        UnsupportedError: it is not.
    """
    quantized = tensor.quantization
    if quantized is None:
        raise UnsupportedError(f"has {what} without quantization")
    if not np.all(np.isfinite(quantized.scales) & (quantized.scales > 0)):
        raise UnsupportedError(f"has {what} with a scale that is not positive and finite")
    if not all(fixed_point.INT8_MIN <= point <= fixed_point.INT8_MAX for point in quantized.zero_points):
        raise UnsupportedError(f"has {what} with a zero point outside int8")
    return quantized


def scale_of(real: float) -> tuple[int, int]:
    """Multiplier and shift of a scale.

    Raises:
        UnsupportedError: TensorFlow Lite Micro's 1 << shift overflows.
    """
    if real < float(1 << fixed_point.MAX_LEFT_SHIFT):
        multiplier, shift = fixed_point.quantize_multiplier(real)
        if shift <= fixed_point.MAX_LEFT_SHIFT:
            return multiplier, shift
    raise UnsupportedError(f"rescales by {real:g}, which overflows TensorFlow Lite Micro's shift")


def small_scale_of(real: float) -> tuple[int, int]:
    """The same of a scale below 1.

    Raises:
        UnsupportedError: it is not above 0 and below 1, where TensorFlow Lite Micro aborts.
    """
    multiplier, shift = fixed_point.quantize_multiplier(real) if 0 < real < 1 else (0, 1)
    if shift > 0:
        raise UnsupportedError(f"rescales by {real:g}, on which TensorFlow Lite Micro aborts")
    return multiplier, shift


def one_to_one(graph: Graph, op: Op, most_inputs: int = 1) -> tuple[Tensor, Tensor]:
    """The int8 input and output of an operator that has one of each, and perhaps constants as further inputs.

    Raises:
        UnsupportedError: it has not, or they are not int8.
    """
    source = graph.optional(op, 0)
    if source is None or len(op.inputs) > most_inputs or len(op.outputs) != 1:
        raise UnsupportedError(f"has {len(op.inputs)} inputs and {len(op.outputs)} outputs")
    output = graph.tensors[op.outputs[0]]
    if (source.type, output.type) != ("INT8", "INT8"):
        raise UnsupportedError(f"has {source.type} input and {output.type} output; only INT8 runs")
    return source, output


def variable(tensor: Tensor | None, what: str) -> State:
    """The state that a variable tensor is. A reset fills it with bytes (MicroInterpreterGraph::ResetTensorData,
    micro/micro_interpreter_graph.cc).

    Raises:
        UnsupportedError: it is none, or has no size.
    """
    if tensor is None or not tensor.variable or tensor.data is not None or tensor.dynamic or not tensor.bytes:
        raise UnsupportedError(f"has {what} that is no variable tensor")
    fill = tensor.quantization.zero_points[0] if tensor.quantization and tensor.type == "INT8" else 0
    return State(f"tensor {tensor.index}", np.full(tensor.bytes, fill & 0xFF, np.uint8))


def options_of(op: Op, kind: int) -> Options:
    """The operator's options, which are of `kind` or left out.

    Raises:
        DamagedOptionsError: they are another operator's.
    """
    if op.options.kind not in (0, kind):
        raise DamagedOptionsError("has another operator's options")
    return op.options


def activation(options: Options, field: int) -> Activation:
    """The fused activation in `field`.

    Raises:
        UnsupportedError: there is no such activation, or TensorFlow Lite Micro would ignore it.
    """
    number = options.int8(field)
    if number not in Activation.__members__.values():
        raise UnsupportedError(f"has unknown activation {number}")
    found = Activation(number)
    if found in (Activation.TANH, Activation.SIGN_BIT):
        raise UnsupportedError(f"has fused {found.name}, which TensorFlow Lite Micro would silently ignore")
    return found


def activation_name(options: Options, field: int) -> str:
    """The fused activation's name for people, its number where there is none of it."""
    number = options.int8(field)
    return Activation(number).name if number in Activation.__members__.values() else str(number)


def clamp(fused: Activation, scale: np.float32, zero_point: int) -> tuple[int, int]:
    """The least and the largest output that a fused activation leaves.

    Raises:
        UnsupportedError: a bound does not fit int32.
    """
    try:
        return fixed_point.activation_range(fused, scale, zero_point)
    except ValueError as error:
        raise UnsupportedError(f"has an activation bound out of range: {error}") from error

"""SVDF: filters over the newest inputs, whose activations an int8 or int16 variable tensor keeps.

What is refused is what PrepareSvdf of micro/kernels/svdf_common.cc refuses or reads through a null pointer, and what
its kernel would read as another type. Its integer kernel ignores the fused activation, and so does this one.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tflite.BuiltinOptions import BuiltinOptions

from boardproof_export.model import fixed_point
from boardproof_export.operators import checks
from boardproof_export.operators.checks import UnsupportedError, per_tensor
from boardproof_export.operators.records import Array, Call, Feature, Kernel, Operator, State
from boardproof_export.shared.model import Graph, Op, Tensor

_RANK = 0  # field of SVDFOptions
_STATE = 4  # input position of the activation state
_MOST_BIAS_DIFFERENCE = 1e-5
_MAX_EXTENT = 0xFFFF  # the kernel counts in uint16_t


@dataclass(frozen=True)
class SvdfLayer:
    """Filters, `rank` an output. States and time weights are int8, or both int16."""

    batches: int
    rank: int
    features: NDArray[np.int8] = field(repr=False)  # (filters, inputs)
    time: NDArray[Any] = field(repr=False)  # (filters, memory)
    bias: NDArray[np.int32] = field(repr=False)  # (outputs,)
    into_state: tuple[int, int]  # multiplier and shift
    into_output: tuple[int, int]
    input_zero_point: int
    state_zero_point: int
    output_zero_point: int


def resolve(graph: Graph, op: Op) -> SvdfLayer:
    """Resolves `op` of `graph`.

    Raises:
        UnsupportedError: with the first reason why not.
    """
    if len(op.inputs) != 5 or len(op.outputs) != 1:
        raise UnsupportedError(f"has {len(op.inputs)} inputs and {len(op.outputs)} outputs")
    source, features, time, bias, state = (graph.optional(op, position) for position in range(5))
    output = graph.tensors[op.outputs[0]]
    if source is None or features is None or time is None or bias is None or state is None:
        raise UnsupportedError("has an empty place among its inputs, on which TensorFlow Lite Micro crashes")
    _check_types(source, features, time, bias, state, output)
    rank = checks.options_of(op, BuiltinOptions.SVDFOptions).int32(_RANK)
    _check_shapes(rank, source, features, time, bias, state, output)
    input_scale, input_zero = per_tensor(source, "input")
    feature_scale, _ = per_tensor(features, "feature weights")
    output_scale, output_zero = per_tensor(output, "output")
    time_scale, _ = _symmetric(time, "time weights")
    state_scale, state_zero = _symmetric(state, "activation state")
    bias_scale = np.float32(0) if bias.quantization is None else np.float32(bias.quantization.scales[0])
    with np.errstate(over="ignore", under="ignore"):  # float32, as the runtime computes
        into_state = input_scale * feature_scale / state_scale
        wanted = state_scale * time_scale
        into_output = wanted / output_scale
    if not abs(float(bias_scale) - float(wanted)) < _MOST_BIAS_DIFFERENCE:
        raise UnsupportedError(f"has a bias scale of {float(bias_scale):g}, not {float(wanted):g}")
    return SvdfLayer(
        batches=source.shape[0],
        rank=rank,
        features=features.values(np.int8),
        time=time.values(time.type.lower()),
        bias=bias.values(np.int32).ravel(),
        into_state=checks.scale_of(float(into_state)),
        into_output=checks.scale_of(float(into_output)),
        input_zero_point=input_zero,
        state_zero_point=state_zero,
        output_zero_point=output_zero,
    )


def _check_types(
    source: Tensor, features: Tensor, time: Tensor, bias: Tensor, state: Tensor, output: Tensor
) -> None:
    types = (source.type, features.type, bias.type, output.type)
    if types != ("INT8", "INT8", "INT32", "INT8"):
        raise UnsupportedError(
            f"has {source.type} input, {features.type} weights, {bias.type} bias and {output.type} output; only INT8 "
            "with a bias of INT32 runs"
        )
    if time.type not in ("INT8", "INT16") or state.type != time.type:
        raise UnsupportedError(
            f"has time weights of {time.type} and a state of {state.type}, not both INT8 or both INT16"
        )
    if any(tensor.data is None or tensor.sparse for tensor in (features, time, bias)):
        raise UnsupportedError("has weights or a bias that are computed or sparse, not constant")


def _check_shapes(
    rank: int, source: Tensor, features: Tensor, time: Tensor, bias: Tensor, state: Tensor, output: Tensor
) -> None:
    if len(source.shape) != 2 or len(features.shape) != 2 or len(time.shape) != 2:
        raise UnsupportedError("has an input or weights that are not of rank 2")
    (batches, inputs), (filters, memory) = source.shape, time.shape
    if rank < 1 or filters % rank or 0 in (batches, inputs, filters, memory):
        raise UnsupportedError(f"has rank {rank} for {filters} filters")
    wanted = ((filters, inputs), (batches, memory * filters), (batches, filters // rank))
    if (features.shape, state.shape, output.shape) != wanted or bias.shape != (filters // rank,):
        raise UnsupportedError(
            f"has shapes that do not fit: input {list(source.shape)}, weights {list(features.shape)} and "
            f"{list(time.shape)}, state {list(state.shape)}, output {list(output.shape)}"
        )
    if max(batches, inputs, filters, memory) > _MAX_EXTENT:
        raise UnsupportedError(f"has a dimension above {_MAX_EXTENT}")


def _symmetric(tensor: Tensor, what: str) -> tuple[np.float32, int]:
    """Scale and zero point of a tensor of either type."""
    quantized = tensor.quantization
    if quantized is None or quantized.per_channel:
        raise UnsupportedError(f"has {what} without one scale")
    scale, zero_point = np.float32(quantized.scales[0]), quantized.zero_points[0]
    limits = np.iinfo(tensor.type.lower())
    if not (np.isfinite(scale) and scale > 0 and limits.min <= zero_point <= limits.max):
        raise UnsupportedError(f"has {what} with a scale or zero point out of range")
    return scale, zero_point


def _states(graph: Graph, op: Op) -> tuple[State, ...]:
    return (checks.variable(graph.optional(op, _STATE), "an activation state"),)


def reference(layer: SvdfLayer, values: NDArray[np.int8], kept: NDArray[np.uint8]) -> NDArray[np.int8]:
    """The outputs of `values`, int8 (batches * inputs,); `kept` goes on by a step."""
    filters, memory = layer.time.shape
    state = kept.view(layer.time.dtype).reshape(layer.batches, filters, memory)
    rows = values.reshape(layer.batches, -1).astype(np.int64) - layer.input_zero_point
    limits = np.iinfo(layer.time.dtype)
    sums = fixed_point.rescale(rows @ layer.features.T.astype(np.int64), layer.into_state)
    state[:, :, :-1] = state[:, :, 1:].copy()
    newest = np.clip(sums, limits.min, limits.max) + layer.state_zero_point
    state[:, :, -1] = newest.astype(layer.time.dtype)  # which wraps
    products = (state.astype(np.int64) - layer.state_zero_point) * layer.time
    outputs = products.reshape(layer.batches, -1, layer.rank * memory).sum(axis=2) + layer.bias
    scaled = fixed_point.rescale(outputs, layer.into_output) + layer.output_zero_point
    return np.clip(scaled, -128, 127).astype(np.int8).ravel()


def _pack(layer: SvdfLayer) -> Call:
    filters, memory = layer.time.shape
    wide = layer.time.dtype == np.int16
    constants = -layer.features.sum(axis=1, dtype=np.int64) * layer.input_zero_point
    arrays = (
        Array("features", "int8_t", layer.features.ravel(), what="weights by filter, then input"),
        Array("time", "int16_t" if wide else "int8_t", layer.time.ravel(), what="by filter, oldest first"),
        Array("constants", "int32_t", fixed_point.wrap(constants).astype(np.int32)),
        Array("bias", "int32_t", layer.bias),
    )
    return Call(
        arrays=arrays,
        descriptor={
            "features": "features",
            "time_int16" if wide else "time_int8": "time",
            "constants": "constants",
            "bias": "bias",
            "batches": layer.batches,
            "inputs": layer.features.shape[1],
            "outputs": filters // layer.rank,
            "rank": layer.rank,
            "memory": memory,
            "into_state": layer.into_state[0],
            "into_state_shift": -layer.into_state[1],
            "into_output": layer.into_output[0],
            "into_output_shift": -layer.into_output[1],
            "state_zero": layer.state_zero_point,
            "output_zero": layer.output_zero_point,
        },
        flash_bytes=sum(array.values.nbytes for array in arrays),
    )


def _macs(graph: Graph, op: Op) -> int:
    source, state = graph.optional(op, 0), graph.optional(op, _STATE)
    features = graph.optional(op, 1)
    if source is None or features is None or state is None or not source.shape:
        return 0
    return source.shape[0] * features.count + state.count


def _narrow(layer: SvdfLayer) -> bool:
    return layer.time.dtype == np.int8


OPERATOR = Operator(
    name="svdf",
    resolve=resolve,
    reference=reference,
    states=_states,
    describe=lambda layer: (
        f"{layer.features.shape[0]} filters of rank {layer.rank} over {layer.time.shape[1]} steps"
    ),
    macs=_macs,
    kernels=(
        Kernel("aot_svdf_int8_dsp", _pack, frozenset({Feature.DSP}), fits=_narrow),
        Kernel("aot_svdf_int16_dsp", _pack, frozenset({Feature.DSP})),
        Kernel("aot_svdf_int8_portable", _pack, fits=_narrow),
        Kernel("aot_svdf_int16_portable", _pack),
    ),
)

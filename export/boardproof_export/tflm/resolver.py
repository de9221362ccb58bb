"""The op resolver of TensorFlow Lite Micro: which method registers which operator.

Source: tensorflow/lite/micro/micro_mutable_op_resolver.h, August 2026. A registration for int8 alone exists where a
kernel library may be faster or smaller with it (micro/kernels/cmsis_nn); elsewhere its name stands for the general one.
"""

from dataclasses import dataclass

from boardproof_export.shared.model import Graph, Op


@dataclass(frozen=True)
class Registration:
    """How an operator is added to the resolver."""

    method: str
    int8: str | None = None  # the function that gives the registration for int8 alone
    int8_inputs: tuple[int, ...] = (0,)  # inputs that must be INT8 for it, beside the first output
    header: str | None = None  # declares `int8`, where micro_mutable_op_resolver.h does not


_KERNELS = "tensorflow/lite/micro/kernels"

_OPTIMIZED = {
    "ADD": Registration("AddAdd", "Register_ADD_INT8", (0, 1)),
    "AVERAGE_POOL_2D": Registration("AddAveragePool2D", "Register_AVERAGE_POOL_2D_INT8"),
    "BATCH_MATMUL": Registration("AddBatchMatMul", "Register_BATCH_MATMUL_INT8", (0, 1)),
    "CONV_2D": Registration("AddConv2D", "Register_CONV_2D_INT8", (0, 1)),
    "DEPTHWISE_CONV_2D": Registration("AddDepthwiseConv2D", "Register_DEPTHWISE_CONV_2D_INT8", (0, 1)),
    "FULLY_CONNECTED": Registration("AddFullyConnected", "Register_FULLY_CONNECTED_INT8", (0, 1)),
    "MAXIMUM": Registration("AddMaximum", "Register_MAXIMUM_INT8", (0, 1)),
    "MAX_POOL_2D": Registration("AddMaxPool2D", "Register_MAX_POOL_2D_INT8"),
    "MINIMUM": Registration("AddMinimum", "Register_MINIMUM_INT8", (0, 1)),
    "MUL": Registration("AddMul", "Register_MUL_INT8", (0, 1)),
    "PAD": Registration("AddPad", "Register_PAD_INT8", header=f"{_KERNELS}/pad.h"),
    "SOFTMAX": Registration("AddSoftmax", "Register_SOFTMAX_INT8"),
    "TRANSPOSE": Registration("AddTranspose", "Register_TRANSPOSE_INT8", header=f"{_KERNELS}/transpose.h"),
    "TRANSPOSE_CONV": Registration("AddTransposeConv", "Register_TRANSPOSE_CONV_INT8", (1, 2)),
}

# Operators whose method is not "Add" and their name in camel case.
_IRREGULAR = {
    "BATCH_TO_SPACE_ND": "AddBatchToSpaceNd",
    "CUMSUM": "AddCumSum",
    "GATHER_ND": "AddGatherNd",
    "L2_POOL_2D": "AddL2Pool2D",
    "PADV2": "AddPadV2",
    "REVERSE_V2": "AddReverseV2",
    "SELECT_V2": "AddSelectV2",
    "SPACE_TO_BATCH_ND": "AddSpaceToBatchNd",
    "SPLIT_V": "AddSplitV",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "AddUnidirectionalSequenceLSTM",
}

_CUSTOM = {
    "CIRCULAR_BUFFER": "AddCircularBuffer",
    "TFLite_Detection_PostProcess": "AddDetectionPostprocess",
    "ethos-u": "AddEthosU",
}


def registration(op: Op) -> Registration:
    """How `op`, one that TensorFlow Lite Micro has (support.tflm_reasons), is registered."""
    if op.custom:
        return Registration(_CUSTOM[op.code])
    if op.code in _OPTIMIZED:
        return _OPTIMIZED[op.code]
    camel = "".join(word.capitalize() for word in op.code.split("_"))
    return Registration(_IRREGULAR.get(op.code, f"Add{camel}"))


@dataclass(frozen=True)
class Resolver:
    """What the rendered resolver holds: the calls that register the model's operators, and the headers they need."""

    calls: tuple[str, ...]
    headers: tuple[str, ...]
    per_channel_dense: bool  # libraries of 2023 would silently compute it wrong


def resolver(graph: Graph) -> Resolver:
    """The resolver for `graph`: each operator once, in the order of first use, for int8 alone where all uses are."""
    uses: dict[tuple[bool, str], list[Op]] = {}
    for op in graph.ops:
        uses.setdefault((op.custom, op.code), []).append(op)
    calls, headers = [], []
    for ops in uses.values():
        entry = registration(ops[0])
        if entry.int8 and all(_is_int8(graph, op, entry.int8_inputs) for op in ops):
            calls.append(f"{entry.method}(tflite::{entry.int8}())")
            headers += [entry.header] if entry.header else []
        else:
            calls.append(f"{entry.method}()")
    return Resolver(
        tuple(calls), tuple(sorted(headers)), any(_is_per_channel_dense(graph, op) for op in graph.ops)
    )


def _is_int8(graph: Graph, op: Op, inputs: tuple[int, ...]) -> bool:
    tensors = [graph.optional(op, position) for position in inputs]
    tensors += [graph.tensors[output] for output in op.outputs[:1]]
    return all(tensor is not None and tensor.type == "INT8" for tensor in tensors)


def _is_per_channel_dense(graph: Graph, op: Op) -> bool:
    weights = graph.optional(op, 1) if op.code == "FULLY_CONNECTED" else None
    return weights is not None and weights.quantization is not None and weights.quantization.per_channel

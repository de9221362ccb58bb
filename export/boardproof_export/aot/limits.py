"""Which engine can run a graph, and if not, why: the answer names the operator and its index.

`aot`: the ahead-of-time engine of this project. `tflm`: TensorFlow Lite Micro; its operators are those of
micro_mutable_op_resolver.h, its type rules those of the kernels' Prepare functions.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from boardproof_export.operators.fully_connected import UnsupportedError, per_tensor, resolve_dense
from boardproof_export.shared.errors import InputError
from boardproof_export.shared.model import Graph, Op, Tensor

_AOT_OPS = ("RESHAPE", "FULLY_CONNECTED")

# The builtin operators that tensorflow/lite/micro/micro_mutable_op_resolver.h can register, August 2026.
_TFLM_NAMES = """
    ABS ADD ADD_N ARG_MAX ARG_MIN ASSIGN_VARIABLE AVERAGE_POOL_2D BATCH_MATMUL BATCH_TO_SPACE_ND
    BROADCAST_ARGS BROADCAST_TO CALL_ONCE CAST CEIL CONCATENATION CONV_2D COS CUMSUM DEPTHWISE_CONV_2D
    DEPTH_TO_SPACE DEQUANTIZE DIV DYNAMIC_UPDATE_SLICE ELU EMBEDDING_LOOKUP EQUAL EXP EXPAND_DIMS FILL
    FLOOR FLOOR_DIV FLOOR_MOD FULLY_CONNECTED GATHER GATHER_ND GREATER GREATER_EQUAL HARD_SWISH IF
    L2_NORMALIZATION L2_POOL_2D LEAKY_RELU LESS LESS_EQUAL LOG LOGICAL_AND LOGICAL_NOT LOGICAL_OR
    LOGISTIC LOG_SOFTMAX MAXIMUM MAX_POOL_2D MEAN MINIMUM MIRROR_PAD MUL NEG NOT_EQUAL PACK PAD PADV2
    PRELU QUANTIZE READ_VARIABLE REDUCE_ALL REDUCE_MAX REDUCE_MIN RELU RELU6 RESHAPE RESIZE_BILINEAR
    RESIZE_NEAREST_NEIGHBOR REVERSE_V2 ROUND RSQRT SELECT_V2 SHAPE SIN SLICE SOFTMAX SPACE_TO_BATCH_ND
    SPACE_TO_DEPTH SPLIT SPLIT_V SQRT SQUARE SQUARED_DIFFERENCE SQUEEZE STRIDED_SLICE SUB SUM SVDF TANH
    TRANSPOSE TRANSPOSE_CONV UNIDIRECTIONAL_SEQUENCE_LSTM UNPACK VAR_HANDLE WHILE ZEROS_LIKE
"""
_TFLM_OPS = frozenset(_TFLM_NAMES.split())
_TFLM_CUSTOM_OPS = frozenset({"TFLite_Detection_PostProcess", "CIRCULAR_BUFFER", "ethos-u"})
_WEIGHTED_OPS = frozenset({"FULLY_CONNECTED", "CONV_2D", "DEPTHWISE_CONV_2D"})


@dataclass(frozen=True)
class Reason:
    """Why an engine cannot run a graph; `op` is None where it concerns the whole model."""

    text: str
    op: Op | None = None

    def __str__(self) -> str:
        if self.op is None:
            return self.text
        return f"operator {self.op.index} ({self.op.code}) {self.text}"


@dataclass(frozen=True)
class Support:
    """An engine and what keeps it from running the graph: nothing, if it can."""

    engine: str
    reasons: tuple[Reason, ...]

    @property
    def runs(self) -> bool:
        """Whether the engine can run the graph."""
        return not self.reasons


def support(graph: Graph) -> tuple[Support, ...]:
    """The verdict on every engine."""
    return (
        Support("aot", tuple(aot_reasons(graph))),
        Support("tflm", tuple(tflm_reasons(graph))),
    )


def require(graph: Graph, reasons: Iterator[Reason], path: Path, what: str) -> None:
    """Refuses a graph for which there is a reason.

    Raises:
        InputError: it names the file, `what` cannot be done, and the first reason.
    """
    first = next(reasons, None)
    if first is None:
        return
    if any(tensor.type == "FLOAT32" for tensor in graph.tensors):
        hint = "export the full int8 rung of `boardproof convert`"
    else:
        hint = f"see what runs where: boardproof inspect {path}"
    raise InputError(f"{path} {what}: {first}", hint=hint)


def configuration_reasons(graph: Graph) -> Iterator[Reason]:
    """Why firmware cannot serve the model, whatever the engine: it streams one int8 input and one int8 output."""
    if graph.subgraphs != 1:
        yield Reason(f"the model has {graph.subgraphs} subgraphs")
    if not graph.ops:
        yield Reason("the model has no operators")
    for what, indices in (("input", graph.inputs), ("output", graph.outputs)):
        if len(indices) != 1:
            yield Reason(f"the model has {len(indices)} {what}s, not one")
            continue
        tensor = graph.tensors[indices[0]]
        if tensor.type != "INT8":
            yield Reason(f"the model's {what} is {tensor.type}, not INT8")
            continue
        if tensor.dynamic:
            yield Reason(f"the model's {what} has an open batch or dimension: convert with a batch of 1")
        if tensor.count == 0:
            yield Reason(f"the model's {what} is empty")
        try:
            per_tensor(tensor, what)
        except UnsupportedError as error:
            yield Reason(f"the model {error}")


def aot_reasons(graph: Graph) -> Iterator[Reason]:
    """Why the ahead-of-time engine cannot run the graph, in the graph's order."""
    yield from configuration_reasons(graph)
    written = set(graph.inputs)
    for op in graph.ops:
        if op.code not in _AOT_OPS or op.custom:
            yield Reason("is not an operator that the aot engine has", op)
            written.update(op.outputs)
            continue
        yield from _aot_op_reasons(graph, op, written)
        written.update(op.outputs)
    if any(output not in written for output in graph.outputs):
        yield Reason("no operator writes the model's output")


def _aot_op_reasons(graph: Graph, op: Op, written: set[int]) -> Iterator[Reason]:
    try:
        if op.code == "FULLY_CONNECTED":
            resolve_dense(graph, op)
        else:
            _check_reshape(graph, op)
    except UnsupportedError as error:
        yield Reason(str(error), op)
        return
    if op.inputs[0] not in written:
        yield Reason("reads a tensor that nothing has written", op)
    for output in op.outputs:
        tensor = graph.tensors[output]
        if output in written or tensor.data is not None:
            yield Reason(f"writes tensor {output} ({tensor.name}), which is written already", op)
    if any(graph.tensors[index].variable for index in (op.inputs[0], *op.outputs)):
        yield Reason("keeps state in a variable tensor", op)
    if any(graph.tensors[index].dynamic for index in (op.inputs[0], *op.outputs)):
        yield Reason("has an open batch or dimension: convert with a batch of 1", op)


def _check_reshape(graph: Graph, op: Op) -> None:
    source = graph.optional(op, 0)
    if source is None or len(op.inputs) > 2 or len(op.outputs) != 1:
        raise UnsupportedError(f"has {len(op.inputs)} inputs and {len(op.outputs)} outputs")
    output = graph.tensors[op.outputs[0]]
    if (source.type, output.type) != ("INT8", "INT8"):
        raise UnsupportedError(f"has {source.type} input and {output.type} output; only INT8 runs")
    if source.count != output.count:
        raise UnsupportedError(f"makes {list(output.shape)} of {list(source.shape)}")
    shape = graph.optional(op, 1)
    if shape is not None and shape.data is None:
        raise UnsupportedError("has a shape that is computed: convert with a batch of 1")


def tflm_reasons(graph: Graph) -> Iterator[Reason]:
    """Why TensorFlow Lite Micro cannot run the graph, in the graph's order."""
    for op in graph.ops:
        if op.custom and op.code not in _TFLM_CUSTOM_OPS:
            yield Reason("is a custom operator that TensorFlow Lite Micro does not know", op)
        elif not op.custom and op.code not in _TFLM_OPS:
            yield Reason("is not an operator of TensorFlow Lite Micro", op)
        elif op.code == "DEQUANTIZE":
            yield from _dequantize_reasons(graph, op)
        elif op.code in _WEIGHTED_OPS:
            yield from _weighted_reasons(graph, op)


def _dequantize_reasons(graph: Graph, op: Op) -> Iterator[Reason]:
    source = graph.optional(op, 0)
    if source is not None and source.type not in ("INT8", "INT16", "UINT8"):
        yield Reason(f"reads {source.type}; TensorFlow Lite Micro takes INT8, INT16 or UINT8", op)


def _weighted_reasons(graph: Graph, op: Op) -> Iterator[Reason]:
    source, weights = graph.optional(op, 0), graph.optional(op, 1)
    if source is None or weights is None:
        yield Reason("has no input or no weights", op)
        return
    if source.type == "FLOAT32" and weights.type != "FLOAT32":
        yield Reason(
            f"is hybrid: {weights.type} weights on float32 activations (dynamic-range quantization)", op
        )
    elif (source.type, weights.type) not in _WEIGHTED_TYPES:
        yield Reason(f"has {source.type} input with {weights.type} weights", op)
    elif op.code == "FULLY_CONNECTED":
        yield from _tflm_dense_reasons(graph, op, source, weights)


_WEIGHTED_TYPES = frozenset({("FLOAT32", "FLOAT32"), ("INT8", "INT8"), ("INT8", "INT4"), ("INT16", "INT8")})


def _tflm_dense_reasons(graph: Graph, op: Op, source: Tensor, weights: Tensor) -> Iterator[Reason]:
    """Beyond types, TensorFlow Lite Micro's int8 layer refuses what `resolve_dense` does."""
    if (source.type, weights.type) != ("INT8", "INT8") or weights.data is None:
        return
    try:
        resolve_dense(graph, op)
    except UnsupportedError as error:
        yield Reason(str(error), op)

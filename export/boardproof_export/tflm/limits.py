"""Why TensorFlow Lite Micro cannot run a graph: its operators are those of micro_mutable_op_resolver.h, its type rules
those of the kernels' Prepare functions."""

from collections.abc import Iterator

from boardproof_export.aot.limits import Reason, configuration_reasons
from boardproof_export.operators.checks import UnsupportedError
from boardproof_export.operators.fully_connected import resolve
from boardproof_export.shared.model import ABSENT, Graph, Op, Tensor
from boardproof_export.shared.options import DamagedOptionsError

# The builtin operators that micro_mutable_op_resolver.h can register, August 2026.
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
    elif any(len(tensor.shape) != 4 for tensor in (source, weights, *(graph.tensors[o] for o in op.outputs))):
        yield Reason("has tensors that are not of rank 4", op)


_WEIGHTED_TYPES = frozenset({("FLOAT32", "FLOAT32"), ("INT8", "INT8"), ("INT8", "INT4"), ("INT16", "INT8")})


def _tflm_dense_reasons(graph: Graph, op: Op, source: Tensor, weights: Tensor) -> Iterator[Reason]:
    """Beyond types, TensorFlow Lite Micro's int8 layer refuses what `resolve` does, and any layer reads and writes past
    its tensors where the shapes do not fit."""
    if (source.type, weights.type) != ("INT8", "INT8") or weights.data is None:
        bias, outputs = graph.optional(op, 2), [graph.tensors[output] for output in op.outputs]
        if len(outputs) != 1 or not _fits(source, weights, bias, outputs[0]):
            yield Reason("has shapes that do not fit", op)
        return
    try:
        resolve(graph, op)
    except (UnsupportedError, DamagedOptionsError) as error:
        yield Reason(str(error), op)


def _fits(source: Tensor, weights: Tensor, bias: Tensor | None, output: Tensor) -> bool:
    if len(weights.shape) != 2 or 0 in weights.shape:
        return False
    units, depth = weights.shape
    batches, rest = divmod(source.count, depth)
    return rest == 0 and output.count == batches * units and (bias is None or bias.count == units)


_STATEFUL = frozenset({"VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE", "CALL_ONCE", "CIRCULAR_BUFFER"})


def firmware_reasons(graph: Graph) -> Iterator[Reason]:
    """Why firmware with the engine `tflm` cannot run the graph, in the graph's order."""
    if graph.subgraphs != 1:
        yield Reason(f"the model has {graph.subgraphs} subgraphs")
    yield from configuration_reasons(graph)
    yield from tflm_reasons(graph)
    yield from stateful_reasons(graph)
    yield from _unwritten_reasons(graph)


def stateful_reasons(graph: Graph) -> Iterator[Reason]:
    """Operators whose state the engine tflm does not set up: resource variables, and a state of the operator's own.

    Variable tensors (SVDF, LSTM) are no reason: the interpreter's reset clears them.
    """
    for op in graph.ops:
        if op.code in _STATEFUL:
            yield Reason("keeps state that the engine tflm gives its interpreter no room for", op)


def _unwritten_reasons(graph: Graph) -> Iterator[Reason]:
    """What is read before anything has written it: whatever memory holds there."""
    written = set(graph.inputs)

    def nothing(index: int) -> bool:
        tensor = graph.tensors[index]
        constant = tensor.data is not None or tensor.variable or not tensor.count
        return not constant and index not in written

    for op in graph.ops:
        if any(index != ABSENT and nothing(index) for index in op.inputs):
            yield Reason("reads a tensor that nothing has written", op)
        written.update(op.outputs)
    if any(nothing(index) for index in graph.outputs):
        yield Reason("no operator writes the model's output")

"""Which mistake makes an operator compute what a board computed: the usual ones, which the operators' modules state,
tried one after the other with their NumPy references."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boardproof_export.operators.checks import UnsupportedError
from boardproof_export.operators.records import Operator
from boardproof_export.operators.registry import operator_of
from boardproof_export.shared.model import ABSENT, Graph
from boardproof_export.shared.options import DamagedOptionsError

Values = NDArray[Any]


def explain(
    graph: Graph, index: int, read: Sequence[Mapping[int, bytes]], written: Sequence[bytes]
) -> str | None:
    """The mistake that explains every value of an operator's only output, in words that complete "exactly what".

    Args:
        index: the operator's.
        read: for each image what the operator reads, by tensor.
        written: for each image what the board wrote.

    Returns:
        None where none of the usual ones does, or the operator has none, or is not one that the engine aot runs.
    """
    op = graph.ops[index]
    operator = operator_of(op)
    if operator is None or len(op.outputs) != 1:
        return None
    try:
        layer = operator.resolve(graph, op)
    except (UnsupportedError, DamagedOptionsError):
        return None
    mistakes = list(operator.mistakes(layer))
    if not mistakes:
        return None
    sources = [tensor for tensor in op.inputs if tensor != ABSENT and graph.tensors[tensor].data is None]
    inputs = [
        [np.frombuffer(one[tensor], graph.tensors[tensor].type.lower()) for tensor in sources] for one in read
    ]
    pairs = list(zip(inputs, written, strict=True))
    for said, mistaken in mistakes:
        if all(_made(operator, mistaken, values) == output for values, output in pairs):
            return said
    return None


def _made(operator: Operator[Any], layer: Any, values: list[Values]) -> bytes | None:
    try:
        with np.errstate(all="ignore"):
            made = operator.reference(layer, *values)
    except (ValueError, IndexError):  # of a window that lies outside
        return None
    return None if isinstance(made, tuple) else np.ascontiguousarray(made).tobytes()

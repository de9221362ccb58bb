"""Why firmware with the engine `tflm` cannot run a graph."""

from collections.abc import Iterator

from boardproof_export.aot.limits import Reason, configuration_reasons, tflm_reasons
from boardproof_export.shared.model import Graph

_STATEFUL = frozenset({"VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE", "CALL_ONCE", "CIRCULAR_BUFFER"})


def firmware_reasons(graph: Graph) -> Iterator[Reason]:
    """All reasons, in the graph's order."""
    yield from configuration_reasons(graph)
    yield from tflm_reasons(graph)
    yield from stateful_reasons(graph)


def stateful_reasons(graph: Graph) -> Iterator[Reason]:
    """Operators that keep state: a repeated or reordered image would change the next one's output."""
    for op in graph.ops:
        stateful = any(tensor >= 0 and graph.tensors[tensor].variable for tensor in (*op.inputs, *op.outputs))
        if stateful or op.code in _STATEFUL:
            yield Reason("keeps state from one input to the next, which the protocol does not", op)

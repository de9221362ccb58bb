"""A graph as the ahead-of-time engine takes it: every operator resolved to plain, checked numbers, once."""

from dataclasses import dataclass
from typing import Any

from boardproof_export.aot.limits import Reason, configuration_reasons, int8_reasons
from boardproof_export.operators.checks import UnsupportedError
from boardproof_export.operators.records import Operator
from boardproof_export.operators.registry import operator_of
from boardproof_export.shared.model import Graph, Op
from boardproof_export.shared.options import DamagedOptionsError


@dataclass(frozen=True)
class Node:
    """An operator with its layer. `source` and `output` are tensors of the graph."""

    op: Op
    operator: Operator[Any]
    layer: Any
    source: int
    output: int


@dataclass(frozen=True)
class Network:
    """A graph that the engine runs, in execution order."""

    graph: Graph
    nodes: tuple[Node, ...]


def resolve(graph: Graph) -> Network | tuple[Reason, ...]:
    """The network, or every reason why there is none, in the graph's order."""
    reasons = list(configuration_reasons(graph))
    reasons += int8_reasons(graph)
    nodes: list[Node] = []
    written = set(graph.inputs)
    for op in graph.ops:
        answer = _node(graph, op, written)
        if isinstance(answer, Node):
            nodes.append(answer)
        else:
            reasons += answer
        written.update(op.outputs)
    if any(output not in written for output in graph.outputs):
        reasons.append(Reason("no operator writes the model's output"))
    return tuple(reasons) if reasons else Network(graph, tuple(nodes))


def reasons_of(graph: Graph) -> tuple[Reason, ...]:
    """Why the engine cannot run the graph; nothing, if it can."""
    answer = resolve(graph)
    return () if isinstance(answer, Network) else answer


def _node(graph: Graph, op: Op, written: set[int]) -> Node | list[Reason]:
    operator = operator_of(op)
    if operator is None:
        return [Reason("is not an operator that the aot engine has", op)]
    try:
        layer = operator.resolve(graph, op)
    except (UnsupportedError, DamagedOptionsError) as error:
        return [Reason(str(error), op)]
    reasons = list(_tensor_reasons(graph, op, written))
    return reasons or Node(op, operator, layer, op.inputs[0], op.outputs[0])


def _tensor_reasons(graph: Graph, op: Op, written: set[int]) -> list[Reason]:
    reasons = []
    if op.inputs[0] not in written:
        reasons.append(Reason("reads a tensor that nothing has written", op))
    for output in op.outputs:
        tensor = graph.tensors[output]
        if output in written or tensor.data is not None:
            reasons.append(Reason(f"writes tensor {output} ({tensor.name}), which is written already", op))
    if any(graph.tensors[index].variable for index in (op.inputs[0], *op.outputs)):
        reasons.append(Reason("keeps state in a variable tensor", op))
    if any(graph.tensors[index].dynamic for index in (op.inputs[0], *op.outputs)):
        reasons.append(Reason("has an open batch or dimension: convert with a batch of 1", op))
    return reasons

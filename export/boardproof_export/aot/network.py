"""A graph as the ahead-of-time engine takes it: every operator resolved to plain, checked numbers, once.

What is known at export is computed at export.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boardproof_export.aot.limits import Reason, configuration_reasons, size_reasons
from boardproof_export.operators.checks import UnsupportedError
from boardproof_export.operators.records import Operator, State
from boardproof_export.operators.registry import operator_of
from boardproof_export.shared.model import ABSENT, Graph, Op
from boardproof_export.shared.options import DamagedOptionsError

FOLDED_BYTES = 1 << 16  # of a tensor that is computed at export: shapes, not images


@dataclass(frozen=True)
class Node:
    """An operator with its layer. `sources`, which it reads, and `outputs` are tensors of the graph; `states` it keeps.

    Where all that it reads is known, `values` are the outputs' bytes, and nothing is computed on a board.
    """

    op: Op
    operator: Operator[Any]
    layer: Any
    sources: tuple[int, ...]
    outputs: tuple[int, ...]
    states: tuple[State, ...] = ()
    values: tuple[NDArray[np.uint8], ...] | None = None


@dataclass(frozen=True)
class Network:
    """A graph that the engine runs, in execution order. What is computed at export is a constant of `graph`."""

    graph: Graph
    nodes: tuple[Node, ...]

    @property
    def states(self) -> tuple[State, ...]:
        """What it keeps from one inference to the next, each once, in the order of first use."""
        return tuple({state.name: state for node in self.nodes for state in node.states}.values())


def resolve(graph: Graph) -> Network | tuple[Reason, ...]:
    """The network, or every reason why there is none, in the graph's order."""
    reasons = [*configuration_reasons(graph), *_subgraph_reasons(graph)]
    if large := tuple(size_reasons(graph)):
        return (*reasons, *large)
    nodes: list[Node] = []
    written = set(graph.inputs)
    for op in graph.ops:
        answer = _node(graph, op, written)
        if isinstance(answer, Node):
            nodes.append(answer)
            graph = _with_values(graph, answer)
        else:
            reasons += answer
        written.update(op.outputs)
    if any(graph.tensors[index].variable for index in (*graph.inputs, *graph.outputs)):
        reasons.append(Reason("an input or output of the model is a variable tensor"))
    if any(output not in written for output in graph.outputs):
        reasons.append(Reason("no operator writes the model's output"))
    if any(node.values is not None and set(node.outputs) & set(graph.outputs) for node in nodes):
        reasons.append(Reason("the model's output does not depend on its input"))
    if reasons:
        return (*_not_quantized(graph), *reasons)
    return Network(graph, tuple(nodes))


def _subgraph_reasons(graph: Graph) -> Iterator[Reason]:
    """Subgraphs that something else than the start runs: branches, loops."""
    called: set[int] = set()
    for op in graph.ops:
        operator = operator_of(op)
        with suppress(DamagedOptionsError):  # `_node` says so
            called.update(() if operator is None else operator.calls(op))
    if not set(range(1, graph.subgraphs)) <= called:
        yield Reason(f"the model has {graph.subgraphs} subgraphs, and some are not for the start alone")


def _not_quantized(graph: Graph) -> Iterator[Reason]:
    """What explains all other reasons of a float32 network."""
    first = next((graph.tensors[index].type for index in graph.inputs), "")
    if first == "FLOAT32" and not any(tensor.type == "INT8" for tensor in graph.tensors):
        yield Reason("the model's input is FLOAT32, and nothing in it is INT8")


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
        states = () if operator.states is None else operator.states(graph, op)
    except (UnsupportedError, DamagedOptionsError) as error:
        return [Reason(str(error), op)]
    inputs = [index for index in op.inputs if index != ABSENT] if operator.reads else []
    sources = tuple(
        index
        for index in inputs
        if graph.tensors[index].data is None and not (states and graph.tensors[index].variable)
    )
    reasons = list(_tensor_reasons(graph, op, sources, written))
    if reasons:
        return reasons
    node = Node(op, operator, layer, sources, op.outputs, states)
    size = sum(graph.tensors[output].bytes or 0 for output in op.outputs)
    if sources or states or size > FOLDED_BYTES:
        return node if sources or states else [Reason(f"computes {size} bytes that depend on no input", op)]
    if not operator.folds:
        return [Reason("depends on no input", op)]
    return replace(node, values=_values(graph, node, inputs))


def _values(graph: Graph, node: Node, inputs: list[int]) -> tuple[NDArray[np.uint8], ...]:
    """What an operator makes of constants."""
    constants = [graph.tensors[index] for index in inputs]
    given = [tensor.values(tensor.type.lower()).ravel() for tensor in constants]
    made = node.operator.reference(node.layer, *given)
    return tuple(
        np.ascontiguousarray(one).view(np.uint8).ravel()
        for one in (made if isinstance(made, tuple) else (made,))
    )


def _with_values(graph: Graph, node: Node) -> Graph:
    """The graph with what the node computed at export as constants."""
    if node.values is None:
        return graph
    tensors = list(graph.tensors)
    for output, values in zip(node.outputs, node.values, strict=True):
        tensors[output] = replace(tensors[output], data=values)
    return replace(graph, tensors=tuple(tensors))


def _tensor_reasons(graph: Graph, op: Op, sources: tuple[int, ...], written: set[int]) -> Iterator[Reason]:
    if any(source not in written for source in sources):
        yield Reason("reads a tensor that nothing has written", op)
    for output in op.outputs:
        tensor = graph.tensors[output]
        if output in written or tensor.data is not None:
            yield Reason(f"writes tensor {output} ({tensor.name}), which is written already", op)
    if any(graph.tensors[index].variable for index in (*sources, *op.outputs)):
        yield Reason("keeps state in a variable tensor", op)
    if any(graph.tensors[index].dynamic for index in (*sources, *op.outputs)):
        yield Reason("has an open batch or dimension: convert with a batch of 1", op)

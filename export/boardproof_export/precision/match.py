"""Which tensors and operators of a float model and of its quantized one are the same.

The converter keeps the names of tensors, so names come first. What is left is matched in execution order: the first
operator of the same kind that reads the same tensors and gives the same shapes. What cannot be matched is listed, never
guessed.
"""

from dataclasses import dataclass, field
from typing import Literal

from boardproof_export.operators.registry import rescales
from boardproof_export.shared.model import Graph, Op

How = Literal["name", "order", "scale"]


@dataclass(frozen=True)
class Pair:
    """An operator of the quantized model and the one of the float model that computes the same."""

    quantized: Op
    float: Op | None  # None for a change of scale, which the float model does not have
    how: How


@dataclass
class Matches:
    """Both models, side by side."""

    tensors: dict[int, int] = field(default_factory=dict)  # quantized model's index: float model's
    pairs: list[Pair] = field(default_factory=list)  # in the quantized model's order
    unmatched: list[Op] = field(default_factory=list)  # of the quantized model
    unmatched_float: list[Op] = field(default_factory=list)


def match(floating: Graph, quantized: Graph) -> Matches:
    """Matches two graphs whose inputs are the same. Operators over constants alone, which give what a converter could
    have stored, are left out of either side; of those that compute shapes and indices none is missed."""
    found = Matches()
    found.tensors.update(_inputs(floating, quantized))
    left = {op.index: op for op in floating.ops if _computes(floating, op)}
    by_name = _by_output(floating, list(left.values()))
    mine = [op for op in quantized.ops if _computes(quantized, op)]
    named = {}
    for op in mine:
        other = by_name.get(quantized.tensors[op.outputs[0]].name)
        if other is not None and _shapes(floating, other) == _shapes(quantized, op):
            named[op.index] = left.pop(other.index)
    for op in mine:
        if op.index in named:
            _pair(found, op, named[op.index], "name")
        elif rescales(op):
            found.pairs.append(Pair(op, None, "scale"))
            if op.inputs[0] in found.tensors:
                found.tensors[op.outputs[0]] = found.tensors[op.inputs[0]]
        else:
            alike = (
                other
                for other in left.values()
                if other.code == op.code
                and _shapes(floating, other) == _shapes(quantized, op)
                and same_inputs(found, floating, quantized, Pair(op, other, "order"))
            )
            other = next(alike, None)
            if other is not None:
                _pair(found, op, left.pop(other.index), "order")
            elif makes_numbers(quantized, op):
                found.unmatched.append(op)
    rest = (op for op in left.values() if makes_numbers(floating, op) and not rescales(op))
    found.unmatched_float = list(rest)
    return found


def same_inputs(found: Matches, floating: Graph, quantized: Graph, pair: Pair) -> bool:
    """Whether both operators read the same tensors at the same places, one at least; constants and state aside."""
    assert pair.float is not None
    shared = 0
    for position in range(len(pair.float.inputs)):
        mine, theirs = quantized.optional(pair.quantized, position), floating.optional(pair.float, position)
        if (
            mine is None
            or mine.data is not None
            or theirs is None
            or theirs.data is not None
            or mine.variable
        ):
            continue
        if found.tensors.get(mine.index) != theirs.index:
            return False
        shared += 1
    return shared > 0


def _pair(found: Matches, op: Op, other: Op, how: How) -> None:
    found.pairs.append(Pair(op, other, how))
    found.tensors.update(zip(op.outputs, other.outputs, strict=False))


def _inputs(floating: Graph, quantized: Graph) -> dict[int, int]:
    """The models' inputs: by name where all have the same, else in order."""
    named = {floating.tensors[index].name: index for index in floating.inputs}
    names = [quantized.tensors[index].name for index in quantized.inputs]
    if set(names) == set(named):
        return {index: named[name] for index, name in zip(quantized.inputs, names, strict=True)}
    return dict(zip(quantized.inputs, floating.inputs, strict=True))


def makes_numbers(graph: Graph, op: Op) -> bool:
    """Whether its first output is real numbers, floats or steps of a scale, and no shape or index."""
    first = graph.tensors[op.outputs[0]]
    return first.quantization is not None or first.type.startswith("FLOAT")


def _computes(graph: Graph, op: Op) -> bool:
    """Whether it reads anything but constants."""
    read = [graph.optional(op, position) for position in range(len(op.inputs))]
    return bool(op.outputs) and any(tensor is not None and tensor.data is None for tensor in read)


def _by_output(graph: Graph, ops: list[Op]) -> dict[str, Op]:
    """Operators by the name of their first output; a name that several have tells nothing."""
    names = [graph.tensors[op.outputs[0]].name for op in ops]
    return {name: op for name, op in zip(names, ops, strict=True) if name and names.count(name) == 1}


def _shapes(graph: Graph, op: Op) -> list[list[int]]:
    """Of the outputs, but for dimensions of 1: an open batch is one."""
    return [[size for size in graph.tensors[index].shape if size != 1] for index in op.outputs]

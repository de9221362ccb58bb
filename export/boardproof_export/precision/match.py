"""Which tensors and operators of a float model and of its quantized one are the same.

The converter keeps the names of tensors, so names come first; what is left is aligned in execution order, by the kind of
operator and the shape of its output. What cannot be matched is listed, never guessed.
"""

from dataclasses import dataclass, field
from difflib import SequenceMatcher
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
    """Matches two graphs whose inputs are the same.

    Operators over constants alone, which give what a converter could have stored, are left out of either side.
    """
    found = Matches()
    found.tensors.update(_inputs(floating, quantized))
    theirs = [op for op in floating.ops if _computes(floating, op)]
    by_name = _by_output(floating, theirs)
    partners: dict[int, tuple[Op, How]] = {}
    for op in quantized.ops:
        other = by_name.get(quantized.tensors[op.outputs[0]].name) if op.outputs else None
        if other is not None and _shapes(floating, other) == _shapes(quantized, op):
            partners[op.index] = (other, "name")
    taken = {other.index for other, _ in partners.values()}
    mine = [op for op in quantized.ops if _computes(quantized, op)]
    rest = [op for op in mine if op.index not in partners and not rescales(op)]
    left = [op for op in theirs if op.index not in taken]
    for op, other in _in_order(floating, left, quantized, rest):
        partners[op.index] = (other, "order")
        taken.add(other.index)
    for op in mine:
        _settle(found, op, partners.get(op.index))
    found.unmatched_float = [op for op in theirs if op.index not in taken and not rescales(op)]
    return found


def _settle(found: Matches, op: Op, partner: tuple[Op, How] | None) -> None:
    if partner is not None:
        other, how = partner
        found.pairs.append(Pair(op, other, how))
        found.tensors.update(zip(op.outputs, other.outputs, strict=False))
    elif rescales(op):
        found.pairs.append(Pair(op, None, "scale"))
        if op.inputs[0] in found.tensors:
            found.tensors[op.outputs[0]] = found.tensors[op.inputs[0]]
    else:
        found.unmatched.append(op)


def _inputs(floating: Graph, quantized: Graph) -> dict[int, int]:
    """The models' inputs: by name where all have the same, else in order."""
    named = {floating.tensors[index].name: index for index in floating.inputs}
    names = [quantized.tensors[index].name for index in quantized.inputs]
    if set(names) == set(named):
        return {index: named[name] for index, name in zip(quantized.inputs, names, strict=True)}
    return dict(zip(quantized.inputs, floating.inputs, strict=True))


def _computes(graph: Graph, op: Op) -> bool:
    """Whether it reads anything but constants, and writes numbers that an inference decides."""
    read = [graph.optional(op, position) for position in range(len(op.inputs))]
    return bool(op.outputs) and any(tensor is not None and tensor.data is None for tensor in read)


def _by_output(graph: Graph, ops: list[Op]) -> dict[str, Op]:
    """Operators by the name of their first output; a name that several have tells nothing."""
    names = [graph.tensors[op.outputs[0]].name for op in ops]
    return {name: op for name, op in zip(names, ops, strict=True) if name and names.count(name) == 1}


def _shapes(graph: Graph, op: Op) -> list[list[int]]:
    """Of the outputs, but for dimensions of 1: an open batch is one."""
    return [[size for size in graph.tensors[index].shape if size != 1] for index in op.outputs]


def _in_order(floating: Graph, left: list[Op], quantized: Graph, rest: list[Op]) -> list[tuple[Op, Op]]:
    keys = [
        [(op.code, str(_shapes(graph, op))) for op in ops]
        for graph, ops in ((quantized, rest), (floating, left))
    ]
    blocks = SequenceMatcher(None, *keys, autojunk=False).get_matching_blocks()
    return [(rest[one + at], left[other + at]) for one, other, size in blocks for at in range(size)]

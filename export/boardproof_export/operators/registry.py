"""All operators, by builtin code: every module of this package states an OPERATOR, or a family of OPERATORS."""

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from typing import Any

from boardproof_export import operators as room
from boardproof_export.operators.records import Operator
from boardproof_export.shared.model import Graph, Op
from boardproof_export.shared.options import DamagedOptionsError


@cache
def operators() -> Mapping[int, Operator[Any]]:
    """Operators by builtin code."""
    modules = [
        importlib.import_module(f"{room.__name__}.{entry.name}")
        for entry in pkgutil.iter_modules(room.__path__)
    ]
    found: list[Operator[Any]] = []
    for module in modules:
        found += getattr(module, "OPERATORS", ())
        found += [module.OPERATOR] if hasattr(module, "OPERATOR") else []
    return {operator.builtin: operator for operator in found}


def operator_of(op: Op) -> Operator[Any] | None:
    """The operator that `op` is; None where the aot engine has none."""
    return None if op.custom else operators().get(op.builtin)


def activation_of(op: Op) -> str | None:
    """The name of the fused activation, None where the operator has none or is not known."""
    operator = operator_of(op)
    if operator is None or operator.activation is None:
        return None
    try:
        return operator.activation(op.options)
    except DamagedOptionsError:
        return None


def macs(graph: Graph, op: Op) -> int:
    """Multiply-accumulates of one invocation of `op`; 0 for operators that have none or that are not counted."""
    operator = operator_of(op)
    try:
        return 0 if operator is None else operator.macs(graph, op)
    except DamagedOptionsError:
        return 0


def total_macs(graph: Graph) -> int:
    """Multiply-accumulates of one inference."""
    return sum(macs(graph, op) for op in graph.ops)


def constant_bytes(graph: Graph, op: Op) -> int:
    """Bytes of the constants that `op` reads."""
    tensors = (graph.optional(op, position) for position in range(len(op.inputs)))
    return sum(len(tensor.data) for tensor in tensors if tensor is not None and tensor.data is not None)


def rescales(op: Op) -> bool:
    """Whether `op` gives the values that it reads, in another type or scale: no layer of the network's own."""
    return not op.custom and op.code.lower() in ("quantize", "dequantize")

"""Functions of one float32 value whose every bit is defined: NEG, FLOOR, CEIL, ROUND and SQUARE.

TensorFlow Lite Micro has them of no other type. Roots and exponentials of a C library are not among them: those differ.

Sources: micro/kernels/{neg,floor,ceil,round,elementwise}.cc, kernels/internal/reference/round.h.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boardproof_export.operators.checks import UnsupportedError
from boardproof_export.operators.records import Call, Kernel, Operator
from boardproof_export.operators.tables import edges
from boardproof_export.shared.model import Graph, Op

_Values = NDArray[Any]


def resolve(graph: Graph, op: Op) -> int:
    """How many values there are.

    Raises:
        UnsupportedError: with the first reason why not.
    """
    source, output = edges(graph, op)
    if (source.type, output.type) != ("FLOAT32", "FLOAT32"):
        raise UnsupportedError(f"has {source.type} input and {output.type} output; only FLOAT32 runs")
    if source.shape != output.shape:
        raise UnsupportedError(f"makes {list(output.shape)} of {list(source.shape)}")
    return source.count


def _round(values: _Values) -> _Values:
    """To the nearest, ties to even; what is rounded up to 0 is a positive one."""
    below = np.floor(values)
    rest = values - below
    stays = (rest < 0.5) | ((rest == 0.5) & (np.fmod(below, 2) == 0))
    return np.where(stays, below, below + np.float32(1))


def _of_values(function: Callable[[_Values], _Values]) -> Callable[[int, _Values], _Values]:
    def reference(_: int, values: _Values) -> _Values:
        with np.errstate(over="ignore", invalid="ignore"):
            return function(values).astype(np.float32)

    return reference


OPERATORS = tuple(
    Operator(
        name=name,
        resolve=resolve,
        reference=_of_values(function),
        kernels=(Kernel(f"aot_{name}", lambda count: Call((), {"count": count}, 0)),),
        family="real",
        in_place=True,
    )
    for name, function in (
        ("neg", np.negative),
        ("floor", np.floor),
        ("ceil", np.ceil),
        ("round", _round),
        ("square", np.square),
    )
)

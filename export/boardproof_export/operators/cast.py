"""CAST between int8, int16, int32, float32 and bool.

Source: micro/kernels/cast.cc, which converts as C++ does: to fewer bits by leaving out the upper ones, from float32 by
leaving out the fraction, to float32 to the nearest, ties to even. A float32 beyond int32 is undefined there; here it is
cut to int32, and NaN is the least.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boardproof_export.operators.checks import UnsupportedError
from boardproof_export.operators.records import Call, Kernel, Operator
from boardproof_export.operators.tables import edges
from boardproof_export.shared.model import Graph, Op

# By the numbers of their enumerators in cast.h.
_KINDS = {"INT8": 0, "INT16": 1, "INT32": 2, "FLOAT32": 3, "BOOL": 4}
_LEAST, _MOST = -(1 << 31), (1 << 31) - 1


@dataclass(frozen=True)
class Cast:
    """A layer: `count` values of one type to another."""

    count: int
    source: str
    output: str


def resolve(graph: Graph, op: Op) -> Cast:
    """Resolves `op` of `graph`.

    Raises:
        UnsupportedError: with the first reason why not.
    """
    source, output = edges(graph, op)
    if source.type not in _KINDS or output.type not in _KINDS or output.type == "BOOL":
        raise UnsupportedError(f"makes {output.type} of {source.type}")
    return Cast(source.count, source.type, output.type)


def reference(layer: Cast, values: NDArray[Any]) -> NDArray[Any]:
    """The outputs, flat."""
    if layer.output == "FLOAT32":
        return values.astype(np.float32)
    if layer.source == "FLOAT32":
        wide = np.nan_to_num(np.trunc(values.astype(np.float64)), nan=_LEAST)
        values = np.clip(wide, _LEAST, _MOST)
    return values.astype(np.int64).astype(layer.output.lower())


def _pack(layer: Cast) -> Call:
    members = {"count": layer.count, "source": _KINDS[layer.source], "output": _KINDS[layer.output]}
    asserts = (("AOT_CAST_BOOL == 4", "types have the numbers of cast.h"),)
    return Call((), members, 0, asserts)


OPERATOR = Operator(
    name="cast",
    resolve=resolve,
    reference=reference,
    kernels=(Kernel("aot_cast", _pack),),
    describe=lambda layer: f"{layer.source} to {layer.output}",
)

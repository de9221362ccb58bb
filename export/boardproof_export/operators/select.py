"""SELECT_V2: of two tensors, value by value, as a third of bool says; all three are broadcast.

Sources: micro/kernels/select.cc, kernels/internal/reference/select.h.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boardproof_export.operators.checks import UnsupportedError
from boardproof_export.operators.moves import View, merged, positions
from boardproof_export.operators.records import Array, Call, Kernel, Operator
from boardproof_export.shared.model import Graph, Op

LOOPS = 5  # AOT_SELECT_LOOPS in select.h; the rendered code asserts it
_NAMES = ("condition", "first", "second")
_MOST_DIMENSIONS = 5


@dataclass(frozen=True)
class Select:
    """A layer: where the condition, the first and the second input are read, and those that are constants."""

    views: tuple[View, ...] = field(repr=False)  # positions in each, of the output's shape
    constants: tuple[NDArray[Any] | None, ...] = field(repr=False)  # flat
    dtype: np.dtype[Any]


def resolve(graph: Graph, op: Op) -> Select:
    """Resolves `op` of `graph`.

    Raises:
        UnsupportedError: with the first reason why not.
    """
    found = [graph.optional(op, position) for position in range(len(op.inputs))]
    inputs = [tensor for tensor in found if tensor is not None]
    if len(found) != 3 or len(inputs) != 3 or len(op.outputs) != 1:
        raise UnsupportedError(f"has {len(op.inputs)} inputs and {len(op.outputs)} outputs")
    output = graph.tensors[op.outputs[0]]
    kinds = [tensor.type for tensor in (*inputs, output)]
    if kinds[0] != "BOOL" or len(set(kinds[1:])) > 1 or kinds[1] not in ("INT8", "INT16", "FLOAT32"):
        raise UnsupportedError(f"has {', '.join(kinds[:3])} inputs and {kinds[3]} output")
    shapes = [list(tensor.shape) for tensor in inputs]
    try:
        wanted = np.broadcast_shapes(*shapes)
    except ValueError:
        wanted = ()
    single = all(tensor.count == 1 for tensor in (*inputs, output))
    if not (wanted == output.shape or single) or len(output.shape) > _MOST_DIMENSIONS or output.count == 0:
        raise UnsupportedError(f"makes {list(output.shape)} of {', '.join(map(str, shapes))}")
    shape = () if single else output.shape
    return Select(
        views=tuple(
            np.broadcast_to(positions(tensor).reshape(() if single else tensor.shape), shape)
            for tensor in inputs
        ),
        constants=tuple(
            None if tensor.data is None else tensor.values(tensor.type.lower()).ravel() for tensor in inputs
        ),
        dtype=np.dtype(output.type.lower()),
    )


def reference(layer: Select, *values: NDArray[Any]) -> NDArray[Any]:
    """The outputs, flat."""
    computed = iter(values)
    if len(values) == len(layer.constants):
        given = list(values)
    else:
        given = [next(computed) if constant is None else constant for constant in layer.constants]
    condition, first, second = (array[view.ravel()] for array, view in zip(given, layer.views, strict=True))
    return np.where(condition.astype(bool), first, second)


def _pack(layer: Select) -> Call:
    output = np.arange(layer.views[0].size).reshape(layer.views[0].shape)
    loops = merged(*layer.views, output)
    loops = [*[(1, 0, 0, 0, 0)] * (LOOPS - len(loops)), *loops]
    members: dict[str, Any] = {"extents": tuple(loop[0] for loop in loops), "bytes": layer.dtype.itemsize}
    arrays = []
    for at, (name, constant) in enumerate(zip(_NAMES, layer.constants, strict=True)):
        members[f"{name}.strides"] = tuple(loop[1 + at] for loop in loops)
        if constant is not None:
            arrays.append(Array(name, "uint8_t", constant.view(np.uint8)))
            members[f"{name}.constant"] = name
    computed = iter(range(len(_NAMES)))
    sources = tuple(next(computed) if constant is None else 0 for constant in layer.constants)
    asserts = ((f"AOT_SELECT_LOOPS == {LOOPS}", f"a selection has {LOOPS} loops"),)
    return Call(tuple(arrays), members, sum(array.values.nbytes for array in arrays), asserts, sources)


OPERATOR = Operator(
    name="select_v2",
    family="select",
    resolve=resolve,
    reference=reference,
    kernels=(Kernel("aot_select_v2", _pack, descriptor="aot_select_t"),),
    describe=lambda layer: " x ".join(map(str, layer.views[0].shape)),
)

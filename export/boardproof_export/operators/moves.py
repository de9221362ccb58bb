"""Operators that only move values: copies from views of what is read to views of what is written.

A view is a NumPy view of the positions 0 to N - 1 of a tensor: its strides and its first position are all that the C
needs, and taking the positions themselves is the reference. The modules of operators state the views.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boardproof_export.operators.checks import UnsupportedError
from boardproof_export.operators.records import Array, Call, Kernel, Operator
from boardproof_export.shared.model import ABSENT, Graph, Op, Tensor

LOOPS = 5  # AOT_COPY_LOOPS in copy.h; the rendered code asserts it
View = NDArray[np.int64]


@dataclass(frozen=True)
class Copy:
    """Values of an input, by its position among the operator's, to an output."""

    source: int
    view: View = field(repr=False)
    target: View = field(repr=False)  # of the same shape
    output: int = 0


@dataclass(frozen=True)
class Moves:
    """A layer: the copies of an operator. Where they leave gaps, `fill`, the bytes of one value, is written first."""

    computed: tuple[int, ...]  # positions of the inputs that are no constants
    constants: Mapping[int, NDArray[Any]] = field(repr=False)  # by position: flat
    copies: tuple[Copy, ...]
    dtype: np.dtype[Any]
    counts: tuple[int, ...]  # of each output's values
    fill: bytes = b""


def tensors_of(
    graph: Graph, op: Op, *, data: Sequence[int] = (0,), several: bool = False
) -> tuple[list[Tensor], list[Tensor]]:
    """The inputs at the positions `data`, and the output, or several: of one type, all shapes known.

    Raises:
        UnsupportedError: they are not.
    """
    found = [graph.optional(op, position) for position in data]
    inputs = [tensor for tensor in found if tensor is not None]
    outputs = [graph.tensors[index] for index in op.outputs]
    if len(inputs) < len(found) or not (outputs if several else len(outputs) == 1):
        raise UnsupportedError(f"has {len(op.inputs)} inputs and {len(op.outputs)} outputs")
    types = sorted({tensor.type for tensor in (*inputs, *outputs)})
    if len(types) > 1:
        raise UnsupportedError(f"mixes the types {', '.join(types)}")
    if types[0].lower() not in ("int8", "uint8", "int16", "int32", "float32", "bool", "int64"):
        raise UnsupportedError(f"has {types[0]} values")
    return inputs, outputs


def parameter(graph: Graph, op: Op, position: int, what: str) -> NDArray[np.int64]:
    """A constant input of integers, flat.

    Raises:
        UnsupportedError: it is missing, computed, or of another type.
    """
    tensor = graph.optional(op, position)
    if tensor is None or tensor.data is None:
        raise UnsupportedError(f"has {what} that is computed, not constant")
    if tensor.type not in ("INT32", "INT64"):
        raise UnsupportedError(f"has {what} of type {tensor.type}")
    return tensor.values(tensor.type.lower()).ravel().astype(np.int64)


def positions(tensor: Tensor) -> View:
    """A view of the whole tensor."""
    return np.arange(tensor.count, dtype=np.int64).reshape(tensor.shape)


def axis_of(axis: int, rank: int) -> int:
    """A possibly negative axis.

    Raises:
        UnsupportedError: there is none such.
    """
    if not -rank <= axis < rank:
        raise UnsupportedError(f"has axis {axis} of {rank} dimensions")
    return axis % rank


def moves(
    graph: Graph, op: Op, copies: Sequence[Copy], fill: bytes = b"", *, data: Sequence[int] = (0,)
) -> Moves:
    """The layer, where every copy's shapes agree.

    Raises:
        UnsupportedError: they do not, or take more loops than the kernel has.
    """
    inputs, outputs = tensors_of(graph, op, data=data, several=True)
    for copy in copies:
        if copy.view.shape != copy.target.shape:
            shapes = [list(tensor.shape) for tensor in (*inputs, *outputs)]
            raise UnsupportedError(f"has shapes that do not fit: {', '.join(map(str, shapes))}")
        if len(_merged(copy)[0]) > LOOPS:
            raise UnsupportedError(f"moves values in more than {LOOPS} loops")
    used = {copy.source for copy in copies}
    given = {
        position: graph.tensors[op.inputs[position]] for position in data if op.inputs[position] != ABSENT
    }
    return Moves(
        computed=tuple(position for position, tensor in given.items() if tensor.data is None),
        constants={
            position: tensor.values(tensor.type.lower()).ravel()
            for position, tensor in given.items()
            if tensor.data is not None and position in used
        },
        copies=tuple(copy for copy in copies if copy.view.size),
        dtype=np.dtype(outputs[0].type.lower()),
        counts=tuple(output.count for output in outputs),
        fill=fill,
    )


def reference(layer: Moves, *values: NDArray[Any]) -> NDArray[Any] | tuple[NDArray[Any], ...]:
    """The outputs, flat."""
    given = dict(layer.constants)
    if layer.computed:
        given |= dict(zip(layer.computed, values, strict=True))
    filled = np.frombuffer(layer.fill, layer.dtype)[0] if layer.fill else layer.dtype.type(0)
    outputs = tuple(np.full(count, filled, layer.dtype) for count in layer.counts)
    for copy in layer.copies:
        outputs[copy.output][copy.target.ravel()] = given[copy.source][copy.view.ravel()]
    return outputs if len(outputs) > 1 else outputs[0]


def merged(*views: View) -> list[tuple[int, ...]]:
    """Loops over views of one shape, outermost first: the extent and a stride of each, in values.

    Loops that are one in all views are merged.
    """
    loops: list[tuple[int, ...]] = []
    for axis, extent in enumerate(views[0].shape):
        if extent == 1:
            continue
        strides = [view.strides[axis] // view.itemsize for view in views]
        if loops and list(loops[-1][1:]) == [stride * extent for stride in strides]:
            extent *= loops.pop()[0]
        loops.append((extent, *strides))
    return loops


def _merged(copy: Copy) -> tuple[list[int], list[int], list[int], int]:
    """Extents and strides of the loops, and how many values lie side by side, all in values."""
    loops, run = merged(copy.view, copy.target), 1
    if loops and loops[-1][1:] == (1, 1):
        run = loops.pop()[0]
    extents, sources, targets = ([loop[part] for loop in loops] for part in range(3))
    return extents, sources, targets, run


def pack(layer: Moves) -> tuple[Call, ...]:
    """A call a copy; the first one into each output fills it, where it is filled."""
    filled: set[int] = set()
    calls = []
    for copy in layer.copies or (_nothing(),):
        calls.append(_call(layer, copy, fills=bool(layer.fill) and copy.output not in filled))
        filled.add(copy.output)
    return tuple(calls)


def _nothing() -> Copy:
    """A copy of no values, so that an output that is padding alone is filled."""
    empty = np.zeros((0,), np.int64)
    return Copy(0, empty, empty)


def _call(layer: Moves, copy: Copy, *, fills: bool) -> Call:
    size = layer.dtype.itemsize
    extents, sources, targets, run = _merged(copy) if copy.view.size else ([], [], [], 0)
    pad = LOOPS - len(extents)
    members: dict[str, Any] = {
        "extents": (*(1,) * pad, *extents),
        "source_strides": (*(0,) * pad, *(stride * size for stride in sources)),
        "output_strides": (*(0,) * pad, *(stride * size for stride in targets)),
        "source_offset": int(copy.view.flat[0]) * size if copy.view.size else 0,
        "output_offset": int(copy.target.flat[0]) * size if copy.view.size else 0,
        "run": run * size,
        "fill_count": layer.counts[copy.output] if fills else 0,
        "fill_bytes": size if fills else 0,
        "fill": (*layer.fill.ljust(8, b"\0"),) if fills else (0,) * 8,
    }
    asserts = ((f"AOT_COPY_LOOPS == {LOOPS}", f"a copy has {LOOPS} loops"),)
    outputs = (copy.output,)
    if copy.source in layer.computed or not copy.view.size:
        source = (layer.computed.index(copy.source),) if copy.view.size else (0,)
        return Call((), members, 0, asserts, source, outputs)
    data = layer.constants[copy.source].astype(layer.dtype).view(np.uint8)
    array = Array("constant", "uint8_t", data)
    return Call(
        (array,), members | {"constant": array.name}, data.nbytes, asserts, (), outputs, "aot_copy_constant"
    )


_KERNELS = (Kernel[Moves]("aot_copy", pack),)


def operators(
    family: str, resolvers: Mapping[str, Callable[[Graph, Op], Moves]]
) -> tuple[Operator[Moves], ...]:
    """The operators of a family, by name with what resolves each."""
    return tuple(
        Operator(name, resolve, reference, _KERNELS, family=family, c_module="copy")
        for name, resolve in resolvers.items()
    )

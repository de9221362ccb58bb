"""Operators of two values with broadcasting: ADD, SUB, MUL, SQUARED_DIFFERENCE, MAXIMUM, MINIMUM and PRELU of int8, the
comparisons EQUAL, NOT_EQUAL, GREATER, GREATER_EQUAL, LESS and LESS_EQUAL, and LOGICAL_AND and LOGICAL_OR of bool.

Sources: micro/kernels/{add,sub,mul,prelu,logical}_common.cc, squared_difference.cc, maximum_minimum.cc, comparisons.cc,
and kernels/internal/reference/. Whole numbers (int32) are computed at export alone: they are shapes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tflite.BuiltinOptions import BuiltinOptions

from boardproof_export.model import fixed_point
from boardproof_export.operators import checks
from boardproof_export.operators.checks import UnsupportedError, scale_of, small_scale_of
from boardproof_export.operators.moves import View, merged, positions
from boardproof_export.operators.records import Array, Call, Kernel, Operator
from boardproof_export.shared.model import Graph, Op, Tensor
from boardproof_export.shared.options import Options

LOOPS = 5  # AOT_BINARY_LOOPS in binary.h; the rendered code asserts it
_MOST_DIMENSIONS = 6
_COMPARISONS = ("equal", "not_equal", "greater", "greater_equal", "less", "less_equal")
_LOGICAL = ("logical_and", "logical_or")
_Wide = NDArray[np.int64]
Scale = tuple[int, int]  # multiplier and shift


@dataclass(frozen=True)
class Binary:
    """A layer: what is computed of each pair of values."""

    kind: str  # the schema's name, in lower case
    views: tuple[View, View] = field(repr=False)  # positions in both inputs, of the output's shape
    output: np.dtype[Any]
    constant: NDArray[Any] | None = field(default=None, repr=False)  # one of the inputs, flat
    constant_at: int | None = None  # which
    zero_points: tuple[int, int, int] = (0, 0, 0)  # of both inputs and the output
    scales: tuple[Scale, Scale, Scale] = ((0, 0), (0, 0), (0, 0))  # of both inputs, and to the output
    left_shift: int = 0
    clamp: tuple[int, int] = (-128, 127)


def _resolve(kind: str, graph: Graph, op: Op) -> Binary:
    inputs = [graph.optional(op, position) for position in range(len(op.inputs))]
    if len(inputs) != 2 or None in inputs or len(op.outputs) != 1:
        raise UnsupportedError(f"has {len(op.inputs)} inputs and {len(op.outputs)} outputs")
    first, second = (tensor for tensor in inputs if tensor is not None)
    output = graph.tensors[op.outputs[0]]
    types = (first.type, second.type, output.type)
    known = first.data is not None and second.data is not None
    if types not in _types(kind) and not (known and types in _types(kind, "INT32")):
        wanted = " or ".join(sorted({one[0] for one in _types(kind)}))
        raise UnsupportedError(
            f"has {first.type} and {second.type} input and {output.type} output; only {wanted} runs"
        )
    shapes = (first.shape, second.shape)
    try:
        fits = np.broadcast_shapes(*shapes) == output.shape and len(output.shape) <= _MOST_DIMENSIONS
    except ValueError:
        fits = False
    if not fits:
        raise UnsupportedError(f"makes {list(output.shape)} of {list(first.shape)} and {list(second.shape)}")
    views = (
        np.broadcast_to(positions(first), output.shape),
        np.broadcast_to(positions(second), output.shape),
    )
    if types[0] == "INT32":
        return Binary(kind, views, np.dtype(output.type.lower()))
    constants = [at for at, tensor in enumerate((first, second)) if tensor.data is not None]
    at = constants[0] if len(constants) == 1 else None
    constant = None if at is None else (first, second)[at].values(first.type.lower()).ravel()
    numbers = _numbers(kind, op, first, second, output)
    layer = Binary(kind, views, np.dtype(output.type.lower()), constant, at, **numbers)
    if len(merged(*views, positions(output))) > LOOPS:
        raise UnsupportedError(f"repeats its inputs in more than {LOOPS} loops")
    return layer


def _numbers(kind: str, op: Op, first: Tensor, second: Tensor, output: Tensor) -> dict[str, Any]:
    """Zero points, scales and the clamp."""
    if kind in ("maximum", "minimum") or first.type == "BOOL":
        return {}
    if kind in _COMPARISONS:
        pairs = [checks.per_tensor(tensor, "input") for tensor in (first, second)]
        scales = tuple(small_scale_of(float(scale)) for scale, _ in pairs)
        points = tuple(point for _, point in pairs)
        return {"zero_points": (*points, 0), "scales": (*scales, (0, 0)), "left_shift": 8}
    pairs = [
        checks.per_tensor(tensor, what)
        for tensor, what in ((first, "input"), (second, "input"), (output, "output"))
    ]
    one, two, out = (np.float32(scale) for scale, _ in pairs)
    numbers: dict[str, Any] = {"zero_points": tuple(point for _, point in pairs)}
    if kind in _OPTIONS:
        options_kind, activation = _OPTIONS[kind]
        fused = checks.activation(checks.options_of(op, options_kind), activation)
        numbers["clamp"] = checks.clamp(fused, out, pairs[2][1])
    if kind == "mul":
        return numbers | {"scales": ((0, 0), (0, 0), scale_of(float(one) * float(two) / float(out)))}
    if kind == "prelu":  # of values from 0 up, none, and of those below
        below = scale_of(float(one) * float(two) / float(out))
        return numbers | {"scales": (scale_of(float(one) / float(out)), (0, 0), below)}
    shift = 7 if kind == "squared_difference" else 20
    twice = 2 * float(max(one, two))
    parts = [float(scale) / twice for scale in (one, two)]
    to_output = twice / ((1 << shift) * float(out))
    if kind == "squared_difference":
        to_output = twice * twice / ((1 << 2 * shift) * float(out))
        last = scale_of(to_output)
    else:
        last = small_scale_of(to_output)
    return numbers | {
        "left_shift": shift,
        "scales": (small_scale_of(parts[0]), small_scale_of(parts[1]), last),
    }


def _types(kind: str, whole: str = "INT8") -> set[tuple[str, str, str]]:
    """The types of inputs and output that the kernels take, or whole numbers of another type."""
    if kind in _COMPARISONS:
        boolean = {("BOOL",) * 3} if kind in ("equal", "not_equal") else set()
        return {(whole, whole, "BOOL")} | boolean
    return {(("BOOL",) if kind in _LOGICAL else (whole,)) * 3}


def reference(layer: Binary, *values: NDArray[Any]) -> NDArray[Any]:
    """The outputs, flat."""
    given = list(values)
    if layer.constant_at is not None and layer.constant is not None and len(given) == 1:
        given.insert(layer.constant_at, layer.constant)
    if len(given) == 1:  # one tensor on both sides
        given *= 2
    first, second = (
        array[view.ravel()].astype(np.int64) for array, view in zip(given, layer.views, strict=True)
    )
    plain = _PLAIN[layer.kind]
    if given[0].dtype == np.int32:
        return fixed_point.wrap(plain(first, second)).astype(layer.output)
    if layer.kind in ("maximum", "minimum") or given[0].dtype == np.bool_:
        return plain(first, second).astype(layer.output)
    first, second = first - layer.zero_points[0], second - layer.zero_points[1]
    if layer.kind == "prelu":
        found = np.where(
            first >= 0,
            fixed_point.rescale(first, layer.scales[0]),
            fixed_point.rescale(first * second, layer.scales[2]),
        )
        return _clipped(layer, found)
    if layer.left_shift:
        first = fixed_point.rescale(first << layer.left_shift, layer.scales[0])
        second = fixed_point.rescale(second << layer.left_shift, layer.scales[1])
    if layer.kind in _COMPARISONS:
        return plain(first, second).astype(layer.output)
    return _clipped(layer, fixed_point.rescale(plain(first, second), layer.scales[2]))


def _clipped(layer: Binary, values: _Wide) -> NDArray[np.int8]:
    return np.clip(fixed_point.wrap(values + layer.zero_points[2]), *layer.clamp).astype(np.int8)


def _squared(first: _Wide, second: _Wide) -> _Wide:
    return (first - second) * (first - second)


_PLAIN: Mapping[str, Callable[[_Wide, _Wide], NDArray[Any]]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "squared_difference": _squared,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "prelu": lambda first, second: np.where(first >= 0, first, first * second),
    **{name: getattr(np, name) for name in (*_COMPARISONS, *_LOGICAL)},
}
# The options of those with a fused activation, and its field.
_OPTIONS = {
    "add": (BuiltinOptions.AddOptions, 0),
    "sub": (BuiltinOptions.SubOptions, 0),
    "mul": (BuiltinOptions.MulOptions, 0),
}


def _pack(layer: Binary) -> Call:
    loops = merged(*layer.views, np.arange(layer.views[0].size).reshape(layer.views[0].shape))
    loops = [*[(1, 0, 0, 0)] * (LOOPS - len(loops)), *loops]
    scales = list(zip(*layer.scales, strict=True))
    members: dict[str, Any] = {
        "extents": tuple(loop[0] for loop in loops),
        "first_strides": tuple(loop[1] for loop in loops),
        "second_strides": tuple(loop[2] for loop in loops),
        "zero_points": layer.zero_points,
        "multipliers": tuple(scales[0]),
        "right_shifts": tuple(-shift for shift in scales[1]),
        "left_shift": layer.left_shift,
        "least": layer.clamp[0],
        "most": layer.clamp[1],
    }
    asserts = ((f"AOT_BINARY_LOOPS == {LOOPS}", f"a call has {LOOPS} loops"),)
    if layer.constant is None:
        return Call((), members, 0, asserts)
    array = Array("constant", "int8_t", layer.constant.view(np.int8))
    which = "first" if layer.constant_at == 0 else "second"
    function = f"aot_{layer.kind}_constant"
    return Call((array,), members | {which: array.name}, layer.constant.nbytes, asserts, function=function)


def _fused(kind: str) -> Callable[[Options], str] | None:
    return (lambda options: checks.activation_name(options, 0)) if kind in _OPTIONS else None


def _operator(name: str) -> Operator[Any]:
    return Operator(
        name=name,
        resolve=lambda graph, op: _resolve(name, graph, op),
        reference=reference,
        kernels=(Kernel[Any](f"aot_{name}", _pack),),
        family="binary",
        activation=_fused(name),
        describe=lambda layer: " x ".join(map(str, layer.views[0].shape)),
    )


OPERATORS = tuple(map(_operator, _PLAIN))

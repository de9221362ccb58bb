"""SLICE, STRIDED_SLICE, SPLIT, SPLIT_V, UNPACK, TRANSPOSE and REVERSE_V2: parts of a tensor, or another order of it.

Sources: micro/kernels/slice.cc, strided_slice_common.cc, kernels/internal/strided_slice_logic.h, split.cc, split_v.cc,
unpack.cc, transpose_common.cc, reverse.cc.
"""

from itertools import pairwise

import numpy as np
from tflite.BuiltinOptions import BuiltinOptions

from boardproof_export.operators import checks
from boardproof_export.operators.checks import UnsupportedError
from boardproof_export.operators.moves import (
    Copy,
    Moves,
    axis_of,
    moves,
    operators,
    parameter,
    positions,
    tensors_of,
)
from boardproof_export.shared.model import Graph, Op

_MOST_DIMENSIONS = 4  # of a STRIDED_SLICE in TensorFlow Lite Micro
_BEGIN, _END, _ELLIPSIS, _NEW_AXIS, _SHRINK = range(5)  # fields of StridedSliceOptions
_AXIS = 1  # field of UnpackOptions


def slice_(graph: Graph, op: Op) -> Moves:
    """SLICE: `begin` and `size`, -1 being all that is left."""
    (source,), (output,) = tensors_of(graph, op)
    begin, size = (parameter(graph, op, at, what) for at, what in ((1, "a begin"), (2, "a size")))
    if not len(begin) == len(size) == len(source.shape):
        raise UnsupportedError(f"begins at {begin.tolist()} in {list(source.shape)}")
    ends = [
        start + (extent - start if count == -1 else count)
        for start, count, extent in zip(begin.tolist(), size.tolist(), source.shape, strict=True)
    ]
    if any(
        not 0 <= start <= end <= extent for start, end, extent in zip(begin, ends, source.shape, strict=True)
    ):
        raise UnsupportedError(f"takes {size.tolist()} from {begin.tolist()} in {list(source.shape)}")
    part = positions(source)[tuple(slice(int(a), int(b)) for a, b in zip(begin, ends, strict=True))]
    return moves(graph, op, [Copy(0, part, positions(output))])


def strided_slice(graph: Graph, op: Op) -> Moves:
    """STRIDED_SLICE with masks for begin, end and dropped dimensions."""
    (source,), (output,) = tensors_of(graph, op)
    begin, end, strides = (
        parameter(graph, op, at, what) for at, what in ((1, "a begin"), (2, "an end"), (3, "strides"))
    )
    rank = len(source.shape)
    if not len(begin) == len(end) == len(strides) == rank or rank > _MOST_DIMENSIONS:
        raise UnsupportedError(f"slices {len(begin)} of {rank} dimensions")
    options = checks.options_of(op, BuiltinOptions.StridedSliceOptions)
    if options.int32(_ELLIPSIS) or options.int32(_NEW_AXIS):
        raise UnsupportedError("has an ellipsis or new dimensions, which TensorFlow Lite Micro ignores")
    masks = [options.int32(field) for field in (_BEGIN, _END, _SHRINK)]
    view = positions(source)
    for axis in range(rank):
        if not strides[axis]:
            raise UnsupportedError("has a stride of 0")
        bit = 1 << axis
        which = [bool(mask & bit) for mask in masks]
        picked = _picked(source.shape[axis], int(begin[axis]), int(end[axis]), int(strides[axis]), which)
        view = view[(slice(None),) * axis + (picked,)]
    shrunk = tuple(0 if masks[2] >> axis & 1 else slice(None) for axis in range(rank))
    return moves(graph, op, [Copy(0, view[shrunk], positions(output))])


def _picked(extent: int, begin: int, end: int, stride: int, masks: list[bool]) -> slice:
    """What of a dimension is taken, as a slice of Python."""
    masked_begin, masked_end, shrinks = masks
    low, high = (0, extent) if stride > 0 else (-1, extent - 1)
    start = (low if stride > 0 else high) if masked_begin else begin + (extent if begin < 0 else 0)
    start = min(max(start, max(low, 0) if stride > 0 else low), high)
    if shrinks:
        if not 0 <= start < extent:
            raise UnsupportedError(f"takes position {begin} of {extent}")
        return slice(start, start + 1)
    stop = (high if stride > 0 else low) if masked_end else end + (extent if end < 0 else 0)
    stop = min(max(stop, low), high)
    return slice(start, None if stop < 0 else stop, stride)


def _parts(graph: Graph, op: Op, data: int, axis: int, sizes: list[int]) -> Moves:
    """Outputs side by side along an axis of the input at `data`."""
    (source,), outputs = tensors_of(graph, op, data=(data,), several=True)
    axis = axis_of(axis, len(source.shape))
    if sum(sizes) != source.shape[axis] or len(sizes) != len(outputs):
        raise UnsupportedError(f"splits {list(source.shape)} into {len(outputs)} along axis {axis}")
    view, copies, start = positions(source), [], 0
    for number, (size, output) in enumerate(zip(sizes, outputs, strict=True)):
        part = view[(slice(None),) * axis + (slice(start, start + size),)]
        copies.append(Copy(data, part, positions(output), number))
        start += size
    return moves(graph, op, copies, data=(data,))


def split(graph: Graph, op: Op) -> Moves:
    """SPLIT: equal parts. Inputs are the axis and the tensor."""
    (source,), outputs = tensors_of(graph, op, data=(1,), several=True)
    axis = int(parameter(graph, op, 0, "an axis")[0])
    extent = source.shape[axis_of(axis, len(source.shape))]
    if extent % len(outputs):
        raise UnsupportedError(f"splits {extent} into {len(outputs)}")
    return _parts(graph, op, 1, axis, [extent // len(outputs)] * len(outputs))


def split_v(graph: Graph, op: Op) -> Moves:
    """SPLIT_V: parts of given sizes. Inputs are the tensor, sizes and the axis."""
    (source,), outputs = tensors_of(graph, op, several=True)
    axis = axis_of(int(parameter(graph, op, 2, "an axis")[0]), len(source.shape))
    if any(len(output.shape) != len(source.shape) for output in outputs):
        raise UnsupportedError(f"splits {list(source.shape)} into parts of other dimensions")
    return _parts(graph, op, 0, axis, [output.shape[axis] for output in outputs])


def unpack(graph: Graph, op: Op) -> Moves:
    """UNPACK: one output a position along an axis."""
    (source,), outputs = tensors_of(graph, op, several=True)
    options = checks.options_of(op, BuiltinOptions.UnpackOptions)
    axis = axis_of(options.int32(_AXIS), len(source.shape))
    if source.shape[axis] != len(outputs):
        raise UnsupportedError(f"unpacks {list(source.shape)} into {len(outputs)}")
    view = np.moveaxis(positions(source), axis, 0)
    copies = [Copy(0, view[number], positions(output), number) for number, output in enumerate(outputs)]
    return moves(graph, op, copies)


def transpose(graph: Graph, op: Op) -> Moves:
    """TRANSPOSE by a constant permutation."""
    (source,), (output,) = tensors_of(graph, op)
    order = parameter(graph, op, 1, "a permutation").tolist()
    if sorted(order) != list(range(len(source.shape))):
        raise UnsupportedError(f"permutes {list(source.shape)} by {order}")
    return moves(graph, op, [Copy(0, positions(source).transpose(order), positions(output))])


def reverse_v2(graph: Graph, op: Op) -> Moves:
    """REVERSE_V2 along constant axes that lie side by side."""
    (source,), (output,) = tensors_of(graph, op)
    axes = sorted(axis_of(axis, len(source.shape)) for axis in parameter(graph, op, 1, "axes").tolist())
    if any(after != before + 1 for before, after in pairwise(axes)):
        raise UnsupportedError(f"reverses the axes {axes}, which do not follow one another")
    return moves(graph, op, [Copy(0, np.flip(positions(source), tuple(axes)), positions(output))])


OPERATORS = operators(
    "slices",
    {
        "slice": slice_,
        "strided_slice": strided_slice,
        "split": split,
        "split_v": split_v,
        "unpack": unpack,
        "transpose": transpose,
        "reverse_v2": reverse_v2,
    },
)

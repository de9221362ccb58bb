"""CONCATENATION, PACK, PAD, PADV2, MIRROR_PAD, BROADCAST_TO, FILL, SPACE_TO_DEPTH and DEPTH_TO_SPACE.

Sources: micro/kernels/concatenation.cc, pack.cc, pad_common.cc, mirror_pad.cc, broadcast_to.cc, fill.cc,
space_to_depth.cc, depth_to_space.cc.
"""

import itertools

import numpy as np
from tflite.BuiltinOptions import BuiltinOptions

from boardproof_export.operators import checks
from boardproof_export.operators.checks import UnsupportedError
from boardproof_export.operators.moves import (
    Copy,
    Moves,
    View,
    axis_of,
    moves,
    operators,
    parameter,
    positions,
    tensors_of,
)
from boardproof_export.shared.model import Graph, Op, Tensor

_MOST_INPUTS = 10  # of a CONCATENATION in TensorFlow Lite Micro
_MOST_DIMENSIONS = 5  # of a BROADCAST_TO there


def same_steps(one: Tensor, other: Tensor) -> None:
    """Values mean the same on both sides.

    Raises:
        UnsupportedError: they are int8 and have another scale or zero point.
    """
    if one.type != "INT8":
        return
    pairs = [checks.per_tensor(tensor, what) for tensor, what in ((one, "input"), (other, "output"))]
    if pairs[0] != pairs[1]:
        raise UnsupportedError("has inputs of another scale or zero point than the output")


def concatenation(graph: Graph, op: Op) -> Moves:
    """CONCATENATION along an axis."""
    data = tuple(range(len(op.inputs)))
    inputs, (output,) = tensors_of(graph, op, data=data)
    options = checks.options_of(op, BuiltinOptions.ConcatenationOptions)
    if options.int8(1) or len(inputs) > _MOST_INPUTS or output.type == "UINT8":
        raise UnsupportedError("has a fused activation, more than 10 inputs, or UINT8 values")
    axis = axis_of(options.int32(0), len(output.shape))
    copies, start = [], 0
    for number, tensor in enumerate(inputs):
        same_steps(tensor, output)
        if len(tensor.shape) != len(output.shape):
            raise UnsupportedError(f"joins {list(tensor.shape)} to {list(output.shape)}")
        part = (slice(None),) * axis + (slice(start, start + tensor.shape[axis]),)
        copies.append(Copy(number, positions(tensor), positions(output)[part]))
        start += tensor.shape[axis]
    if start != output.shape[axis]:
        raise UnsupportedError(f"joins {start} to {list(output.shape)} along axis {axis}")
    return moves(graph, op, copies, data=data)


def pack(graph: Graph, op: Op) -> Moves:
    """PACK: a new axis, a position an input."""
    data = tuple(range(len(op.inputs)))
    inputs, (output,) = tensors_of(graph, op, data=data)
    options = checks.options_of(op, BuiltinOptions.PackOptions)
    axis = axis_of(options.int32(1), len(output.shape))
    if output.shape[axis] != len(inputs) or output.type in ("UINT8", "BOOL"):
        raise UnsupportedError(f"packs {len(inputs)} inputs into {output.type} {list(output.shape)}")
    view = np.moveaxis(positions(output), axis, 0)
    copies = [Copy(number, positions(tensor), view[number]) for number, tensor in enumerate(inputs)]
    return moves(graph, op, copies, data=data)


def _paddings(graph: Graph, op: Op, source: Tensor, output: Tensor) -> list[tuple[int, int]]:
    """Before and after, a dimension; the output has as many more values."""
    values = parameter(graph, op, 1, "paddings")
    if len(values) != 2 * len(source.shape) or (values < 0).any():
        raise UnsupportedError(f"pads {list(source.shape)} by {values.tolist()}")
    pairs = [(int(before), int(after)) for before, after in values.reshape(-1, 2)]
    if output.shape != tuple(sum(pair) + extent for pair, extent in zip(pairs, source.shape, strict=True)):
        raise UnsupportedError(f"makes {list(output.shape)} of {list(source.shape)}")
    return pairs


def pad(graph: Graph, op: Op) -> Moves:
    """PAD and PADV2: with zeros, or a constant."""
    (source,), (output,) = tensors_of(graph, op)
    if output.type not in ("INT8", "INT16", "INT32", "FLOAT32"):
        raise UnsupportedError(f"pads {output.type} values")
    paddings = _paddings(graph, op, source, output)
    inside = tuple(
        slice(before, before + extent) for (before, _), extent in zip(paddings, source.shape, strict=True)
    )
    copy = Copy(0, positions(source), positions(output)[inside])
    return moves(graph, op, [copy], _fill(graph, op, output))


def _fill(graph: Graph, op: Op, output: Tensor) -> bytes:
    dtype = np.dtype(output.type.lower())
    value = graph.optional(op, 2)
    if value is None:
        zero = checks.per_tensor(output, "output")[1] if output.type == "INT8" else 0
        return np.array(zero, dtype).tobytes()
    if value.data is None or value.type != output.type or value.count != 1:
        raise UnsupportedError("pads with what is no constant of the tensor's type")
    if output.type == "INT8":
        same_steps(value, output)
    return value.values(dtype).tobytes()


def mirror_pad(graph: Graph, op: Op) -> Moves:
    """MIRROR_PAD, the edge with (SYMMETRIC) or without itself (REFLECT)."""
    (source,), (output,) = tensors_of(graph, op)
    if output.type not in ("INT8", "FLOAT32"):
        raise UnsupportedError(f"pads {output.type} values")
    skip = 0 if checks.options_of(op, BuiltinOptions.MirrorPadOptions).int8(0) == 1 else 1
    parts = []
    for (before, after), extent in zip(_paddings(graph, op, source, output), source.shape, strict=True):
        if max(before, after) > extent - skip:
            raise UnsupportedError(f"pads {extent} values by {max(before, after)}")
        reversed_before = slice(before - 1 + skip, None if skip == 0 else 0, -1)
        first_after = extent - 1 - skip
        stop = first_after - after
        parts.append(
            [
                (reversed_before, slice(0, before)),
                (slice(0, extent), slice(before, before + extent)),
                (
                    slice(first_after, None if stop < 0 else stop, -1),
                    slice(before + extent, before + extent + after),
                ),
            ]
        )
    copies = []
    for chosen in itertools.product(*parts):
        view = positions(source)[tuple(one for one, _ in chosen)]
        target = positions(output)[tuple(other for _, other in chosen)]
        if target.size:
            copies.append(Copy(0, view, target))
    return moves(graph, op, copies)


def broadcast_to(graph: Graph, op: Op) -> Moves:
    """BROADCAST_TO a constant shape."""
    (source,), (output,) = tensors_of(graph, op)
    wanted = parameter(graph, op, 1, "a shape").tolist()
    if list(output.shape) != wanted or len(wanted) > _MOST_DIMENSIONS:
        raise UnsupportedError(f"makes {list(output.shape)} for a shape of {wanted}")
    try:
        view = np.broadcast_to(positions(source), output.shape)
    except ValueError as error:
        raise UnsupportedError(f"makes {list(output.shape)} of {list(source.shape)}") from error
    return moves(graph, op, [Copy(0, view, positions(output))])


def fill(graph: Graph, op: Op) -> Moves:
    """FILL: a constant shape of one value."""
    (value,), (output,) = tensors_of(graph, op, data=(1,))
    wanted = parameter(graph, op, 0, "a shape").tolist()
    if output.type not in ("INT8", "INT32", "FLOAT32") or value.shape != () or list(output.shape) != wanted:
        raise UnsupportedError(f"makes {output.type} {list(output.shape)} of {list(value.shape)}")
    view = np.broadcast_to(positions(value), output.shape)
    return moves(graph, op, [Copy(1, view, positions(output))], data=(1,))


def _blocks(image: Tensor, block: int) -> View:
    """An image (batches, height, width, channels) as (batches, rows, columns, block, block, channels)."""
    batches, height, width, channels = image.shape
    view = positions(image).reshape(batches, height // block, block, width // block, block, channels)
    return view.transpose(0, 1, 3, 2, 4, 5)


def _block_size(op: Op, kind: int, image: Tensor, deep: Tensor) -> int:
    block = checks.options_of(op, kind).int32(0)
    if block < 1 or len(image.shape) != 4 or len(deep.shape) != 4 or image.type not in ("INT8", "FLOAT32"):
        raise UnsupportedError(f"has blocks of {block} of {image.type} {list(image.shape)}")
    batches, height, width, channels = image.shape
    wanted = (batches, height // block, width // block, channels * block * block)
    if height % block or width % block or deep.shape != wanted:
        raise UnsupportedError(f"has {list(image.shape)} and {list(deep.shape)} in blocks of {block}")
    return block


def space_to_depth(graph: Graph, op: Op) -> Moves:
    """SPACE_TO_DEPTH: blocks of pixels become channels."""
    (source,), (output,) = tensors_of(graph, op)
    view = _blocks(source, _block_size(op, BuiltinOptions.SpaceToDepthOptions, source, output))
    return moves(graph, op, [Copy(0, view, positions(output).reshape(view.shape))])


def depth_to_space(graph: Graph, op: Op) -> Moves:
    """DEPTH_TO_SPACE: the reverse."""
    (source,), (output,) = tensors_of(graph, op)
    view = _blocks(output, _block_size(op, BuiltinOptions.DepthToSpaceOptions, output, source))
    return moves(graph, op, [Copy(0, positions(source).reshape(view.shape), view)])


OPERATORS = operators(
    "joins",
    {
        "concatenation": concatenation,
        "pack": pack,
        "pad": pad,
        "padv2": pad,
        "mirror_pad": mirror_pad,
        "broadcast_to": broadcast_to,
        "fill": fill,
        "space_to_depth": space_to_depth,
        "depth_to_space": depth_to_space,
    },
)

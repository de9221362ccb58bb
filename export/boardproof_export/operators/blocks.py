"""SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND: an image as a batch of every n-th row and column, and back; around
convolutions, older converters write dilation so.

Sources: micro/kernels/space_to_batch_nd.cc, batch_to_space_nd.cc, kernels/internal/reference/ of the same names. A copy
each position of a block. Scales do not enter.
"""

from collections.abc import Sequence

import numpy as np

from boardproof_export.operators.checks import UnsupportedError
from boardproof_export.operators.moves import (
    Copy,
    Moves,
    View,
    moves,
    operators,
    parameter,
    positions,
    tensors_of,
)
from boardproof_export.shared.model import Graph, Op, Tensor


def _view(tensor: Tensor) -> View:
    """(batches, rows, columns, channels); three dimensions have one column."""
    view = positions(tensor)
    return view[:, :, None] if view.ndim == 3 else view


def _parameters(graph: Graph, op: Op, what: str) -> tuple[list[int], list[tuple[int, int]]]:
    """Block and borders, a number and a pair for rows and for columns."""
    (source,), (output,) = tensors_of(graph, op)
    if len(source.shape) not in (3, 4) or len(output.shape) != len(source.shape):
        raise UnsupportedError(f"makes {list(output.shape)} of {list(source.shape)}")
    if source.type not in ("INT8", "FLOAT32"):
        raise UnsupportedError(f"has {source.type} input; only INT8 and FLOAT32 run")
    block, borders = (parameter(graph, op, at, name).tolist() for at, name in ((1, "a block"), (2, what)))
    if len(block) != len(source.shape) - 2 or len(borders) != 2 * len(block):
        raise UnsupportedError(f"has a block of {block} and {what} of {borders} for {list(source.shape)}")
    if min(block) < 1 or min(borders) < 0:
        raise UnsupportedError(f"has a block of {block} and {what} of {borders}")
    pairs = list(zip(borders[::2], borders[1::2], strict=True))
    return [*block, 1][:2], [*pairs, (0, 0)][:2]


def _parts(image: View, batch: View, block: Sequence[int], first: Sequence[int]) -> list[tuple[View, View]]:
    """What lies in both of an image whose top left corner is at `first` of the area that the blocks of `batch` fill."""
    found = []
    for number, at in enumerate(np.ndindex(*block)):
        of_image, of_batch = [slice(None)], [slice(number * len(image), (number + 1) * len(image))]
        for axis in (0, 1):
            step, offset = block[axis], at[axis] - first[axis]
            begin = max(-(offset // step), 0)  # rows of the batch that lie before the image
            start = begin * step + offset
            count = max(-(-(image.shape[1 + axis] - start) // step), 0)
            of_image.append(slice(start, None, step))
            of_batch.append(slice(begin, begin + count))
        found.append((image[tuple(of_image)], batch[tuple(of_batch)]))
    return found


def _check(image: View, batch: View, block: Sequence[int], borders: Sequence[tuple[int, int]]) -> None:
    area = [image.shape[1 + axis] + sum(borders[axis]) for axis in (0, 1)]
    wanted = [block[0] * block[1] * len(image), area[0] / block[0], area[1] / block[1], image.shape[3]]
    if list(batch.shape) != wanted:
        raise UnsupportedError(
            f"has {list(image.shape)} and {list(batch.shape)} in blocks of {list(block)} with {list(borders)}"
        )


def space_to_batch(graph: Graph, op: Op) -> Moves:
    """SPACE_TO_BATCH_ND without paddings: what TensorFlow Lite Micro pads with it never sets."""
    block, paddings = _parameters(graph, op, "paddings")
    if any(map(any, paddings)):
        raise UnsupportedError(f"pads by {paddings}, with values that TensorFlow Lite Micro leaves undefined")
    (source,), (output,) = tensors_of(graph, op)
    image, batch = _view(source), _view(output)
    _check(image, batch, block, paddings)
    return moves(graph, op, [Copy(0, *part) for part in _parts(image, batch, block, (0, 0))])


def batch_to_space(graph: Graph, op: Op) -> Moves:
    """BATCH_TO_SPACE_ND: what is cropped is left out."""
    block, crops = _parameters(graph, op, "crops")
    (source,), (output,) = tensors_of(graph, op)
    batch, image = _view(source), _view(output)
    _check(image, batch, block, crops)
    parts = _parts(image, batch, block, [before for before, _ in crops])
    return moves(graph, op, [Copy(0, part, target) for target, part in parts])


OPERATORS = operators(
    "blocks",
    {
        "space_to_batch_nd": space_to_batch,
        "batch_to_space_nd": batch_to_space,
    },
)

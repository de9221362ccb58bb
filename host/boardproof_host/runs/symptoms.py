"""What differences between a board's and the reference's values have in common: tests over arrays, without I/O.

Values are int64 or float64 arrays (M, rows, columns, channels): what differs is judged over all of them together.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[Any]
CHANCE = 1e-3  # how likely at most a pattern may be where differences are strewn at random
FEW = 3  # values, below which no rule of them is believed
_MANY = 64  # values from which on a rule with a number to choose is believed
_MOVES = (1, -1, 2, -2)
_CHANNELS_CHANCE = 0.02  # likewise of channels: a mistake in one is more usual
_SAME = 0.95  # of the values that differ, where a rule is said to explain them
_PILED = 0.02  # of the values at an end of their range, from which on it is a clamp


@dataclass(frozen=True)
class Evidence:
    """Both sides' values of one tensor, of the images that differ there."""

    board: Values
    reference: Values
    zero_point: int  # 0 where the tensor is not quantized
    limits: tuple[float, float]  # of the type
    bounds: tuple[float, float]  # of the reference, by `bounds_of`

    @property
    def difference(self) -> Values:
        """Board less reference."""
        with np.errstate(invalid="ignore"):
            difference: Values = self.board - self.reference
        return difference

    @property
    def wrong(self) -> NDArray[np.bool_]:
        """Where they differ. By value, so that what differs by a sign of zero alone does not."""
        same: NDArray[np.bool_] = self.board == self.reference
        if self.board.dtype.kind == "f":
            same |= np.isnan(self.board) & np.isnan(self.reference)
        return ~same

    def channel(self, number: int) -> "Evidence":
        """One channel's."""
        part = (..., slice(number, number + 1))
        return Evidence(self.board[part], self.reference[part], self.zero_point, self.limits, self.bounds)


def bounds_of(reference: Values, limits: tuple[float, float]) -> tuple[float, float]:
    """The range that the reference keeps to: the type's, or a fused activation's, at whose ends values pile up."""
    low, high = limits
    least, most = float(reference.min()), float(reference.max())
    piled = max(FEW, _PILED * reference.size)
    if low < least and np.count_nonzero(reference == least) > piled:
        low = least
    if most < high and np.count_nonzero(reference == most) > piled:
        high = most
    return low, high


def planes(values: Values, shape: tuple[int, ...]) -> Values:
    """Values (images, elements) of a tensor of `shape` as (M, rows, columns, channels): the last axis is that of the
    channels, the two before it are rows and columns where there are batches before them."""
    channels = shape[-1] if shape else 1
    spatial = tuple(shape[-3:-1]) if len(shape) > 3 else (*shape[1:-1], 1, 1)[:2]
    return values.reshape(-1, *spatial, channels)


def moved(found: Evidence) -> tuple[int, int] | None:
    """The axis, 1 to 3, and by how many places the reference's values are moved along it; None where they are not."""
    for axis in (1, 2, 3):
        for places in _MOVES:
            size = found.board.shape[axis]
            if size <= 2 * abs(places):
                continue
            here = np.arange(max(places, 0), size + min(places, 0))
            board, wrong = found.board.take(here, axis), found.wrong.take(here, axis)
            then = found.reference.take(here - places, axis)
            if np.count_nonzero(wrong) > FEW and np.mean(board[wrong] == then[wrong]) >= _SAME:
                return axis, places
    return None


def reordered(found: Evidence) -> bool:
    """Whether each image has the reference's values, in another order."""
    flat = (len(found.board), -1)
    same = np.sort(found.board.reshape(flat)) == np.sort(found.reference.reshape(flat))
    wrong = found.wrong
    some = np.count_nonzero(wrong) > FEW or np.abs(found.difference[wrong]).max() > 1
    return bool(same.all() and some)


def swapped(found: Evidence) -> bool:
    """Whether rows are columns."""
    rows, columns = found.board.shape[1:3]
    return rows == columns > 1 and np.array_equal(found.board, found.reference.swapaxes(1, 2))


def border(found: Evidence) -> tuple[str, ...]:
    """The edges beside which alone values differ, and not by chance; none where others do."""
    rows, columns = found.board.shape[1:3]
    wrong = found.wrong.any(axis=(0, 3))
    sides = {
        "top": (np.arange(rows), 0),
        "bottom": (np.arange(rows)[::-1], 0),
        "left": (np.arange(columns), 1),
        "right": (np.arange(columns)[::-1], 1),
    }
    count = np.count_nonzero(found.wrong)
    for width in range(1, max(rows, columns) // 4 + 1):
        near = {
            name: np.broadcast_to((far < width).reshape((-1, 1) if axis == 0 else (1, -1)), wrong.shape)
            for name, (far, axis) in sides.items()
            if 2 * width < wrong.shape[axis]
        }
        for edges in _choices(near):
            covered = np.any([near[name] for name in edges], axis=0)
            if not (wrong & ~covered).any() and covered.mean() ** count < CHANCE:
                return edges
    return ()


def _choices(near: dict[str, NDArray[np.bool_]]) -> Iterator[tuple[str, ...]]:
    """The fewest edges first."""
    names = list(near)
    picked = [
        tuple(name for at, name in enumerate(names) if number >> at & 1)
        for number in range(1, 1 << len(names))
    ]
    yield from sorted(picked, key=len)


def few_channels(found: Evidence) -> tuple[int, ...]:
    """The channels in which alone values differ, and not by chance; none where they are many."""
    total = found.board.shape[3]
    channels = np.flatnonzero(found.wrong.any(axis=(0, 1, 2)))
    count, many = int(np.count_nonzero(found.wrong)), len(channels)
    if total < 2 or many > max(1, total // 4):
        return ()
    large = bool(np.abs(found.difference[found.wrong]).max() > 1)
    if (many / total) ** (count - many) < _CHANNELS_CHANCE or (large and many == 1):
        return tuple(int(channel) for channel in channels)
    return ()


def stray(found: Evidence) -> bool:
    """Whether the same few elements differ in each image, of many: not what an operator computes."""
    places = found.wrong.reshape(len(found.wrong), -1)
    somewhere = np.count_nonzero(places.any(axis=0))
    return len(places) > 1 and bool(
        places.all(axis=0).sum() == somewhere <= FEW < found.board[0, ..., 0].size
    )


def past_the_ends(found: Evidence) -> bool:
    """Whether all that differs is at an end of the reference's range, and the board is past it, or wrapped around."""
    wrong = found.wrong
    low, high = found.bounds
    mine, theirs = found.board[wrong], found.reference[wrong]
    past = ((theirs == low) & (mine < low)) | ((theirs == high) & (mine > high))
    least, most = found.limits
    middle = (least + most) / 2
    wrapped = ((theirs == least) & (mine > middle)) | ((theirs == most) & (mine < middle))
    return len(mine) >= FEW and bool((past | wrapped).all())


def cut_at(found: Evidence) -> float | None:
    """The value that the board cuts at, and the reference does not; None where there is none."""
    wrong = found.wrong
    mine, theirs = found.board[wrong], found.reference[wrong]
    if len(mine) < FEW or (mine != mine[0]).any() or len(np.unique(theirs)) < 2:
        return None
    end = mine[0]
    below = (theirs > end).all() and found.board.max() == end
    above = (theirs < end).all() and found.board.min() == end
    return float(end) if (below or above) and found.board.min() != found.board.max() else None


def offset(found: Evidence) -> float | None:
    """What all integers are off by, to their rounding, where neither side is cut; None where that is not one number."""
    if found.board.dtype.kind == "f":
        return None
    low, high = found.bounds
    inside = (found.reference > low) & (found.reference < high)
    free = inside & (found.board > low) & (found.board < high)
    differences = found.difference[free]
    if len(differences) < FEW or differences.max() - differences.min() > 1 or (differences == 0).any():
        return None
    by = float(differences.mean())
    expected = np.clip(found.reference + by, low, high)
    return by if (np.abs(expected - found.board)[inside] < 1).all() else None


def factor(found: Evidence) -> float | None:
    """What the real values are multiplied by: a power of two where one explains them, else the factor that fits best;
    None where none explains them to their rounding."""
    low, high = found.bounds
    inside = (found.reference > low) & (found.reference < high)
    true = (found.reference[inside] - found.zero_point).astype(np.float64)
    seen = (found.board[inside] - found.zero_point).astype(np.float64)
    ends = (low - found.zero_point, high - found.zero_point)
    powers: list[float] = [2.0**power for power in (*range(1, 9), *range(-1, -9, -1))]
    apart = {
        number: float(np.abs(true * number - seen).sum())
        for number in powers
        if _explains(number, true, seen, ends)
    }
    if apart:
        return min(apart, key=lambda number: apart[number])
    # Where each image has one value of a channel, much looks like a factor.
    if found.board[0, ..., 0].size == 1 and len(true) < _MANY:
        return None
    return next((number for number in _fitted(true, seen, ends) if _explains(number, true, seen, ends)), None)


def _explains(number: float, true: Values, seen: Values, ends: tuple[float, float]) -> bool:
    """Whether values are those that a factor makes of others, both rounded, and not the others."""
    slack = number / 2 + 1  # half a step of both, and half a step for a rounding in two steps
    least, most = np.clip(true * number - slack, *ends), np.clip(true * number + slack, *ends)
    told_apart = int(np.count_nonzero((true < least) | (true > most)))
    return bool(told_apart >= FEW and ((least <= seen) & (seen <= most)).all())


def _fitted(true: Values, seen: Values, ends: tuple[float, float]) -> list[float]:
    free = (seen > ends[0]) & (seen < ends[1])
    weight = float((true[free] ** 2).sum())
    number = float((true[free] * seen[free]).sum()) / weight if weight else 0.0
    return [number] if number > 0 else []

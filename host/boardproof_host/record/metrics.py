"""What the outputs prove and what they cost: pure functions over arrays, without I/O.

Outputs are arrays of shape (N, C): N images, C values each, of the output tensor's type. Labels are class indices of
shape (N,). A shape or type that does not fit is the caller's bug and raises ValueError.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Verdict = Literal["exact", "equivalent", "diverged"]
Values = NDArray[Any]
IntArray = NDArray[np.integer[Any]]

# A start bit, eight data bits, a stop bit: what a serial line at B baud carries is B / 10 bytes per second.
BITS_PER_BYTE_ON_WIRE = 10
# The board's 32-bit counter saturates here (firmware/src/hal/hal.h): such a count is a lower bound.
TICKS_SATURATED = 0xFFFFFFFF


@dataclass(frozen=True)
class Parity:
    """How the device's outputs compare with one oracle's."""

    images: int
    values: int  # outputs compared: images * values per image
    exact_images: int  # images whose outputs are all identical
    mismatched_values: int
    max_abs_diff: (
        float  # in steps of the output's scale; float outputs as they are, the largest float for NaN
    )
    argmax_flips: int  # images whose argmax differs; always 0 with one value per image


@dataclass(frozen=True)
class Summary:
    """Per-inference cost. `min` and `max` are counts of the unit; the median of an even number may end in .5."""

    min: float
    median: float
    mean: float
    max: float


@dataclass(frozen=True)
class Histogram:
    """Inferences per bin: `counts[i]` of them cost `edges[i]` or more and less than `edges[i + 1]`."""

    edges: tuple[int, ...]
    counts: tuple[int, ...]


def argmax(outputs: Values) -> NDArray[np.intp]:
    """Predicted class of every image, shape (N,). Where values tie, the lowest index wins, as in NumPy."""
    if outputs.ndim != 2 or outputs.shape[1] == 0:
        raise ValueError(f"outputs must have shape (N, C) with C >= 1, not {outputs.shape}")
    classes: NDArray[np.intp] = np.argmax(outputs, axis=1)
    return classes


def accuracy(outputs: Values, labels: IntArray | None) -> float | None:
    """Share of images whose argmax is the label, 0 to 1; None without labels (a regressor) or images."""
    if labels is None or len(outputs) == 0:
        return None
    _same_length(outputs, labels)
    return float(np.mean(argmax(outputs) == labels))


def parity(device: Values, oracle: Values) -> Parity:
    """Compares the device's outputs (N, C) with an oracle's (N, C)."""
    if device.ndim != 2 or device.shape != oracle.shape:
        raise ValueError(f"outputs differ in shape: {device.shape} and {oracle.shape}")
    if device.dtype != oracle.dtype:
        raise ValueError(f"outputs differ in type: {device.dtype} and {oracle.dtype}")
    differs = _bits(device) != _bits(oracle)
    return Parity(
        images=len(device),
        values=int(device.size),
        exact_images=int(np.count_nonzero(~differs.any(axis=1))),
        mismatched_values=int(np.count_nonzero(differs)),
        max_abs_diff=_plain(_distance(device, oracle).max(initial=0)),
        argmax_flips=int(np.count_nonzero(argmax(device) != argmax(oracle))),
    )


def joined(parts: Sequence[Parity], exact_images: int) -> Parity:
    """One comparison of several outputs, from that of each; what is predicted stands in the first.

    Args:
        exact_images: images all of whose outputs are identical, which the parts cannot tell.
    """
    return Parity(
        images=parts[0].images,
        values=sum(part.values for part in parts),
        exact_images=exact_images,
        mismatched_values=sum(part.mismatched_values for part in parts),
        max_abs_diff=max(part.max_abs_diff for part in parts),
        argmax_flips=parts[0].argmax_flips,
    )


def far_apart(one: Values, other: Values) -> float:
    """Share of images, 0 to 1, whose class differs though rounding cannot explain it: by more than 4 steps of integer
    outputs, or a hundredth of the largest float output."""
    if len(one) == 0:
        return 0.0
    near = 4.0 if one.dtype.kind in "iub" else 0.01 * float(np.nanmax(np.abs(one), initial=0.0))
    far = _distance(one, other).max(axis=1, initial=0) > near
    return float(np.mean(far & (argmax(one) != argmax(other))))


def _bits(values: Values) -> Values:
    """The bit patterns, so that two NaN are the same and 0.0 is not -0.0."""
    return values.view(f"u{values.dtype.itemsize}") if values.dtype.kind == "f" else values


def _distance(one: Values, other: Values) -> Values:
    """How far values are apart, float64; integers would wrap around in their own type."""
    with np.errstate(invalid="ignore", over="ignore"):
        distance: Values = np.abs(one.astype(np.float64) - other.astype(np.float64))
    distance[np.isnan(distance)] = np.inf
    distance[_bits(one) == _bits(other)] = 0
    return distance


def _plain(value: Any) -> float:
    """An int where it is whole, so that steps are written as such."""
    number = min(float(value), float(np.finfo(np.float64).max))
    return int(number) if number.is_integer() else number


def verdict(result: Parity, *, in_steps: bool = True) -> Verdict:
    """The verdict over a comparison with the reference oracle (docs/DESIGN.md, "Oracles and the verdict").

    Args:
        in_steps: the outputs are integers, of which a difference of 1 is the least; float outputs are exact or diverge.

    Raises:
        ValueError: nothing was compared, so nothing is proven.
    """
    if result.values == 0:
        raise ValueError("no verdict without outputs")
    if result.mismatched_values == 0:
        return "exact"
    if in_steps and result.max_abs_diff <= 1 and result.argmax_flips == 0:
        return "equivalent"
    return "diverged"


def mismatches(device: Values, oracle: Values, limit: int) -> NDArray[np.intp]:
    """Positions of the images that matter most: argmax flips first, then the largest differences, then order."""
    difference = _distance(device, oracle).max(axis=1, initial=0)
    differs = (_bits(device) != _bits(oracle)).any(axis=1)
    flipped = argmax(device) != argmax(oracle)
    ranked = np.lexsort((np.arange(len(device)), -difference, ~flipped))
    differing: NDArray[np.intp] = ranked[differs[ranked]]
    return differing[:limit]


def flips(device: Values, oracle: Values) -> list[tuple[int, int, int, float, float]]:
    """Images whose argmax differs, the largest margins first: position, the device's class, the oracle's, and how far
    the device, then the oracle, puts its own class above the other's."""
    mine, theirs = argmax(device), argmax(oracle)
    found = []
    for row in np.flatnonzero(mine != theirs):
        one, other = int(mine[row]), int(theirs[row])
        sides = (device[row].astype(np.float64), oracle[row].astype(np.float64))
        found.append(
            (
                int(row),
                one,
                other,
                float(sides[0][one] - sides[0][other]),
                float(sides[1][other] - sides[1][one]),
            )
        )
    return sorted(found, key=lambda flip: (-np.nan_to_num(flip[3] + flip[4], nan=np.inf), flip[0]))


def cost(ticks: IntArray) -> Summary | None:
    """Summary of per-inference costs (N,), in their unit; None without inferences."""
    if len(ticks) == 0:
        return None
    wide = ticks.astype(np.float64)
    return Summary(
        min=int(ticks.min()),
        median=float(np.median(wide)),
        mean=float(np.mean(wide)),
        max=int(ticks.max()),
    )


def scaled(summary: Summary, factor: float) -> Summary:
    """The same summary in another unit: every value times `factor`."""
    return Summary(
        min=summary.min * factor,
        median=summary.median * factor,
        mean=summary.mean * factor,
        max=summary.max * factor,
    )


def saturated(ticks: IntArray) -> int:
    """How many counts are only a lower bound, because the board's 32-bit counter saturated."""
    return int(np.count_nonzero(ticks == TICKS_SATURATED))


def histogram(ticks: IntArray, bins: int = 32) -> Histogram | None:
    """Counts per bin of equal, whole width, at most `bins` of them; None without inferences."""
    if len(ticks) == 0:
        return None
    low, high = int(ticks.min()), int(ticks.max())
    width = (high - low) // bins + 1
    index = (ticks.astype(np.int64) - low) // width
    counts = np.bincount(index)
    edges = tuple(low + width * position for position in range(len(counts) + 1))
    return Histogram(edges=edges, counts=tuple(int(count) for count in counts))


def confusion(labels: IntArray, outputs: Values) -> NDArray[np.int64]:
    """Confusion matrix (C, C): row = label, column = argmax, value = images.

    Raises:
        ValueError: a label is not a class of the model, 0 to C - 1.
    """
    _same_length(outputs, labels)
    classes = outputs.shape[1]
    if len(labels) and (int(labels.min()) < 0 or int(labels.max()) >= classes):
        raise ValueError(f"labels reach {int(labels.max())}, the model has {classes} classes")
    cells = np.bincount(labels.astype(np.int64) * classes + argmax(outputs), minlength=classes * classes)
    return cells.reshape(classes, classes).astype(np.int64)


def class_accuracy(matrix: Iterable[Iterable[int]]) -> tuple[float | None, ...]:
    """Accuracy per label, from a confusion matrix; None for a label without images."""
    rows = [list(row) for row in matrix]
    return tuple(row[label] / sum(row) if sum(row) else None for label, row in enumerate(rows))


def images_per_second(images: int, seconds: float) -> float | None:
    """Throughput over the link; None when no time passed."""
    return images / seconds if seconds > 0 else None


def line_rate_fraction(bytes_down: int, bytes_up: int, seconds: float, baud: int) -> float | None:
    """How full the busier direction of a full-duplex 8N1 line was, 0 to 1.

    Formula: max(down, up) * 10 bits / (baud * seconds). None where the link has no rate (`baud` 0) or no time passed.
    """
    if baud <= 0 or seconds <= 0:
        return None
    return max(bytes_down, bytes_up) * BITS_PER_BYTE_ON_WIRE / (baud * seconds)


def _same_length(outputs: Values, labels: IntArray) -> None:
    if labels.ndim != 1 or len(outputs) != len(labels):
        raise ValueError(f"{len(outputs)} outputs, but labels of shape {labels.shape}")

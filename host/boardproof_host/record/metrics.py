"""What the outputs prove and what they cost: pure functions over arrays, without I/O.

Outputs are int8 arrays of shape (N, C): N images, C values each. Labels are class indices of shape (N,).
A shape that does not fit is the caller's bug and raises ValueError.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Verdict = Literal["exact", "equivalent", "diverged"]
Int8Array = NDArray[np.int8]
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
    max_abs_diff: int  # in steps of the output's scale, 0 to 255
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


def argmax(outputs: Int8Array) -> NDArray[np.intp]:
    """Predicted class of every image, shape (N,). Where values tie, the lowest index wins, as in NumPy."""
    if outputs.ndim != 2 or outputs.shape[1] == 0:
        raise ValueError(f"outputs must have shape (N, C) with C >= 1, not {outputs.shape}")
    classes: NDArray[np.intp] = np.argmax(outputs, axis=1)
    return classes


def accuracy(outputs: Int8Array, labels: IntArray | None) -> float | None:
    """Share of images whose argmax is the label, 0 to 1; None without labels (a regressor) or images."""
    if labels is None or len(outputs) == 0:
        return None
    _same_length(outputs, labels)
    return float(np.mean(argmax(outputs) == labels))


def parity(device: Int8Array, oracle: Int8Array) -> Parity:
    """Compares the device's outputs (N, C) with an oracle's (N, C)."""
    if device.ndim != 2 or device.shape != oracle.shape:
        raise ValueError(f"outputs differ in shape: {device.shape} and {oracle.shape}")
    if device.dtype != np.int8 or oracle.dtype != np.int8:
        raise ValueError(f"outputs must be int8, not {device.dtype} and {oracle.dtype}")
    # In int8 the difference of 127 and -128 would wrap to -1.
    difference = np.abs(device.astype(np.int16) - oracle.astype(np.int16))
    differs = difference != 0
    return Parity(
        images=len(device),
        values=int(device.size),
        exact_images=int(np.count_nonzero(~differs.any(axis=1))),
        mismatched_values=int(np.count_nonzero(differs)),
        max_abs_diff=int(difference.max(initial=0)),
        argmax_flips=int(np.count_nonzero(argmax(device) != argmax(oracle))),
    )


def verdict(result: Parity) -> Verdict:
    """The verdict over a comparison with the reference oracle (docs/DESIGN.md, "Oracles and the verdict").

    Raises:
        ValueError: nothing was compared, so nothing is proven.
    """
    if result.values == 0:
        raise ValueError("no verdict without outputs")
    if result.mismatched_values == 0:
        return "exact"
    if result.max_abs_diff <= 1 and result.argmax_flips == 0:
        return "equivalent"
    return "diverged"


def mismatches(device: Int8Array, oracle: Int8Array, limit: int) -> NDArray[np.intp]:
    """Positions of the images that matter most: argmax flips first, then the largest differences, then order."""
    difference = np.abs(device.astype(np.int16) - oracle.astype(np.int16)).max(axis=1, initial=0)
    flipped = argmax(device) != argmax(oracle)
    ranked = np.lexsort((np.arange(len(device)), -difference, ~flipped))
    differing: NDArray[np.intp] = ranked[difference[ranked] != 0]
    return differing[:limit]


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


def confusion(labels: IntArray, outputs: Int8Array) -> NDArray[np.int64]:
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


def _same_length(outputs: Int8Array, labels: IntArray) -> None:
    if labels.ndim != 1 or len(outputs) != len(labels):
        raise ValueError(f"{len(outputs)} outputs, but labels of shape {labels.shape}")

"""Which images a run streams."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from boardproof_export.shared.errors import InputError


@dataclass(frozen=True)
class Selection:
    """Positions in the test set, in streaming order, and how they were chosen."""

    indices: NDArray[np.intp]
    seed: int | None
    description: str


def select(total: int, images: str | None, limit: int | None, seed: int | None) -> Selection:
    """Chooses images.

    Args:
        total: images in the test set.
        images: `A:B`, a half-open range as in Python; either end may be missing.
        limit: at most this many of them.
        seed: take them at random, from this seed; without it the first ones are taken.

    Raises:
        InputError: the range is malformed, empty or beyond the set, or the limit is not positive.
    """
    start, stop = _range(images, total)
    chosen = np.arange(start, stop)
    if limit is not None:
        if limit < 1:
            raise InputError(f"--limit {limit} leaves no image", hint="give a limit of 1 or more")
        if seed is not None and limit < len(chosen):
            chosen = np.sort(np.random.default_rng(seed).choice(chosen, size=limit, replace=False))
        chosen = chosen[:limit]
    return Selection(chosen, seed, _describe(start, stop, len(chosen), seed))


def _range(images: str | None, total: int) -> tuple[int, int]:
    if images is None:
        return 0, total
    first, colon, last = images.partition(":")
    try:
        if not colon:
            raise ValueError("no colon")
        start = int(first) if first else 0
        stop = int(last) if last else total
    except ValueError as error:
        raise InputError(
            f"--images {images} is no range: {error}", hint="write A:B, as in --images 100:200"
        ) from error
    if not 0 <= start < stop <= total:
        raise InputError(f"--images {images} is not within 0:{total}", hint=f"there are {total} test images")
    return start, stop


def _describe(start: int, stop: int, count: int, seed: int | None) -> str:
    if count == stop - start:
        return f"images {start}:{stop}"
    how = "the first" if seed is None else f"seed {seed},"
    return f"{how} {count} of images {start}:{stop}"

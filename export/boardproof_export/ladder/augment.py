"""Images as a training shows them: shifted, mirrored, with a square erased, in an order of its own each epoch."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from boardproof_export.ladder.recipe import Augmentation
from boardproof_export.shared.sources import fashion_mnist as dataset
from boardproof_export.shared.sources.pixels import spread

Batch = tuple[NDArray[np.float32], NDArray[np.float32]]


def epoch(split: dataset.Split, batch: int, how: Augmentation, seed: tuple[int, int]) -> Iterator[Batch]:
    """The batches of one epoch, all full: what is left over is in another epoch's.

    Args:
        split: what is shown.
        batch: images a batch.
        how: what happens to them.
        seed: of the training, and the number of the epoch: each epoch can be had without those before it.

    Yields:
        Images, float32 (batch, 28, 28, 1) in 0..1, and their classes, float32 (batch, 10), one of them 1.
    """
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(split.labels))
    classes = np.eye(len(dataset.CLASS_NAMES), dtype=np.float32)
    for start in range(0, len(order) - batch + 1, batch):
        chosen = order[start : start + batch]
        images = augmented(split.images[chosen], how, generator)
        yield spread(images)[..., np.newaxis], classes[split.labels[chosen]]


def augmented(
    images: NDArray[np.uint8], how: Augmentation, generator: np.random.Generator
) -> NDArray[np.uint8]:
    """Copies of images (N, rows, columns), each with chances of its own; what a shift or erasing uncovers is 0."""
    count, rows, columns = images.shape
    moved = np.pad(images, ((0, 0), (how.shift, how.shift), (how.shift, how.shift)))
    top, left = generator.integers(0, 2 * how.shift + 1, (2, count, 1))
    across = left + np.arange(columns)
    if how.mirror:
        across = np.where(generator.random((count, 1)) < 0.5, across, across[:, ::-1])
    down = top + np.arange(rows)
    result: NDArray[np.uint8] = moved[
        np.arange(count)[:, np.newaxis, np.newaxis], down[:, :, np.newaxis], across[:, np.newaxis, :]
    ]
    if how.erased:
        result[_squares(result.shape, how.erased, generator)] = 0
    return result


def _squares(shape: tuple[int, ...], longest: int, generator: np.random.Generator) -> NDArray[np.bool_]:
    """True in a square of 0 to `longest` pixels a side in each image (N, rows, columns), anywhere in it."""
    count, rows, columns = shape
    side = generator.integers(0, longest + 1, (count, 1))
    within = []
    for extent in (rows, columns):
        start = generator.integers(0, extent, (count, 1)) - side // 2
        at = np.arange(extent)
        within.append((at >= start) & (at < start + side))
    return within[0][:, :, np.newaxis] & within[1][:, np.newaxis, :]

"""What a training does to images: nothing but shifts, mirrors and erased squares, the same for the same seed."""

import numpy as np
import pytest
from numpy.typing import NDArray

from boardproof_export.ladder import augment
from boardproof_export.ladder.recipe import Augmentation
from boardproof_export.shared.sources.fashion_mnist import Split

NOTHING = Augmentation(shift=0, mirror=False, erased=0)


def images(count: int) -> NDArray[np.uint8]:
    """Pixels 1 to 255: a 0 was uncovered."""
    return np.random.default_rng(1).integers(1, 256, (count, 28, 28)).astype(np.uint8)


def split(count: int) -> Split:
    return Split(images(count), (np.arange(count) % 10).astype(np.uint8), "")


def shown(how: Augmentation, given: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return augment.augmented(given, how, np.random.default_rng(2))


def test_without_chances_an_image_stays() -> None:
    given = images(5)
    np.testing.assert_array_equal(shown(NOTHING, given), given)


def test_each_image_is_mirrored_or_not() -> None:
    given = images(100)
    result = shown(Augmentation(shift=0, mirror=True, erased=0), given)
    kept = (result == given).all(axis=(1, 2))
    assert 30 < kept.sum() < 70
    np.testing.assert_array_equal(result[~kept], given[~kept][:, :, ::-1])


def test_an_image_is_shifted_as_a_whole_and_zeros_come_in() -> None:
    given = images(200)
    around = np.pad(given, ((0, 0), (2, 2), (2, 2)))
    seen = set()
    for index, moved in enumerate(shown(Augmentation(shift=2, mirror=False, erased=0), given)):
        (place,) = [
            (top, left)
            for top in range(5)
            for left in range(5)
            if (around[index, top : top + 28, left : left + 28] == moved).all()
        ]
        seen.add(place)
    assert len(seen) == 25


def test_what_is_erased_is_a_square_of_at_most_so_many_pixels() -> None:
    given = images(300)
    result = shown(Augmentation(shift=0, mirror=False, erased=8), given)
    longest = 0
    for before, after in zip(given, result, strict=True):
        gone = after == 0
        np.testing.assert_array_equal(after[~gone], before[~gone])
        rows, columns = (np.flatnonzero(gone.any(axis=axis)) for axis in (1, 0))
        assert gone.sum() == len(rows) * len(columns)  # a rectangle, cut off at the border
        longest = max(longest, len(rows), len(columns))
    assert longest == 8


@pytest.mark.parametrize("how", [NOTHING, Augmentation(shift=2, mirror=True, erased=8)])
def test_an_epoch_is_full_batches_of_its_own_order(how: Augmentation) -> None:
    given = split(50)
    first, again, second = (list(augment.epoch(given, 16, how, (7, number))) for number in (0, 0, 1))
    assert [(pixels.shape, classes.shape) for pixels, classes in first] == [((16, 28, 28, 1), (16, 10))] * 3
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one[0], other[0])
        np.testing.assert_array_equal(one[1], other[1])
    assert any((one[0] != other[0]).any() for one, other in zip(first, second, strict=True))


def test_labels_go_with_their_images() -> None:
    given = split(48)
    pixels, classes = next(augment.epoch(given, 48, NOTHING, (7, 0)))
    known = {image.tobytes(): label for image, label in zip(given.images, given.labels, strict=True)}
    back = np.rint(pixels[..., 0] * 255).astype(np.uint8)
    assert [known[image.tobytes()] for image in back] == classes.argmax(axis=1).tolist()
    assert (classes.sum(axis=1) == 1).all() and pixels.dtype == classes.dtype == np.float32

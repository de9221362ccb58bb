"""The boards in memory that the link's tests talk to."""

import pytest

from support.board_library import IMAGE_DEPTHS, SMALL_DEPTHS
from support.conversation import Bench, converse, make_bench, random_inputs


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """Frames of some 30 bytes: 20 inputs are a conversation of 1,200 bytes."""
    return make_bench(tmp_path_factory.mktemp("small"), SMALL_DEPTHS)


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """Frames of up to 800 bytes, as images of 28 x 28 make them."""
    return make_bench(tmp_path_factory.mktemp("images"), IMAGE_DEPTHS)


@pytest.fixture(scope="session")
def thousand_small(small: Bench) -> Bench:
    """1,000 inputs of the small board."""
    return _thousand(small)


@pytest.fixture(scope="session")
def thousand_images(images: Bench) -> Bench:
    """1,000 inputs of 784 bytes."""
    return _thousand(images)


def _thousand(bench: Bench) -> Bench:
    inputs = random_inputs(1000, bench.inputs.shape[1])
    return Bench(bench.library, inputs, converse(bench.library, inputs, None).outputs)

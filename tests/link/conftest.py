"""The boards in memory that the link's tests talk to."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from model_builder import random_model
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent))

from conversation import IMAGES, converse, random_inputs
from support.board_library import IMAGE_DEPTHS, SMALL_DEPTHS, build_board


@dataclass(frozen=True)
class Bench:
    """A board, inputs for it, and what it answers when nothing disturbs it."""

    library: Path
    inputs: NDArray[np.int8]
    expected: NDArray[np.int8]
    bytes_seen: dict[str, int]  # of the undisturbed conversation, by direction


def make_bench(folder: Path, depths: tuple[int, ...], images: int = IMAGES) -> Bench:
    library = build_board(folder, random_model(1, depths=depths))
    inputs = random_inputs(images, depths[0])
    outcome, expected = converse(library, inputs, None)
    assert outcome.refused is None
    return Bench(library, inputs, expected, outcome.bytes_seen)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """Frames of some 30 bytes: 20 of them are a conversation of 1,200 bytes."""
    return make_bench(tmp_path_factory.mktemp("small"), SMALL_DEPTHS)


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """Frames of up to 800 bytes, as images of 28 x 28 make them."""
    return make_bench(tmp_path_factory.mktemp("images"), IMAGE_DEPTHS)


@pytest.fixture(scope="session")
def thousand(small: Bench) -> Iterator[tuple[NDArray[np.int8], NDArray[np.int8]]]:
    """1,000 inputs of the small board, and their outputs."""
    inputs = random_inputs(1000, small.inputs.shape[1])
    outcome, expected = converse(small.library, inputs, None)
    assert outcome.refused is None
    yield inputs, expected

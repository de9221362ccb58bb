"""Which images a run streams."""

import numpy as np
import pytest

from boardproof_export.shared.errors import InputError
from boardproof_host.runs.selection import select


def test_all_by_default() -> None:
    assert select(10, None, None, None).indices.tolist() == list(range(10))


@pytest.mark.parametrize(
    ("text", "expected"), [("2:5", [2, 3, 4]), (":3", [0, 1, 2]), ("8:", [8, 9]), (":", list(range(10)))]
)
def test_ranges(text: str, expected: list[int]) -> None:
    assert select(10, text, None, None).indices.tolist() == expected


@pytest.mark.parametrize("text", ["5", "a:b", "5:5", "7:3", "0:11", "-1:3", "1:2:3", ""])
def test_bad_ranges_are_named(text: str) -> None:
    with pytest.raises(InputError, match=r"--images"):
        select(10, text, None, None)


def test_limit_takes_the_first() -> None:
    assert select(10, "3:", 2, None).indices.tolist() == [3, 4]
    assert len(select(10, None, 99, None).indices) == 10


def test_seed_takes_a_sample_that_is_the_same_again() -> None:
    first, again, other = (select(10_000, None, 50, seed).indices for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert len(set(first.tolist())) == 50
    assert first.max() > 50


@pytest.mark.parametrize("limit", [0, -3])
def test_bad_limits(limit: int) -> None:
    with pytest.raises(InputError, match="--limit"):
        select(10, None, limit, None)

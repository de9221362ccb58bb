"""What outputs are worth: every metric against figures worked out by hand or by its definition."""

from itertools import product
from math import comb

import numpy as np
import pytest

from boardproof_export.shared import quality
from boardproof_export.shared.statistics import mcnemar, wilson
from boardproof_export.shared.tensors import TensorInfo
from records import build, found


def tensor(*shape: int) -> TensorInfo:
    return TensorInfo("t", "int8", shape, 0.5, 1)


@pytest.mark.parametrize(
    ("truth", "inputs", "output", "kind"),
    [
        (None, (1, 4), (1, 3), None),
        (None, (1, 4), (1, 4, 1), "reconstruction"),
        (np.array([0, 1]), (1, 4), (1, 4), "reconstruction"),
        (np.array([0, 2]), (1, 4), (1, 4), "classes"),
        (np.array([0, 1]), (1, 4), (1, 2), "classes"),
        (np.array([0, 5]), (1, 4), (1, 2), None),
        (np.array([0, 1]), (1, 4), (1, 1), "scores"),
        (np.array([3, 7]), (1, 4), (1, 1), "regression"),
        (np.array([[0.5, 1.0]]), (1, 4), (1, 2), "regression"),
        (np.array([[0.5, 1.0]]), (1, 4), (1, 3), None),
    ],
)
def test_what_an_output_means(
    truth: object, inputs: tuple[int, ...], output: tuple[int, ...], kind: str | None
) -> None:
    assert quality.kind_of(truth, (tensor(*inputs),), (tensor(*output),)) == kind  # type: ignore[arg-type]


def test_top_of_several_classes() -> None:
    outputs = np.array([[0, 1, 2, 3, 4, 5, 6], [9, 9, 0, 0, 0, 0, 0]], float)
    assert quality.metrics("classes", outputs, np.array([2, 1]), None) == {"top_1": 0.0, "top_5": 1.0}
    assert quality.top(outputs, np.array([1, 6]), 5) == 0.0


def test_area_under_the_curve_is_the_share_of_pairs() -> None:
    rng = np.random.default_rng(1)
    scores, truth = rng.integers(0, 6, 40).astype(float), rng.integers(0, 2, 40)
    pairs = [(a > b) + (a == b) / 2 for a, b in product(scores[truth == 1], scores[truth == 0])]
    assert quality.auc(scores, truth) == pytest.approx(np.mean(pairs))
    assert quality.auc(scores, np.ones(40, int)) is None


def test_regression() -> None:
    got = quality.regression(np.array([[1.0], [2.0], [4.0]]), np.array([[1.0], [3.0], [2.0]]))
    assert got == pytest.approx({"mae": 1.0, "rmse": (5 / 3) ** 0.5, "r2": 1 - 5 / 2})
    assert quality.regression(np.ones((2, 1)), np.ones((2, 1)))["r2"] is None


def test_reconstruction() -> None:
    inputs = np.zeros((3, 2))
    outputs = np.array([[0.0, 0.0], [1.0, 1.0], [3.0, 1.0]])
    got = quality.metrics("reconstruction", outputs, np.array([0, 0, 1]), inputs)
    assert got == {"mse": 2.0, "auc": 1.0}


def test_intervals_and_pairs() -> None:
    low, high = wilson(0.9, 100)
    assert (round(low, 4), round(high, 4)) == (0.8256, 0.9448)
    assert wilson(1.0, 10)[1] == pytest.approx(1.0)
    for one, other in ((0, 0), (1, 0), (3, 9), (12, 2), (40, 70)):
        count = one + other
        exact = min(1.0, 2 * sum(comb(count, k) for k in range(min(one, other) + 1)) / 2**count)
        assert mcnemar(one, other) == pytest.approx(exact)


def test_a_record_has_it() -> None:
    measured = found(build()).quality
    assert measured is not None
    assert measured.kind == "classes"
    assert measured.metrics["device"] == {"top_1": pytest.approx(5 / 6)}
    assert measured.mcnemar["litert"].device_alone + measured.mcnemar["litert"].oracle_alone == 1
    assert found(build(labels=None)).quality is None

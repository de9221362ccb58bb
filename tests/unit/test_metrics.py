"""Metrics against loops that are too simple to be wrong."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boardproof_host.record import metrics
from boardproof_host.record.metrics import Values

# Few values, so that ties and equal outputs happen; the extremes, so that int8 arithmetic would wrap.
VALUES = st.sampled_from([-128, -127, -1, 0, 1, 2, 126, 127])


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Values, Values]:
    """Two sets of outputs of the same shape."""
    images, classes = draw(st.integers(0, 8)), draw(st.integers(1, 5))
    row = st.lists(VALUES, min_size=classes, max_size=classes)
    rows = st.lists(row, min_size=images, max_size=images)
    shape = (images, classes)
    return (
        np.array(draw(rows), dtype=np.int8).reshape(shape),
        np.array(draw(rows), dtype=np.int8).reshape(shape),
    )


def loop_argmax(row: list[int]) -> int:
    best = 0
    for index, value in enumerate(row):
        if value > row[best]:
            best = index
    return best


@given(pairs())
def test_parity_is_what_a_loop_counts(both: tuple[Values, Values]) -> None:
    device, oracle = (array.tolist() for array in both)
    exact = differing = largest = flips = 0
    for mine, theirs in zip(device, oracle, strict=True):
        exact += mine == theirs
        flips += loop_argmax(mine) != loop_argmax(theirs)
        for left, right in zip(mine, theirs, strict=True):
            differing += left != right
            largest = max(largest, abs(left - right))
    values = sum(len(row) for row in device)
    expected = metrics.Parity(len(device), values, exact, differing, largest, flips)
    assert metrics.parity(*both) == expected


@given(pairs(), st.data())
def test_accuracy_and_confusion_are_what_a_loop_counts(
    both: tuple[Values, Values], data: st.DataObject
) -> None:
    outputs = both[0]
    images, classes = outputs.shape
    truth = data.draw(st.lists(st.integers(0, classes - 1), min_size=images, max_size=images))
    expected = [[0] * classes for _ in range(classes)]
    for label, row in zip(truth, outputs.tolist(), strict=True):
        expected[label][loop_argmax(row)] += 1
    labels = np.array(truth, dtype=np.uint8)
    matrix = metrics.confusion(labels, outputs)
    assert matrix.tolist() == expected
    hits = sum(expected[label][label] for label in range(classes))
    assert metrics.accuracy(outputs, labels) == (pytest.approx(hits / images) if images else None)
    for label, share in enumerate(metrics.class_accuracy(matrix.tolist())):
        total = sum(expected[label])
        assert share == (pytest.approx(expected[label][label] / total) if total else None)


def test_confusion_takes_labels_beyond_what_their_square_fits_in_uint8() -> None:
    labels = np.array([200], dtype=np.uint8)
    outputs = np.full((1, 201), -128, dtype=np.int8)
    outputs[0, 199] = 5
    assert metrics.confusion(labels, outputs)[200, 199] == 1


def test_the_lowest_index_wins_a_tie() -> None:
    outputs = np.array([[3, 7, 7], [5, 5, 5]], dtype=np.int8)
    assert metrics.argmax(outputs).tolist() == [1, 0]


def test_a_difference_wider_than_int8_is_not_wrapped() -> None:
    low, high = np.array([[-128]], dtype=np.int8), np.array([[127]], dtype=np.int8)
    assert metrics.parity(low, high).max_abs_diff == 255
    assert metrics.verdict(metrics.parity(low, high)) == "diverged"


@pytest.mark.parametrize(
    ("device", "oracle", "expected"),
    [
        ([[1, 5]], [[1, 5]], "exact"),
        ([[1, 5]], [[2, 5]], "equivalent"),
        ([[4, 5]], [[5, 5]], "diverged"),  # by 1, but the tie goes to the other class
        ([[1, 5]], [[3, 5]], "diverged"),  # by 2, the class is the same
    ],
)
def test_verdict(device: list[list[int]], oracle: list[list[int]], expected: str) -> None:
    result = metrics.parity(np.array(device, dtype=np.int8), np.array(oracle, dtype=np.int8))
    assert metrics.verdict(result) == expected


def test_nothing_compared_proves_nothing() -> None:
    nothing = np.empty((0, 10), dtype=np.int8)
    with pytest.raises(ValueError, match="no verdict"):
        metrics.verdict(metrics.parity(nothing, nothing))


@given(pairs(), st.integers(0, 9))
def test_mismatches_are_the_worst_images(both: tuple[Values, Values], limit: int) -> None:
    device, oracle = (array.tolist() for array in both)
    rows = []
    for index, (mine, theirs) in enumerate(zip(device, oracle, strict=True)):
        if mine != theirs:
            largest = max(abs(left - right) for left, right in zip(mine, theirs, strict=True))
            rows.append((loop_argmax(mine) == loop_argmax(theirs), -largest, index))
    expected = [index for _, _, index in sorted(rows)][:limit]
    assert metrics.mismatches(*both, limit).tolist() == expected


@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=40))
def test_cost_and_histogram(counts: list[int]) -> None:
    ticks = np.array(counts, dtype=np.uint32)
    summary, bins = metrics.cost(ticks), metrics.histogram(ticks)
    assert summary is not None and bins is not None
    ordered = sorted(counts)
    middle = (ordered[(len(counts) - 1) // 2] + ordered[len(counts) // 2]) / 2
    assert (summary.min, summary.median, summary.max) == (ordered[0], middle, ordered[-1])
    assert summary.mean == pytest.approx(sum(counts) / len(counts))
    assert len(bins.counts) <= 32 and len(bins.edges) == len(bins.counts) + 1
    for index, count in enumerate(bins.counts):
        assert count == sum(bins.edges[index] <= tick < bins.edges[index + 1] for tick in counts)
    assert sum(bins.counts) == len(counts)


def test_equal_costs_are_one_bin_and_no_costs_are_none() -> None:
    assert metrics.histogram(np.full(5, 7, dtype=np.uint32)) == metrics.Histogram((7, 8), (5,))
    none = np.empty(0, dtype=np.uint32)
    assert metrics.histogram(none) is None and metrics.cost(none) is None


def test_saturated_counts_are_found() -> None:
    assert metrics.saturated(np.array([1, 2**32 - 1, 2**32 - 2], dtype=np.uint32)) == 1


def test_scaled_changes_the_unit() -> None:
    summary = metrics.Summary(min=100, median=150.5, mean=160.0, max=200)
    assert metrics.scaled(summary, 0.5) == metrics.Summary(50.0, 75.25, 80.0, 100.0)


def test_link_figures() -> None:
    # 115200 baud, 8N1: 11,520 bytes a second fill the line, whatever the other direction does.
    assert metrics.line_rate_fraction(11_520, 100, 1.0, 115_200) == pytest.approx(1.0)
    assert metrics.line_rate_fraction(100, 5_760, 1.0, 115_200) == pytest.approx(0.5)
    assert metrics.line_rate_fraction(100, 100, 1.0, 0) is None
    assert metrics.line_rate_fraction(100, 100, 0.0, 9600) is None
    assert metrics.images_per_second(100, 4.0) == 25.0
    assert metrics.images_per_second(100, 0.0) is None


def test_without_labels_there_is_no_accuracy() -> None:
    assert metrics.accuracy(np.zeros((3, 1), dtype=np.int8), None) is None


def test_what_does_not_fit_is_refused() -> None:
    outputs = np.zeros((2, 3), dtype=np.int8)
    with pytest.raises(ValueError, match="shape"):
        metrics.parity(outputs, outputs[:1])
    with pytest.raises(ValueError, match="int8"):
        metrics.parity(outputs, outputs.astype(np.uint8))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="2 outputs"):
        metrics.accuracy(outputs, np.zeros(3, dtype=np.uint8))
    with pytest.raises(ValueError, match="3 classes"):
        metrics.confusion(np.array([0, 3], dtype=np.uint8), outputs)
    with pytest.raises(ValueError, match="C >= 1"):
        metrics.argmax(np.zeros((2, 0), dtype=np.int8))

"""What differences mean: each kind from arrays that have it, at several places, and what chance makes of them."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from boardproof_host.runs.diagnosis import Hint, diagnose

Values = NDArray[Any]
SHAPE = (1, 12, 10, 8)
ZERO_POINT = -5


def reference(seed: int = 0, shape: tuple[int, ...] = SHAPE, images: int = 2, relu: bool = False) -> Values:
    values = np.random.default_rng(seed).normal(0, 40, (images, *shape)).round() + ZERO_POINT
    return np.clip(values, ZERO_POINT if relu else -128, 127).astype(np.int8)


def judge(board: Values, theirs: Values) -> Hint:
    flat = [list(values.reshape(len(values), -1)) for values in (board, theirs)]
    hint = diagnose(*flat, board.shape[1:], ZERO_POINT)
    assert hint is not None
    return hint


def scaled(values: Values, factor: float, low: int = -128) -> Values:
    real = (values.astype(np.float64) - ZERO_POINT) * factor
    return np.clip(np.rint(real) + ZERO_POINT, low, 127).astype(np.int8)


def changed(values: Values, by: Any, where: Any = ...) -> Values:
    board = values.astype(np.int64)
    board[where] += by
    return np.clip(board, -128, 127).astype(np.int8)


def test_values_that_are_the_same_mean_nothing() -> None:
    values = reference()
    assert diagnose(list(values), list(values), SHAPE, ZERO_POINT) is None


@pytest.mark.parametrize(("share", "by", "says"), [(0.01, -1, "ties"), (0.5, -1, "down"), (0.5, 1, "up")])
def test_a_rounding(share: float, by: int, says: str) -> None:
    values = reference()
    strewn = np.random.default_rng(1).random(values.shape) < share
    found = judge(changed(values, by * strewn), values)
    assert found.kind == "rounding" and says in found.words and found.channels == ()


def test_a_rounding_that_goes_either_way() -> None:
    values = reference()
    by = np.random.default_rng(1).integers(-1, 2, values.shape)
    assert judge(changed(values, by), values).kind == "rounding"


@pytest.mark.parametrize("channel", [0, 5, 7])
@pytest.mark.parametrize("relu", [False, True])
def test_weights_of_one_channel(channel: int, relu: bool) -> None:
    values = reference(relu=relu)
    by = np.random.default_rng(2).integers(-9, 10, values.shape[:-1])
    board = np.maximum(changed(values, by, (..., channel)), ZERO_POINT if relu else -128)
    found = judge(board.astype(np.int8), values)
    assert (found.kind, found.channels) == ("weights", (channel,))


def test_one_step_in_one_channel_is_no_rounding() -> None:
    values = reference()
    strewn = np.random.default_rng(2).random(values.shape[:-1]) < 0.1
    assert judge(changed(values, strewn, (..., 3)), values).kind == "weights"


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize(
    ("factor", "says"), [(2, "by 1 to the left"), (0.25, "by 2 to the right"), (0.8, "multiplier")]
)
@pytest.mark.parametrize("channel", [2, None])
def test_a_scale(factor: float, says: str, channel: int | None, relu: bool) -> None:
    values = reference(relu=relu)
    board = values.copy()
    part = (..., slice(None) if channel is None else channel)
    board[part] = scaled(values[part], factor)
    found = judge(board, values)
    assert found.kind == "scale" and says in found.words
    assert found.channels == (() if channel is None else (channel,))


def test_a_scale_of_its_own_for_each_channel() -> None:
    values = reference()
    factors = 2.0 ** np.array([-2, -1, 1, 2, -1, 1, -2, 2])
    assert judge(scaled(values, factors), values).kind == "scale"


@pytest.mark.parametrize("by", [-3, 1])
@pytest.mark.parametrize("channel", [6, None])
def test_an_offset(by: int, channel: int | None) -> None:
    values = reference()
    found = judge(changed(values, by, (..., slice(None) if channel is None else channel)), values)
    assert found.kind == "offset"
    assert ("bias" if channel is not None else "zero point") in found.words


def test_an_offset_of_its_own_for_each_channel() -> None:
    values = reference()
    found = judge(changed(values, np.array([3, -4, 5, 6, -7, 8, 9, 2])), values)
    assert found.kind == "offset" and "input's zero point" in found.words


@pytest.mark.parametrize(
    ("edge", "where"),
    [
        ("top", np.s_[:, :, 0]),
        ("bottom", np.s_[:, :, -1]),
        ("left", np.s_[:, :, :, 0]),
        ("right", np.s_[:, :, :, -1]),
    ],
)
def test_a_border(edge: str, where: Any) -> None:
    values = reference()
    by = np.random.default_rng(3).integers(-40, 41, values[where].shape)
    found = judge(changed(values, by, where), values)
    assert found.kind == "padding" and f"beside the {edge} edge differ" in found.words


def test_a_border_all_around() -> None:
    values, board = reference(), reference(9)
    board[:, :, 1:-1, 1:-1] = values[:, :, 1:-1, 1:-1]
    found = judge(board, values)
    assert found.kind == "padding" and "top, bottom, left and right edges" in found.words


@pytest.mark.parametrize(
    ("places", "axis", "says"), [(1, 2, "1 row before it"), (-1, 3, "1 column behind it"), (2, 2, "2 rows")]
)
def test_an_image_that_is_moved(places: int, axis: int, says: str) -> None:
    values = reference(relu=True)
    board = np.roll(values, places, axis)
    edge = [slice(None)] * 5
    edge[axis] = slice(0, places) if places > 0 else slice(places, None)
    board[tuple(edge)] = 77  # whatever a window meets outside
    found = judge(board, values)
    assert found.kind == "padding" and says in found.words


def test_an_image_that_is_moved_over_its_background() -> None:
    values = reference(relu=True)
    values[:, :, :2], values[:, :, -2:] = ZERO_POINT, ZERO_POINT
    assert judge(np.roll(values, 1, 2), values).kind == "padding"


def test_right_values_in_another_order() -> None:
    values = reference(shape=(1, 9, 9, 4))
    found = judge(values.swapaxes(2, 3), values)
    assert found.kind == "order" and "rows and columns are swapped" in found.words
    assert judge(values[..., ::-1], values).kind == "order"
    assert judge(values.transpose(0, 1, 4, 2, 3).reshape(values.shape), values).kind == "order"


def test_a_clamp_that_is_missing_too_narrow_or_wraps() -> None:
    true = np.random.default_rng(4).normal(0, 50, (2, *SHAPE)).round()
    values = np.clip(true, -128, 127).astype(np.int8)
    relu = np.maximum(values, ZERO_POINT)
    wrapped = true.astype(np.int64).astype(np.int8)
    assert judge(values, relu).kind == "saturation"
    assert judge(relu, values).kind == "saturation"
    assert judge(np.minimum(values, 100), values).kind == "saturation"
    assert judge(wrapped, values).kind == "saturation"


def test_memory_that_something_else_writes() -> None:
    values = reference()
    assert judge(changed(values, 50, np.s_[:, 0, 4, 4, 3]), values).kind == "stray"


def test_stale_weights_and_no_output_at_all() -> None:
    values = reference()
    assert "little in common" in judge(reference(9), values).words
    assert "go the same way" in judge(changed(values, reference(9).astype(np.int64) // 3), values).words
    found = judge(np.full_like(values, 3), values)
    assert found.kind == "unrelated" and "are all 3" in found.words


@pytest.mark.parametrize("images", [1, 12])
def test_one_output_of_a_dense_layer(images: int) -> None:
    """A single value of each image: whether weights, bias or scale, several images may tell."""
    values = reference(shape=(1, 10), images=images)
    board = changed(values, np.random.default_rng(5).integers(5, 20, images), np.s_[:, 0, 4])
    found = judge(board, values)
    assert (found.kind, found.channels) == ("weights", (4,)) and "bias" in found.words
    board = values.copy()
    board[..., 4] = scaled(values[..., 4], 2)
    assert judge(board, values).kind == ("scale" if images > 1 else "weights")


def test_a_single_step_is_said_to_be_ambiguous() -> None:
    values = reference()
    found = judge(changed(values, 1, np.s_[0, 0, 3, 3, 3])[:1], values[:1])
    assert found.kind == "rounding" and "or a weight" in found.words


def test_floats() -> None:
    values = np.random.default_rng(6).normal(0, 1, (2, *SHAPE)).astype(np.float32)
    assert judge(values * np.float32(1 + 2e-7), values).kind == "rounding"
    board = values.copy()
    board[..., 2] = 1
    assert judge(board, values).channels == (2,)
    board[:] = np.nan
    assert "no numbers" in judge(board, values).words


@pytest.mark.parametrize("shape", [(), (7,), (1, 7), (1, 5, 7), (2, 3, 4, 7), (2, 3, 4, 5, 7)])
@pytest.mark.parametrize("kind", ["int8", "uint8", "int16", "int32", "bool", "float32"])
def test_any_shape_and_type_is_judged(shape: tuple[int, ...], kind: str) -> None:
    rng = np.random.default_rng(7)
    sides = [list(rng.integers(0, 2, (3, int(np.prod(shape)))).astype(kind)) for _ in range(2)]
    hint = diagnose(*sides, shape)
    assert hint is None or hint.words

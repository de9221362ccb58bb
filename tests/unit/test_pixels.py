"""Pixels on their way into a model: types other than int8, and a range that the model was not made for."""

import numpy as np
import pytest

from boardproof_export.shared.errors import InputError
from boardproof_export.shared.sources.fashion_mnist import FashionMnist, Split
from boardproof_export.shared.sources.pixels import Span, held_range, parse_span, quantize, spread
from boardproof_export.shared.tensors import TensorInfo, TensorType

PIXELS = np.arange(784, dtype=np.uint32).astype(np.uint8).reshape(1, 28, 28)
SOURCE = FashionMnist(Split(PIXELS, np.zeros(1, np.uint8), "0" * 64))


def tensor(kind: TensorType, scale: float | None, zero_point: int | None) -> TensorInfo:
    return TensorInfo("input", kind, (1, 28, 28), scale, zero_point)


@pytest.mark.parametrize(
    ("kind", "zero_point"), [("int8", -128), ("uint8", 0), ("int16", 0), ("int16", -300), ("uint8", 255)]
)
def test_rows_of_every_quantized_type(kind: TensorType, zero_point: int) -> None:
    """The formula by hand, in the type's own range and byte order."""
    (row,) = SOURCE.rows((tensor(kind, 1 / 255, zero_point),), np.arange(1))
    limits = np.iinfo(np.dtype(kind))
    expected = [min(max(int(pixel) + zero_point, limits.min), limits.max) for pixel in PIXELS.ravel()]
    assert row.view(np.dtype(kind).newbyteorder("<")).tolist() == expected


def test_rows_of_float32_are_the_pixels_themselves() -> None:
    (row,) = SOURCE.rows((tensor("float32", None, None),), np.arange(1))
    assert row.view("<f4").tolist() == (PIXELS.ravel().astype(np.float32) / np.float32(255)).tolist()


@pytest.mark.parametrize(
    ("kind", "scale", "named"),
    [("int32", 0.1, "int32 with a scale"), ("bool", None, "bool without"), ("int8", None, "int8 without")],
)
def test_other_inputs_are_refused_by_name(kind: TensorType, scale: float | None, named: str) -> None:
    with pytest.raises(InputError, match=named):
        SOURCE.rows((tensor(kind, scale, 0),), np.arange(1))


@pytest.mark.parametrize(("kind", "zero_point"), [("uint8", -1), ("uint8", 256), ("int16", 40000)])
def test_a_zero_point_of_another_type_is_refused(kind: TensorType, zero_point: int) -> None:
    with pytest.raises(InputError, match=f"{kind} tensor"):
        quantize(PIXELS, 0.1, zero_point, dtype=np.dtype(kind))


@pytest.mark.parametrize(
    ("kind", "scale", "zero_point", "span", "fits"),
    [
        ("int8", 1 / 255, -128, (0.0, 1.0), True),
        ("int8", 0.9 / 255, -128, (0.0, 1.0), True),
        ("int8", 1.0, -128, (0.0, 1.0), False),  # made for 0 to 255
        ("int8", 1.0, -128, (0.0, 255.0), True),
        ("int8", 1 / 255, -128, (0.0, 255.0), False),
        ("int8", 2 / 255, 0, (-1.0, 1.0), True),
        ("int8", 2 / 255, 0, (0.0, 1.0), False),
        ("int8", 1 / 255, -128, (-1.0, 1.0), False),
        ("uint8", 1 / 255, 0, (0.0, 1.0), True),
        ("int16", 1 / 32767, 0, (0.0, 1.0), True),
        ("int16", 1 / 32767, 0, (-1.0, 1.0), True),
        ("int16", 255 / 32767, 0, (0.0, 1.0), False),
        ("float32", None, None, (0.0, 1.0), True),
    ],
)
def test_a_range_that_the_model_was_not_made_for_is_noticed(
    kind: TensorType, scale: float | None, zero_point: int | None, span: Span, fits: bool
) -> None:
    held = held_range(tensor(kind, scale, zero_point), span)
    assert (held is None) == fits
    doubt = FashionMnist(SOURCE.split, span).doubt((tensor(kind, scale, zero_point),))
    assert (doubt is None) == fits and (fits or "--input-range" in str(doubt))


@pytest.mark.parametrize(
    "text", ["", "1", "a:b", "1:0", "1:1", "nan:1", "0:nan", "-inf:0", "0:1e39", "0:1e300"]
)
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="is no range"):
        parse_span(text)


def test_a_range_is_read() -> None:
    assert parse_span("-1:1") == (-1.0, 1.0)


def test_spread_pixels_are_zero_to_one() -> None:
    pixels = np.array([[[0, 51, 255]]], np.uint8)
    assert spread(pixels).tolist() == [[[0.0, np.float32(0.2), 1.0]]]
    assert spread(pixels, (-1.0, 1.0)).tolist() == [[[-1.0, pytest.approx(-0.6), 1.0]]]

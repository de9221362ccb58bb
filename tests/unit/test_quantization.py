"""The fixed-point numbers are those that TensorFlow Lite Micro computes."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boardproof_export.model.fixed_point import (
    activation_range,
    per_channel_multiplier,
    per_tensor_multiplier,
    quantize_multiplier,
)
from boardproof_export.shared.model import Activation


@given(st.floats(min_value=2.0**-31, max_value=2.0**30))
def test_multiplier_is_the_nearest_31_bit_fraction(real: float) -> None:
    multiplier, shift = quantize_multiplier(real)
    assert 1 << 30 <= multiplier < 1 << 31
    value = Fraction(multiplier) * Fraction(2) ** (shift - 31)
    assert abs(value - Fraction(real)) <= Fraction(2) ** (shift - 32)


@pytest.mark.parametrize(
    ("real", "expected"),
    [
        (0.0, (0, 0)),
        (1.0, (1 << 30, 1)),
        (0.5, (1 << 30, 0)),
        (math.nextafter(1.0, 0.0), (1 << 30, 1)),  # rounds up to 2^31, which is halved
        (2.0**-32, (1 << 30, -31)),
        (math.nextafter(2.0**-32, 0.0), (1 << 30, -31)),
        (2.0**-33, (0, 0)),  # flushed: all bits would be shifted out
    ],
)
def test_multiplier_edges(real: float, expected: tuple[int, int]) -> None:
    assert quantize_multiplier(real) == expected


def test_per_tensor_products_are_float32_and_per_channel_products_double() -> None:
    scales = np.float32(0.1), np.float32(0.3), np.float32(1.0)
    assert per_channel_multiplier(*scales) == float(scales[0]) * float(scales[1])
    assert per_tensor_multiplier(*scales) == float(np.float32(scales[0] * scales[1]))
    assert per_channel_multiplier(*scales) != per_tensor_multiplier(*scales)


@pytest.mark.parametrize(
    ("activation", "scale", "zero_point", "expected"),
    [
        (Activation.NONE, 0.1, 5, (-128, 127)),
        (Activation.RELU, 0.1, 5, (5, 127)),
        (Activation.RELU, 0.1, -128, (-128, 127)),
        (Activation.RELU6, 0.1, -100, (-100, -40)),
        (Activation.RELU6, 0.01, -100, (-100, 127)),
        (Activation.RELU_N1_TO_1, 0.125, 3, (-5, 11)),
        (Activation.RELU_N1_TO_1, 2.0, 0, (-1, 1)),  # half away from zero
        (Activation.RELU_N1_TO_1, 1e-3, 0, (-128, 127)),
    ],
)
def test_activation_ranges(
    activation: Activation, scale: float, zero_point: int, expected: tuple[int, int]
) -> None:
    assert activation_range(activation, np.float32(scale), zero_point) == expected


@pytest.mark.parametrize("scale", [1e-9, 1e-42])
def test_a_bound_beyond_int32_is_refused(scale: float) -> None:
    with pytest.raises(ValueError, match="does not fit int32"):
        activation_range(Activation.RELU6, np.float32(scale), 0)

"""The functions of gemmlowp's fixedpoint.h that operators are made of, on int64 arrays of raw values. No operator lives
here. Numbers have 31 bits below the point where nothing else is said."""

import numpy as np
from numpy.typing import NDArray

from boardproof_export.model import fixed_point

Values = NDArray[np.int64]
ONE = (1 << 31) - 1


def product(a: Values, b: Values | int) -> Values:
    """The doubled high half, to nearest, ties upward."""
    return (a * b + (1 << 30)) >> 31


def shift_left(values: Values, bits: Values | int) -> Values:
    """Times 2^bits, saturating."""
    clipped: Values = np.clip(values << bits, -(1 << 31), ONE)
    return clipped


def exponential(scaled: Values, integer_bits: int) -> Values:
    """exp of values <= 0 with `integer_bits` bits above the point."""
    below = 31 - integer_bits
    quarter = 1 << (below - 2)
    part = (scaled & (quarter - 1)) - quarter
    x = (part << integer_bits) + (1 << 28)
    square = product(x, x)
    cube = product(square, x)
    fourth = fixed_point.divide_by_power(product(square, square), 2)
    tail = fixed_point.divide_by_power(product(fourth + cube, 715827883) + square, 1)
    result = 1895147668 + product(x + tail, 1895147668)
    remainder = part - scaled
    # exp(-1/4), exp(-1/2), exp(-1) to exp(-16), as far as the integer bits reach
    factors = (1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242)
    for bit, factor in enumerate(factors[: 2 + integer_bits], below - 2):
        result = np.where(remainder >> bit & 1, product(result, factor), result)
    result[scaled == 0] = ONE
    return result


def reciprocal(fraction: Values) -> Values:
    """1 / (1 + fraction) for fractions of 0 to 1: three steps of Newton's method."""
    half = (fraction + (1 << 31)) >> 1  # of the denominator: fraction plus 2^31 - 1, halved away from zero
    return shift_left(_newton(half), 1)


def _newton(half: Values) -> Values:
    x = 1515870810 + product(half, -1010580540)  # 48/17 - 32/17 * half, with 29 bits
    for _ in range(3):
        x = x + shift_left(product(x, (1 << 29) - product(half, x)), 2)
    return x


def logistic(values: Values) -> Values:
    """1 / (1 + exp(-x)) of values with 4 bits above the point."""
    inverse = reciprocal(exponential(-np.abs(values), 4))
    found: Values = np.where(values > 0, inverse, ONE - inverse)
    found[values == 0] = 1 << 30
    return found


def tanh(values: Values) -> Values:
    """tanh of values with 4 bits above the point: (1 - exp(-2 |x|)) / (1 + exp(-2 |x|)), with the sign of x."""
    fraction = exponential(-np.abs(values), 5)  # the same bits, twice as much: one more above the point
    half = (fraction + (1 << 31)) >> 1
    positive = shift_left(_newton(half) - (1 << 29), 2)
    found: Values = np.where(values < 0, -positive, positive)
    found[values == 0] = 0
    return found


def inverse_root(value: int) -> tuple[int, int]:
    """1 / sqrt(value) for a whole value >= 0 as multiplier and shift: GetInvSqrtQuantizedMultiplierExp of
    kernels/internal/common.cc, five steps of Newton's method from 1. Of 0 it is that of 1."""
    if value <= 1:
        return ONE, 0
    shift = 11
    while value >= 1 << 29:
        value //= 4
        shift += 1
    pairs = (31 - value.bit_length()) // 2 - 1  # so that it has 28 or 29 bits
    value <<= 2 * pairs
    shift -= pairs
    half = ((value >> 1) + 1) >> 1
    x = np.array(1 << 28)
    for _ in range(5):
        cube = shift_left(product(product(x, x), x), 6)
        x = shift_left(product(np.array(3 << 27), x) - product(np.array(half), cube), 3)
    root = int(product(x, 1518500250))
    return (root << -shift, 0) if shift < 0 else (root, -shift)


def logarithm(values: Values, integer_bits: int) -> Values:
    """log of values of 1 and more with 12 bits above the point, with `integer_bits` bits above it:
    log_x_for_x_greater_than_or_equal_to_1 of kernels/internal/common.h. Besides a power of two, a value between a half
    and one is left; of that, a quotient of polynomials around the fourth root of a half."""
    accumulator = 31 - integer_bits - 1
    quarter = 1 << (accumulator - 2)
    root_of_half, fourth_root = 1518500250, 1805811301
    zeros = _leading_zeros(values)
    one = shift_left(product(shift_left(values, zeros - 1), root_of_half), 1)
    one_power = ((12 - zeros) << accumulator) + quarter
    zeros = _leading_zeros(product(values, root_of_half))
    other = shift_left(values, zeros - 1)
    other_power = ((13 - zeros) << accumulator) - quarter
    rest, power = np.minimum(one, other), np.maximum(one_power, other_power)
    middle = (rest + fourth_root + 1) >> 1
    off = 2 * (rest - fourth_root)
    square = product(off, off)
    above = product(off, rest) + product(product(off, square), 117049297)
    below = product(middle, 1057819769 + off + product(square, 127690142)) + product(off, 638450708)
    fine = product(fixed_point.divide_by_power(above, integer_bits + 1), reciprocal(below))
    return shift_left(product(power, 1488522236) + fine, 1)


def _leading_zeros(values: Values) -> Values:
    return np.array([32 - int(value).bit_length() for value in values.ravel()], np.int64).reshape(
        values.shape
    )

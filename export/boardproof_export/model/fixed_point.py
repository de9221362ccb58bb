"""Fixed-point arithmetic of TensorFlow Lite Micro, computed at export time as its kernels' Prepare computes it.

Sources, all in tensorflow/lite: kernels/internal/quantization_util.cc (QuantizeMultiplier), kernels/kernel_util.cc
(GetQuantizedConvolutionMultipler, CalculateActivationRangeQuantized), micro/kernels/fully_connected_common.cc.
Where those compute in float32, so does this: a double would differ in the last bit.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from boardproof_export.shared.model import Activation

INT8_MIN = -128
INT8_MAX = 127
MAX_LEFT_SHIFT = 30  # beyond, TensorFlow Lite Micro's 1 << shift is undefined
MAX_BIAS_SCALE_DIFFERENCE = 0.02  # in units of the output scale


def quantize_multiplier(real: float) -> tuple[int, int]:
    """Writes `real` >= 0 as multiplier * 2^(shift - 31), multiplier 0 or in [2^30, 2^31 - 1].

    Returns multiplier and shift, the shift -31 or more; smaller reals become 0 (QuantizeMultiplier).
    """
    if real == 0.0:
        return 0, 0
    fraction, shift = math.frexp(real)
    # Half away from zero; the sum is exact, since a double's fraction has 22 bits below the point here.
    multiplier = math.floor(fraction * (1 << 31) + 0.5)
    if multiplier == 1 << 31:
        multiplier //= 2
        shift += 1
    if shift < -31:
        return 0, 0
    return multiplier, shift


def per_channel_multiplier(
    input_scale: np.float32, weight_scale: np.float32, output_scale: np.float32
) -> float:
    """The real multiplier of one channel: a product of doubles."""
    return float(input_scale) * float(weight_scale) / float(output_scale)


def per_tensor_multiplier(
    input_scale: np.float32, weight_scale: np.float32, output_scale: np.float32
) -> float:
    """The real multiplier of a whole tensor: a float32 product, then a double quotient."""
    with np.errstate(over="ignore", under="ignore"):
        product = np.float32(input_scale) * np.float32(weight_scale)
    return float(product) / float(output_scale)


def bias_scale_difference(
    input_scale: np.float32, weight_scale: np.float32, bias_scale: np.float32, output_scale: np.float32
) -> float:
    """How far the bias scale is off, in output scales; per-tensor layers above 0.02 are refused by the runtime."""
    return abs(float(input_scale) * float(weight_scale) - float(bias_scale)) / float(output_scale)


def activation_range(activation: Activation, scale: np.float32, zero_point: int) -> tuple[int, int]:
    """The int8 clamp of a fused activation.

    Raises:
        ValueError: a bound does not fit int32 before clamping, which the runtime refuses.
    """
    lower, upper = INT8_MIN, INT8_MAX
    if activation in (Activation.RELU, Activation.RELU6):
        lower = max(lower, _quantize(0.0, scale, zero_point))
    if activation == Activation.RELU6:
        upper = min(upper, _quantize(6.0, scale, zero_point))
    if activation == Activation.RELU_N1_TO_1:
        lower = max(lower, _quantize(-1.0, scale, zero_point))
        upper = min(upper, _quantize(1.0, scale, zero_point))
    return lower, upper


def _quantize(real: float, scale: np.float32, zero_point: int) -> int:
    with np.errstate(over="ignore"):
        quotient = np.float32(real) / np.float32(scale)
    if not abs(float(quotient)) < (1 << 31) - 256:
        raise ValueError(f"{real:g} / {float(scale):g} does not fit int32")
    # std::round on a float: half away from zero, exact in double.
    rounded = math.copysign(math.floor(abs(float(quotient)) + 0.5), float(quotient))
    return zero_point + int(rounded)


def wrap(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """The int32 that is left of each value modulo 2^32."""
    return (values + (1 << 31)) % (1 << 32) - (1 << 31)


def multiply(
    values: NDArray[np.int64], multipliers: Sequence[int], shifts: Sequence[int]
) -> NDArray[np.int64]:
    """MultiplyByQuantizedMultiplier with double rounding; multipliers and shifts belong to the last axis of `values`.

    Values wrap modulo 2^32 before and after the left shift.
    """
    factors, left = np.array(multipliers, np.int64), np.array(shifts, np.int64)
    shifted = wrap(wrap(values) << np.maximum(left, 0))
    high = (shifted * factors + (1 << 30)) >> 31
    return divide_by_power(high, np.maximum(-left, 0))


def rescale(values: NDArray[np.int64], scale: tuple[int, int]) -> NDArray[np.int64]:
    """The same for all of `values`, with one multiplier and its shift."""
    return multiply(values, scale[:1], scale[1:])


def divide_by_power(values: NDArray[np.int64], exponents: NDArray[np.int64] | int) -> NDArray[np.int64]:
    """values / 2^exponents, to nearest, half away from zero (gemmlowp's RoundingDivideByPOT)."""
    half = (np.int64(1) << exponents) >> 1
    return np.where(values < 0, -((-values + half) >> exponents), (values + half) >> exponents)

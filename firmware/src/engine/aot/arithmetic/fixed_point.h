/* The arithmetic of gemmlowp's fixedpoint.h that TensorFlow Lite Micro computes with. */
#ifndef BOARDPROOF_ENGINE_AOT_ARITHMETIC_FIXED_POINT_H
#define BOARDPROOF_ENGINE_AOT_ARITHMETIC_FIXED_POINT_H

#include <stdint.h>

/* The bits of `value` as a signed number: two's complement on every compiler that builds this. */
static inline int32_t aot_signed(uint32_t value) { return (int32_t)value; }

/* The doubled high half of a * b, to nearest, ties upward: SaturatingRoundingDoublingHighMul. Not both may be -2^31, where
 * it would saturate. */
static inline int32_t aot_high_product(int32_t a, int32_t b) {
  return (int32_t)(((int64_t)a * b + ((int64_t)1 << 30)) >> 31);
}

/* value / 2^shift for shift >= 1, to nearest, ties away from zero: RoundingDivideByPOT. That is ties upward of a negative
 * number less one. `value` is above -2^31; adding the half after all but one bit are shifted out cannot overflow. */
static inline int32_t aot_divide(int32_t value, int32_t shift) {
  const int32_t lowered = value + (value >> 31);
  return ((lowered >> (shift - 1)) + 1) >> 1;
}

/* MultiplyByQuantizedMultiplier of tensorflow/lite/kernels/internal/common.cc, with double rounding. The value wraps where
 * it is shifted to the left. */
static inline int32_t aot_scale(int32_t value, int32_t multiplier, int32_t right_shift) {
  if (right_shift > 0) {
    return aot_divide(aot_high_product(value, multiplier), right_shift);
  }
  return aot_high_product(aot_signed((uint32_t)value << -right_shift), multiplier);
}

#endif

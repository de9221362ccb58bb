#include "requantize.h"

/* The doubled high half of value * multiplier, to nearest, ties upward. Source:
 * SaturatingRoundingDoublingHighMul in gemmlowp's fixedpoint.h; no multiplier is negative, so that it cannot
 * saturate. */
static inline int32_t high_product(uint32_t value, int32_t multiplier) {
  return (int32_t)(((int64_t)aot_signed(value) * multiplier + ((int64_t)1 << 30)) >> 31);
}

/* value / 2^shift for shift >= 1, to nearest, ties away from zero: RoundingDivideByPOT in gemmlowp's
 * fixedpoint.h. That is ties upward of a negative number less one. A high product is above -2^31, as
 * multipliers are below 2^31; adding the half after all but one bit are shifted out cannot overflow. */
static inline int32_t divide(int32_t value, int32_t shift) {
  const int32_t lowered = value + (value >> 31);
  return ((lowered >> (shift - 1)) + 1) >> 1;
}

/* A scale of 1 or more is rare: kept out of line, so that it costs the loop below nothing. */
static __attribute__((noinline)) int32_t scale_up(uint32_t value, int32_t multiplier, int32_t left_shift) {
  return high_product(value << left_shift, multiplier);
}

/* MultiplyByQuantizedMultiplier in tensorflow/lite/kernels/internal/common.cc, with double rounding. */
static inline int32_t scale(uint32_t value, int32_t multiplier, int32_t right_shift) {
  if (right_shift > 0) {
    return divide(high_product(value, multiplier), right_shift);
  }
  return scale_up(value, multiplier, -right_shift);
}

void aot_write(const MODEL_FLASH aot_rescale_t *rescale, uint16_t channel, uint16_t count,
               const uint32_t *sums, uint32_t correction, int8_t *output) {
  const MODEL_FLASH aot_channel_t *entry = rescale->channels + channel;
  const MODEL_FLASH aot_channel_t *const end = entry + count;
  const int32_t zero_point = rescale->zero_point;
  const int32_t least = rescale->least;
  const int32_t most = rescale->most;
  output += channel;
  do {
    const uint32_t value = *sums++ - correction + (uint32_t)entry->bias;
    const uint32_t scaled = (uint32_t)scale(value, entry->multiplier, entry->right_shift);
    int32_t result = aot_signed(scaled + (uint32_t)zero_point);
    result = result < least ? least : result;
    result = result > most ? most : result;
    *output++ = (int8_t)result;
  } while (++entry != end);
}

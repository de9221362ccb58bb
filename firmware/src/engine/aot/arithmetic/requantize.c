#include "requantize.h"

/* A scale of 1 or more is rare: kept out of line, so that it costs the loop below nothing. */
static __attribute__((noinline)) int32_t scale_up(uint32_t value, int32_t multiplier, int32_t left_shift) {
  return aot_high_product(aot_signed(value << left_shift), multiplier);
}

/* MultiplyByQuantizedMultiplier in tensorflow/lite/kernels/internal/common.cc, with double rounding. */
static inline int32_t scale(uint32_t value, int32_t multiplier, int32_t right_shift) {
  if (right_shift > 0) {
    const int32_t high = aot_high_product(aot_signed(value), multiplier);
    return aot_divide(high, right_shift);
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

#include "requantize.h"

#include <stddef.h>

/* The doubled high half of a product, to nearest, where twice `value` fits: the high half of the doubled value. */
static inline int32_t quick_high_product(int32_t value, int32_t multiplier) {
#ifdef __ARM_FEATURE_DSP
  int32_t high;
  __asm__("smmulr %0, %1, %2" : "=r"(high) : "r"(value * 2), "r"(multiplier));
  return high;
#else
  return (int32_t)(((int64_t)(value * 2) * multiplier + ((int64_t)1 << 31)) >> 32);
#endif
}

/* The int8 that is nearest. */
static inline int32_t saturate(int32_t value) {
#ifdef __ARM_FEATURE_SAT
  int32_t result;
  __asm__("ssat %0, #8, %1" : "=r"(result) : "r"(value));
  return result;
#else
  value = value < INT8_MIN ? INT8_MIN : value;
  return value > INT8_MAX ? INT8_MAX : value;
#endif
}

/* Writes what `least` and `most` leave, or without a clamp what int8 leaves. */
static inline void write_packed(const MODEL_FLASH aot_packed_channel_t *entry, uint16_t count,
                                const uint32_t *sums, uint32_t correction, int32_t zero_point, int clamped,
                                int32_t least, int32_t most, int8_t *output) {
  const MODEL_FLASH aot_packed_channel_t *const end = entry + count;
  do {
    const int32_t both = entry->bias_and_shift;
    const int32_t value = aot_signed(*sums++ - correction + (uint32_t)(both >> 5));
    const int32_t high = quick_high_product(value, entry->multiplier);
    int32_t result = aot_divide(high, (both & 31) + 1) + zero_point;
    if (clamped) {
      result = result < least ? least : result;
      result = result > most ? most : result;
    } else {
      result = saturate(result);
    }
    *output++ = (int8_t)result;
  } while (++entry != end);
}

void aot_write(const MODEL_FLASH aot_rescale_t *rescale, uint16_t channel, uint16_t count,
               const uint32_t *sums, uint32_t correction, int8_t *output) {
  const int32_t zero_point = rescale->zero_point;
  const int32_t least = rescale->least;
  const int32_t most = rescale->most;
  const MODEL_FLASH aot_packed_channel_t *const packed = rescale->packed;
  output += channel;
  if (packed != NULL) {
    if (least == INT8_MIN && most == INT8_MAX) {
      write_packed(packed + channel, count, sums, correction, zero_point, 0, least, most, output);
    } else {
      write_packed(packed + channel, count, sums, correction, zero_point, 1, least, most, output);
    }
    return;
  }
  const MODEL_FLASH aot_channel_t *entry = rescale->channels + channel;
  const MODEL_FLASH aot_channel_t *const end = entry + count;
  do {
    const int32_t value = aot_signed(*sums++ - correction + (uint32_t)entry->bias);
    const uint32_t scaled = (uint32_t)aot_scale(value, entry->multiplier, entry->right_shift);
    int32_t result = aot_signed(scaled + (uint32_t)zero_point);
    result = result < least ? least : result;
    result = result > most ? most : result;
    *output++ = (int8_t)result;
  } while (++entry != end);
}

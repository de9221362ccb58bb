/* Functions of one float32 value, for any core and without a library's. */
#include "real.h"

/* Beyond, every float is a whole number; NaN is not within. */
static int has_fraction(float value) { return value > -8388608.0f && value < 8388608.0f; }

static float floor_of(float value) {
  if (!has_fraction(value)) {
    return value;
  }
  const float whole = (float)(int32_t)value; /* towards zero */
  const float result = whole > value ? whole - 1.0f : whole;
  return result == 0.0f ? value * 0.0f : result; /* a zero with the value's sign */
}

static float negative_of(float value) { return -value; }

static float ceil_of(float value) { return -floor_of(-value); }

static float square_of(float value) { return value * value; }

static float round_of(float value) {
  const float below = floor_of(value);
  const float rest = value - below;
  if (!has_fraction(value) || rest < 0.5f || (rest == 0.5f && ((int32_t)below & 1) == 0)) {
    return below;
  }
  return below + 1.0f;
}

#define DEFINE(name, function)                                                         \
  void aot_##name(const MODEL_FLASH aot_real_t *op, const void *input, void *output) { \
    const float *from = input;                                                         \
    float *to = output;                                                                \
    for (uint32_t i = 0; i < op->count; ++i) {                                         \
      *to++ = function(*from++);                                                       \
    }                                                                                  \
  }

DEFINE(neg, negative_of)
DEFINE(floor, floor_of)
DEFINE(ceil, ceil_of)
DEFINE(round, round_of)
DEFINE(square, square_of)

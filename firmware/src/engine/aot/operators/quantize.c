/* Changes of scale and type, for any core. */
#include "quantize.h"

#include "../arithmetic/fixed_point.h"

static void store(uint8_t bytes, void *output, uint32_t index, int32_t value) {
  if (bytes == 1) {
    ((int8_t *)output)[index] = (int8_t)value;
  } else if (bytes == 2) {
    ((int16_t *)output)[index] = (int16_t)value;
  } else {
    ((int32_t *)output)[index] = value;
  }
}

static int32_t cut(const MODEL_FLASH aot_scaled_t *op, int32_t value) {
  value = value < op->least ? op->least : value;
  return value > op->most ? op->most : value;
}

void aot_quantize(const MODEL_FLASH aot_scaled_t *op, const void *input, void *output) {
  const float *from = input;
  const float scale = op->scale;
  for (uint32_t i = 0; i < op->count; ++i) {
    const float steps = from[i] / scale;
    int32_t result = op->least;
    if (steps >= 8388608.0f) {
      result = op->most;
    } else if (steps > -8388608.0f) {
      int32_t whole = (int32_t)steps;
      const float rest = steps - (float)whole; /* exact */
      if (rest >= 0.5f) {
        ++whole;
      } else if (rest <= -0.5f) {
        --whole;
      }
      result = cut(op, whole + op->output_zero_point);
    }
    store(op->output_bytes, output, i, result);
  }
}

static int32_t load(uint8_t bytes, const void *input, uint32_t index) {
  if (bytes == 1) {
    return ((const int8_t *)input)[index];
  }
  return bytes == 2 ? ((const int16_t *)input)[index] : ((const int32_t *)input)[index];
}

void aot_requantize(const MODEL_FLASH aot_scaled_t *op, const void *input, void *output) {
  for (uint32_t i = 0; i < op->count; ++i) {
    const uint32_t value = (uint32_t)load(op->source_bytes, input, i) - (uint32_t)op->source_zero_point;
    const int32_t scaled = aot_scale(aot_signed(value), op->multiplier, op->right_shift);
    const int32_t result = aot_signed((uint32_t)scaled + (uint32_t)op->output_zero_point);
    store(op->output_bytes, output, i, cut(op, result));
  }
}

void aot_dequantize(const MODEL_FLASH aot_scaled_t *op, const void *input, void *output) {
  float *to = output;
  const float scale = op->scale;
  for (uint32_t i = 0; i < op->count; ++i) {
    to[i] = scale * (float)(load(op->source_bytes, input, i) - op->source_zero_point);
  }
}

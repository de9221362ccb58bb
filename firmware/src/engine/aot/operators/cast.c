/* Values of another type, for any core. */
#include "cast.h"

#include <stddef.h>

static int32_t whole(float value) {
  if (value >= 2147483648.0f) {
    return INT32_MAX;
  }
  return value >= -2147483648.0f ? (int32_t)value : INT32_MIN;
}

static int32_t load(uint8_t type, const void *input, size_t at) {
  switch (type) {
    case AOT_CAST_INT8:
      return ((const int8_t *)input)[at];
    case AOT_CAST_INT16:
      return ((const int16_t *)input)[at];
    case AOT_CAST_INT32:
      return ((const int32_t *)input)[at];
    case AOT_CAST_FLOAT:
      return whole(((const float *)input)[at]);
    default:
      return ((const uint8_t *)input)[at] != 0;
  }
}

static void store(uint8_t type, void *output, size_t at, int32_t value) {
  switch (type) {
    case AOT_CAST_INT8:
      ((int8_t *)output)[at] = (int8_t)value;
      break;
    case AOT_CAST_INT16:
      ((int16_t *)output)[at] = (int16_t)value;
      break;
    case AOT_CAST_INT32:
      ((int32_t *)output)[at] = value;
      break;
    default:
      ((float *)output)[at] = (float)value;
      break;
  }
}

void aot_cast(const MODEL_FLASH aot_cast_t *op, const void *input, void *output) {
  for (uint32_t i = 0; i < op->count; ++i) {
    const size_t at = (size_t)i;
    if (op->source == AOT_CAST_FLOAT && op->output == AOT_CAST_FLOAT) {
      ((float *)output)[at] = ((const float *)input)[at];
    } else {
      store(op->output, output, at, load(op->source, input, at));
    }
  }
}

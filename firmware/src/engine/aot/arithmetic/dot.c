#include "dot.h"

uint32_t aot_dot(const MODEL_FLASH int8_t *weights, const int8_t *values, uint16_t count, uint32_t sum) {
  for (uint16_t i = 0; i < count; ++i) {
    sum += (uint32_t)((int32_t)weights[i] * values[i]);
  }
  return sum;
}

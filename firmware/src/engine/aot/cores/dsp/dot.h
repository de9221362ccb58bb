/* aot_dot_t for cores with the DSP extension: four products in two multiplications. */
#ifndef BOARDPROOF_ENGINE_AOT_CORES_DSP_DOT_H
#define BOARDPROOF_ENGINE_AOT_CORES_DSP_DOT_H

#include "../../arithmetic/dot.h"
#include "dsp.h"

/* Four bytes at any address. */
static inline uint32_t dsp_load(const int8_t *bytes) {
  uint32_t word;
  __builtin_memcpy(&word, bytes, sizeof word);
  return word;
}

static inline uint32_t dsp_sum_of_products(const MODEL_FLASH int8_t *weights, const int8_t *values,
                                           uint16_t count, uint32_t sum) {
  const int8_t *const end = values + (count & ~3u);
  while (values != end) {
    const uint32_t four = dsp_load((const int8_t *)weights);
    const uint32_t others = dsp_load(values);
    sum = dsp_dot(dsp_even(four), dsp_even(others), sum);
    sum = dsp_dot(dsp_odd(four), dsp_odd(others), sum);
    weights += 4;
    values += 4;
  }
  return (count & 3u) == 0 ? sum : aot_dot(weights, values, count & 3u, sum);
}

#endif

/* SVDF for cores with the DSP extension. */
#include "../../operators/svdf.h"

#include "dot.h"

static uint32_t dot(const MODEL_FLASH int8_t *weights, const int8_t *values, uint16_t count, uint32_t sum) {
  return dsp_sum_of_products(weights, values, count, sum);
}

void aot_svdf_int8_dsp(const MODEL_FLASH aot_svdf_t *op, const int8_t *input, int8_t *output, void *state) {
  aot_svdf_int8(op, input, output, state, dot);
}

void aot_svdf_int16_dsp(const MODEL_FLASH aot_svdf_t *op, const int8_t *input, int8_t *output, void *state) {
  aot_svdf_int16(op, input, output, state, dot);
}

/* An LSTM for cores with the DSP extension. */
#include "../../operators/lstm.h"

#include "dot.h"

static uint32_t dot(const MODEL_FLASH int8_t *weights, const int8_t *values, uint16_t count, uint32_t sum) {
  return dsp_sum_of_products(weights, values, count, sum);
}

void aot_lstm_dsp(const MODEL_FLASH aot_lstm_t *op, const int8_t *input, int8_t *output, void *hidden,
                  void *cell) {
  aot_lstm(op, input, output, hidden, cell, dot);
}

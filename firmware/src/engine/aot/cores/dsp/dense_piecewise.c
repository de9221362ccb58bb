/* Dense layers of very many inputs, for cores with the DSP extension: see arithmetic/dense.h. */
#include "dense_list.h"

/* Adds to `sums`, one an output, what the listed inputs from pair `start` on give. */
static void add_piece(const MODEL_FLASH aot_dense_t *op, uint32_t start, const uint32_t *list,
                      uint32_t *sums) {
  const uint32_t pairs = (op->depth + 1u) / 2u;
  const uint16_t outputs = op->outputs;
  const MODEL_FLASH uint32_t *weights = op->weights;
  uint32_t some[AOT_BLOCK];
  uint16_t channel = 0;
  for (; outputs - channel >= AOT_BLOCK; channel = (uint16_t)(channel + AOT_BLOCK)) {
    if (op->paired) {
      block(weights + start * BLOCK_WORDS, list, 1, some);
    } else {
      block(weights + start * BLOCK_WORDS, list, 0, some);
    }
    for (uint8_t i = 0; i < AOT_BLOCK; ++i) {
      sums[channel + i] += some[i];
    }
    weights += pairs * BLOCK_WORDS;
  }
  for (; channel < outputs; channel = (uint16_t)(channel + 2)) {
    column(weights + start, list, op->paired, some);
    sums[channel] += some[0];
    if (outputs - channel > 1) {
      sums[channel + 1] += some[1];
    }
    weights += pairs;
  }
}

/* All outputs of one batch, a piece of the inputs after the other. */
static void outputs_piecewise(const MODEL_FLASH aot_dense_t *op, const int8_t *input, uint32_t *sums,
                              int8_t *output) {
  uint32_t *const list = sums + op->outputs;
  const int32_t weights_zero_point = op->weights_zero_point;
  uint32_t correction = 0;
  for (uint16_t i = 0; i < op->outputs; ++i) {
    sums[i] = 0;
  }
  for (uint32_t start = 0; start < op->depth; start += AOT_PIECE) {
    const uint32_t left = op->depth - start;
    list_pairs(input + start, (uint16_t)(left < AOT_PIECE ? left : AOT_PIECE), op->input_zero_point, list);
    if (weights_zero_point != 0) {
      correction += (uint32_t)(sum_values(list) * weights_zero_point);
    }
    add_piece(op, start / 2u, list, sums);
  }
  aot_write(&op->rescale, 0, op->outputs, sums, correction, output);
}

void aot_dense_piecewise_dsp(const MODEL_FLASH aot_dense_t *op, const int8_t *input, int8_t *output,
                             void *scratch) {
  if (!AOT_PIECEWISE(op->depth, op->outputs)) {
    aot_dense_dsp(op, input, output, scratch);
    return;
  }
  for (uint16_t batch = 0; batch < op->batches; ++batch) {
    outputs_piecewise(op, input, scratch, output);
    input += op->depth;
    output += op->outputs;
  }
}

/* Dense layers of very many inputs, for cores with the DSP extension: see arithmetic/dense.h. */
#include "dense_list.h"

/* Adds to `sums`, one an output, what the listed inputs from `start` on give. */
static void add_piece(const MODEL_FLASH aot_dense_t *op, uint32_t start, const list_element_t *list,
                      uint32_t *sums) {
  const uint32_t pairs = (op->depth + 1u) / 2u, first = start / 2u;
  const uint16_t outputs = op->outputs;
  const MODEL_FLASH uint32_t *weights = op->weights;
  uint32_t some[AOT_BLOCK];
  uint16_t channel = 0;
  for (; outputs - channel >= AOT_BLOCK; channel = (uint16_t)(channel + AOT_BLOCK)) {
    if (op->paired) {
      block(weights + first * BLOCK_WORDS, list, 1, some);
    } else {
      block(weights + first * BLOCK_WORDS, list, 0, some);
    }
    for (uint8_t i = 0; i < AOT_BLOCK; ++i) {
      sums[channel + i] += some[i];
    }
    weights += pairs * BLOCK_WORDS;
  }
  for (; channel < outputs; channel = (uint16_t)(channel + 2)) {
    column(weights + first, list, op->paired, some);
    sums[channel] += some[0];
    if (outputs - channel > 1) {
      sums[channel + 1] += some[1];
    }
    weights += pairs;
  }
}

#include "../../arithmetic/dense_piecewise.h"

void aot_dense_piecewise_dsp(const MODEL_FLASH aot_dense_t *op, const int8_t *input, int8_t *output,
                             void *scratch) {
  if (!AOT_PIECEWISE(op->depth, op->outputs)) {
    aot_dense_dsp(op, input, output, scratch);
    return;
  }
  batches_piecewise(op, input, output, scratch);
}

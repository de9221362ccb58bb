/* Dense layers of very many inputs, for any core: see arithmetic/dense.h. The weights are laid out as for dense.c. */
#include "dense_list.h"

/* Adds to `sums`, one an output, what the listed inputs from `start` on give. */
static void add_piece(const MODEL_FLASH aot_dense_t *op, uint32_t start, const list_element_t *list,
                      uint32_t *sums) {
  const uint32_t depth = op->depth;
  const uint16_t outputs = op->outputs;
  const MODEL_FLASH int8_t *weights = op->weights;
  uint32_t some[AOT_BLOCK];
  uint16_t channel = 0;
  for (; outputs - channel >= AOT_BLOCK; channel = (uint16_t)(channel + AOT_BLOCK)) {
    block(weights + start * AOT_BLOCK, list, some);
    for (uint8_t i = 0; i < AOT_BLOCK; ++i) {
      sums[channel + i] += some[i];
    }
    weights += depth * AOT_BLOCK;
  }
  for (; channel < outputs; ++channel) {
    sums[channel] += single(weights + start, list);
    weights += depth;
  }
}

#include "dense_piecewise.h"

void aot_dense_piecewise_portable(const MODEL_FLASH aot_dense_t *op, const int8_t *input, int8_t *output,
                                  void *scratch) {
  if (!AOT_PIECEWISE(op->depth, op->outputs)) {
    aot_dense_portable(op, input, output, scratch);
    return;
  }
  batches_piecewise(op, input, output, scratch);
}

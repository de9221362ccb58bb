/* Dense layers of very many inputs, for any core: see arithmetic/dense.h. The weights are laid out as for dense.c. */
#include "dense_list.h"

/* Adds to `sums`, one an output, what the listed inputs from `start` on give. */
static void add_piece(const MODEL_FLASH aot_dense_t *op, uint32_t start, const int16_t *list,
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

/* All outputs of one batch, a piece of the inputs after the other. */
static void outputs_piecewise(const MODEL_FLASH aot_dense_t *op, const int8_t *input, uint32_t *sums,
                              int8_t *output) {
  int16_t *const list = (int16_t *)(sums + op->outputs);
  const int32_t weights_zero_point = op->weights_zero_point;
  uint32_t correction = 0;
  for (uint16_t i = 0; i < op->outputs; ++i) {
    sums[i] = 0;
  }
  for (uint32_t start = 0; start < op->depth; start += AOT_PIECE) {
    const uint32_t left = op->depth - start;
    list_inputs(input + start, (uint16_t)(left < AOT_PIECE ? left : AOT_PIECE), op->input_zero_point, list);
    if (weights_zero_point != 0) {
      correction += (uint32_t)(sum_values(list) * weights_zero_point);
    }
    add_piece(op, start, list, sums);
  }
  aot_write(&op->rescale, 0, op->outputs, sums, correction, output);
}

void aot_dense_piecewise_portable(const MODEL_FLASH aot_dense_t *op, const int8_t *input, int8_t *output,
                                  void *scratch) {
  if (!AOT_PIECEWISE(op->depth, op->outputs)) {
    aot_dense_portable(op, input, output, scratch);
    return;
  }
  for (uint16_t batch = 0; batch < op->batches; ++batch) {
    outputs_piecewise(op, input, scratch, output);
    input += op->depth;
    output += op->outputs;
  }
}

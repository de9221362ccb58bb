/* Outputs of dense layers of very many inputs, a piece of the inputs after the other. Included behind what it is made of,
 * which each layout of weights has its own of: dense_list.h and add_piece. */
#ifndef BOARDPROOF_ENGINE_AOT_ARITHMETIC_DENSE_PIECEWISE_H
#define BOARDPROOF_ENGINE_AOT_ARITHMETIC_DENSE_PIECEWISE_H

#include "dense.h"

/* All outputs of one batch. */
static void outputs_piecewise(const MODEL_FLASH aot_dense_t *op, const int8_t *input, uint32_t *sums,
                              int8_t *output) {
  list_element_t *const list = (list_element_t *)(sums + op->outputs);
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

static void batches_piecewise(const MODEL_FLASH aot_dense_t *op, const int8_t *input, int8_t *output,
                              uint32_t *sums) {
  for (uint16_t batch = 0; batch < op->batches; ++batch) {
    outputs_piecewise(op, input, sums, output);
    input += op->depth;
    output += op->outputs;
  }
}

#endif

/* Dense layers for any core.
 *
 * An input equal to its zero point adds nothing. The others are listed once a layer, as runs of neighbours,
 * and every block of output channels walks only those, with its accumulators in registers.
 *
 * Layout of the weights: for each block of AOT_BLOCK outputs, for each input, the block's AOT_BLOCK weights;
 * then for each output left over, its `depth` weights. */
#include "dense.h"

#include "dense_list.h"

/* All outputs of one batch. */
static void outputs_of(const MODEL_FLASH aot_dense_t *op, const int16_t *list, int8_t *output) {
  const uint32_t depth = op->depth;
  const uint16_t outputs = op->outputs;
  const int32_t weights_zero_point = op->weights_zero_point;
  const uint32_t correction = weights_zero_point == 0 ? 0 : (uint32_t)(sum_values(list) * weights_zero_point);
  const MODEL_FLASH int8_t *weights = op->weights;
  uint32_t sums[AOT_BLOCK];
  uint16_t channel = 0;
  for (; outputs - channel >= AOT_BLOCK; channel = (uint16_t)(channel + AOT_BLOCK)) {
    block(weights, list, sums);
    aot_write(&op->rescale, channel, AOT_BLOCK, sums, correction, output);
    weights += depth * AOT_BLOCK;
  }
  for (; channel < outputs; ++channel) {
    sums[0] = single(weights, list);
    aot_write(&op->rescale, channel, 1, sums, correction, output);
    weights += depth;
  }
}

void aot_dense_portable(const MODEL_FLASH aot_dense_t *op, const int8_t *input, int8_t *output,
                        void *scratch) {
  int16_t *const list = scratch;
  for (uint16_t batch = 0; batch < op->batches; ++batch) {
    list_inputs(input, op->depth, op->input_zero_point, list);
    outputs_of(op, list, output);
    input += op->depth;
    output += op->outputs;
  }
}

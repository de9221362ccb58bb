/* Dense layers for cores with the DSP extension.
 *
 * As in arithmetic/dense.c, only inputs that differ from the zero point are walked; here they come in pairs
 * (2i, 2i + 1), listed when either differs.
 *
 * Layout of the weights: a word holds the weights of two outputs a, b for a pair of inputs 0, 1, from the
 * lowest byte: a0 b0 a1 b1. For each block of AOT_BLOCK outputs, for each pair of inputs, AOT_BLOCK / 2 such
 * words; then for each two outputs left over, a word a pair of inputs. An odd depth or output count is filled
 * up with zeros.
 *
 * Paired weights save one of four instructions. The 16-bit lanes of a word then hold 256 * b + a (so that a
 * negative a takes one off the upper byte). With the lanes as they are, SMLAD sums T = 256 * B + A; with the
 * lower bytes extended, A; and B = (T - A) / 256, exact modulo 2^32 as long as -2^23 <= B < 2^23, which the
 * exporter proves from the weights for every possible input. Where it cannot, both bytes are extended. */
#include "dense_list.h"

/* All outputs of one batch. */
static void outputs_of(const MODEL_FLASH aot_dense_t *op, const uint32_t *list, int8_t *output) {
  const uint32_t pairs = (op->depth + 1u) / 2u;
  const uint16_t outputs = op->outputs;
  const int32_t weights_zero_point = op->weights_zero_point;
  const uint32_t correction = weights_zero_point == 0 ? 0 : (uint32_t)(sum_values(list) * weights_zero_point);
  const MODEL_FLASH uint32_t *weights = op->weights;
  uint32_t sums[AOT_BLOCK];
  uint16_t channel = 0;
  for (; outputs - channel >= AOT_BLOCK; channel = (uint16_t)(channel + AOT_BLOCK)) {
    if (op->paired) {
      block(weights, list, 1, sums);
    } else {
      block(weights, list, 0, sums);
    }
    aot_write(&op->rescale, channel, AOT_BLOCK, sums, correction, output);
    weights += pairs * BLOCK_WORDS;
  }
  for (; channel < outputs; channel = (uint16_t)(channel + 2)) {
    column(weights, list, op->paired, sums);
    aot_write(&op->rescale, channel, outputs - channel > 1 ? 2 : 1, sums, correction, output);
    weights += pairs;
  }
}

void aot_dense_dsp(const MODEL_FLASH aot_dense_t *op, const int8_t *input, int8_t *output, void *scratch) {
  uint32_t *const list = scratch;
  for (uint16_t batch = 0; batch < op->batches; ++batch) {
    list_inputs(input, op->depth, op->input_zero_point, list);
    outputs_of(op, list, output);
    input += op->depth;
    output += op->outputs;
  }
}

/* Dense layers for 8-bit AVR: unsigned weights, which its multiplier takes fastest; no list of inputs, so
 * no RAM; and weights in arrays of less than 32 KB, as avr-gcc takes no larger ones.
 *
 * Layout of the weights: a table of pointers to arrays. For each block of AOT_AVR_BLOCK outputs there is an
 * array for each AOT_AVR_ROWS inputs; in it, for each input, the block's weights, each with 128 added. The
 * last block is filled up with zero weights. `weights_zero_point` has 128 added too. */
#include "../../arithmetic/dense.h"

typedef const MODEL_FLASH uint8_t *rows_t;

#ifdef __AVR__

/* Adds to `sums` the products of `depth` inputs, each less `zero_point`, with their rows of weights at flash
 * address `rows`. In block.S. */
void aot_avr_block(uint32_t rows, const int8_t *input, uint16_t depth, int8_t zero_point, uint32_t *sums);

static void add_block(rows_t rows, const int8_t *input, uint16_t depth, int8_t zero_point, uint32_t *sums) {
  aot_avr_block((uint32_t)(__uint24)rows, input, depth, zero_point, sums);
}

#else

static void add_block(rows_t rows, const int8_t *input, uint16_t depth, int8_t zero_point, uint32_t *sums) {
  for (uint16_t i = 0; i < depth; ++i) {
    const int32_t value = input[i] - zero_point;
    for (uint8_t output = 0; output < AOT_AVR_BLOCK; ++output) {
      sums[output] += (uint32_t)(value * rows[output]);
    }
    rows += AOT_AVR_BLOCK;
  }
}

#endif

/* The sum of all inputs, each less the zero point. */
static int32_t sum_values(const int8_t *input, uint16_t depth, int16_t zero_point) {
  int32_t sum = 0;
  for (uint16_t i = 0; i < depth; ++i) {
    sum += input[i] - zero_point;
  }
  return sum;
}

/* All outputs of one batch. */
static void outputs_of(const MODEL_FLASH aot_dense_t *op, const int8_t *input, int8_t *output) {
  const MODEL_FLASH rows_t *arrays = op->weights;
  const uint16_t depth = op->depth;
  const uint16_t outputs = op->outputs;
  const int16_t zero_point = op->input_zero_point;
  const uint32_t correction =
      (uint32_t)sum_values(input, depth, zero_point) * (uint32_t)op->weights_zero_point;
  for (uint16_t channel = 0; channel < outputs; channel = (uint16_t)(channel + AOT_AVR_BLOCK)) {
    uint32_t sums[AOT_AVR_BLOCK] = {0};
    uint16_t done = 0;
    while (done < depth) {
      const uint16_t left = (uint16_t)(depth - done);
      const uint16_t count = left < AOT_AVR_ROWS ? left : AOT_AVR_ROWS;
      add_block(*arrays++, input + done, count, (int8_t)zero_point, sums);
      done = (uint16_t)(done + count);
    }
    const uint16_t rest = (uint16_t)(outputs - channel);
    aot_write(&op->rescale, channel, rest < AOT_AVR_BLOCK ? rest : AOT_AVR_BLOCK, sums, correction, output);
  }
}

void aot_dense_avr(const MODEL_FLASH aot_dense_t *op, const int8_t *input, int8_t *output) {
  for (uint16_t batch = 0; batch < op->batches; ++batch) {
    outputs_of(op, input, output);
    input += op->depth;
    output += op->outputs;
  }
}

/* Dense layers for any core.
 *
 * An input equal to its zero point adds nothing. The others are listed once a layer, as runs of neighbours,
 * and every block of output channels walks only those, with its accumulators in registers.
 *
 * Layout of the weights: for each block of AOT_BLOCK outputs, for each input, the block's AOT_BLOCK weights;
 * then for each output left over, its `depth` weights. */
#include "dense.h"

#include "../cores/armv7m/thumb2.h"

/* Lists the inputs that differ from the zero point, less the zero point. */
static void list_inputs(const int8_t *input, uint16_t depth, int32_t zero_point, int16_t *list) {
  const int8_t *const end = input + depth;
  const int8_t *run_end = input; /* of the run before */
  int first = 1;
  while (input != end) {
    int32_t value = *input;
    if (value == zero_point) {
      ++input;
      continue;
    }
    *list++ = (int16_t)(input - run_end + first);
    first = 0;
    do {
      *list++ = (int16_t)(value - zero_point);
      if (++input == end) {
        break;
      }
      value = *input;
    } while (value != zero_point);
    *list++ = 0;
    run_end = input;
  }
  *list = 0;
}

/* The sum of all listed values. */
static int32_t sum_values(const int16_t *list) {
  int32_t sum = 0;
  while (*list++ != 0) {
    int16_t value;
    while ((value = *list++) != 0) {
      sum += value;
    }
  }
  return sum;
}

/* The accumulators of AOT_BLOCK outputs, without bias. */
static void block(const MODEL_FLASH int8_t *weights, const int16_t *list, uint32_t sums[AOT_BLOCK]) {
  uint32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0, s4 = 0, s5 = 0, s6 = 0, s7 = 0;
  uint32_t skip = (uint16_t)*list++;
  if (skip != 0) {
    const MODEL_FLASH int8_t *row = weights + (skip - 1) * AOT_BLOCK;
#ifdef AOT_THUMB2
    THUMB2_RUNS(list, row, s0, s1, s2, s3, s4, s5, s6, s7);
#else
    do {
      int32_t value;
      while ((value = *list++) != 0) {
        s0 += (uint32_t)(value * row[0]);
        s1 += (uint32_t)(value * row[1]);
        s2 += (uint32_t)(value * row[2]);
        s3 += (uint32_t)(value * row[3]);
        s4 += (uint32_t)(value * row[4]);
        s5 += (uint32_t)(value * row[5]);
        s6 += (uint32_t)(value * row[6]);
        s7 += (uint32_t)(value * row[7]);
        row += AOT_BLOCK;
      }
      skip = (uint16_t)*list++;
      row += skip * AOT_BLOCK;
    } while (skip != 0);
#endif
  }
  sums[0] = s0;
  sums[1] = s1;
  sums[2] = s2;
  sums[3] = s3;
  sums[4] = s4;
  sums[5] = s5;
  sums[6] = s6;
  sums[7] = s7;
}

/* The accumulator of one output, without bias. */
static uint32_t single(const MODEL_FLASH int8_t *weights, const int16_t *list) {
  uint32_t sum = 0;
  uint32_t skip = (uint16_t)*list++;
  if (skip == 0) {
    return sum;
  }
  const MODEL_FLASH int8_t *weight = weights + skip - 1;
  do {
    int32_t value;
    while ((value = *list++) != 0) {
      sum += (uint32_t)(value * *weight++);
    }
    skip = (uint16_t)*list++;
    weight += skip;
  } while (skip != 0);
  return sum;
}

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

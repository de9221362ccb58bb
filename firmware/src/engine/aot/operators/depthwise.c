/* Depthwise convolutions for any core.
 *
 * Layout of the blocks: for each block, for each tap, the weights of its outputs. */
#include "convolution.h"

#define CHANNELS_AT_ONCE 16u /* that are scaled together: whole blocks */

static inline int within(aot_span_t span, int32_t tap) {
  return tap >= span.tap && tap < span.tap + span.count;
}

/* Points each tap of a window to what it meets in the image `input`; outside lies `zeros`. */
static void window_of_taps(const MODEL_FLASH aot_depthwise_t *op, const int8_t *input, aot_span_t rows,
                           aot_span_t columns, const int8_t **taps, const int8_t *zeros) {
  const size_t row = (size_t)op->width.input * op->depth;
  const size_t next_row = (size_t)op->height.dilation * row;
  const size_t next = (size_t)op->width.dilation * op->depth;
  const int32_t height = op->height.window;
  const int32_t width = op->width.window;
  size_t line = (size_t)rows.position * row + (size_t)columns.position * op->depth;
  for (int32_t y = 0; y < height; ++y) {
    const int inside = within(rows, y);
    size_t offset = line;
    for (int32_t x = 0; x < width; ++x) {
      if (inside && within(columns, x)) {
        *taps++ = input + offset;
        offset += next;
      } else {
        *taps++ = zeros;
      }
    }
    line += inside ? next_row : 0;
  }
  *taps = taps[-1];
}

/* To the next window of the row, where neither this nor that one leaves the image sidewards. */
static void move_taps(const int8_t **taps, uint16_t count, size_t further, const int8_t *zeros) {
  do {
    if (*taps != zeros) {
      *taps += further;
    }
    ++taps;
  } while (--count != 0);
}

static void blocked_outputs(const MODEL_FLASH aot_depthwise_t *op, const int8_t *const *taps, size_t moved,
                            int8_t *output, aot_depthwise_blocks_t *blocks, size_t block_bytes) {
  const MODEL_FLASH int8_t *weights = op->blocks;
  uint32_t sums[CHANNELS_AT_ONCE];
  for (uint16_t channel = 0; channel < op->blocked;) {
    const uint16_t left = (uint16_t)(op->blocked - channel);
    const uint16_t count = left < CHANNELS_AT_ONCE ? left : (uint16_t)CHANNELS_AT_ONCE;
    blocks(weights, taps, op->taps, moved + channel, count, sums);
    weights += count / AOT_DEPTHWISE_BLOCK * block_bytes;
    aot_write(&op->rescale, channel, count, sums, 0, output);
    channel = (uint16_t)(channel + count);
  }
}

static void single_outputs(const MODEL_FLASH aot_depthwise_t *op, const int8_t *const *taps, size_t moved,
                           int8_t *output) {
  const MODEL_FLASH int8_t *weights = op->singles;
  size_t source = moved + op->blocked;
  uint16_t left = op->multiplier;
  for (uint16_t channel = op->blocked; channel < op->outputs; ++channel) {
    uint32_t sum = 0;
    for (uint16_t i = 0; i < op->taps; ++i) {
      sum += (uint32_t)(taps[i][source] * *weights++);
    }
    aot_write(&op->rescale, channel, 1, &sum, 0, output);
    if (--left == 0) {
      left = op->multiplier;
      ++source;
    }
  }
}

void aot_depthwise(const MODEL_FLASH aot_depthwise_t *op, const int8_t *input, int8_t *output, void *scratch,
                   aot_depthwise_blocks_t *blocks, size_t block_bytes) {
  const int8_t **const taps = scratch;
  int8_t *const zeros = (int8_t *)scratch + op->taps_bytes;
  const size_t further = (size_t)op->width.stride * op->depth;
  for (size_t i = 0; i < op->depth; ++i) {
    zeros[i] = (int8_t)op->input_zero_point;
  }
  for (uint32_t batch = 0; batch < op->batches; ++batch) {
    for (int32_t y = 0; y < op->height.output; ++y) {
      const aot_span_t rows = aot_window(&op->height, y);
      const int inside = rows.count == op->height.window;
      int was_whole = 0;
      size_t moved = 0; /* that what the taps meet lies behind where they point to */
      for (int32_t x = 0; x < op->width.output; ++x) {
        const aot_span_t columns = aot_window(&op->width, x);
        const int whole = columns.count == op->width.window;
        if (whole && was_whole && inside) {
          moved += further;
        } else if (whole && was_whole) {
          move_taps(taps, op->taps, further, zeros);
        } else {
          window_of_taps(op, input, rows, columns, taps, zeros);
          moved = 0;
        }
        was_whole = whole;
        blocked_outputs(op, taps, moved, output, blocks, block_bytes);
        if (op->blocked != op->outputs) {
          single_outputs(op, taps, moved, output);
        }
        output += op->outputs;
      }
    }
    input += (size_t)op->height.input * (size_t)op->width.input * op->depth;
  }
}

static void blocks(const MODEL_FLASH void *weights, const int8_t *const *taps, uint16_t count, size_t channel,
                   size_t channels, uint32_t *sums) {
  const MODEL_FLASH int8_t *weight = weights;
  const int8_t *const *const end = taps + count;
  const size_t last = channel + channels;
  for (; channel != last; channel += AOT_DEPTHWISE_BLOCK) {
    uint32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    const int8_t *const *tap = taps;
    do {
      const int8_t *const values = *tap++ + channel;
      s0 += (uint32_t)(values[0] * weight[0]);
      s1 += (uint32_t)(values[1] * weight[1]);
      s2 += (uint32_t)(values[2] * weight[2]);
      s3 += (uint32_t)(values[3] * weight[3]);
      weight += AOT_DEPTHWISE_BLOCK;
    } while (tap != end);
    *sums++ = s0;
    *sums++ = s1;
    *sums++ = s2;
    *sums++ = s3;
  }
}

void aot_depthwise_portable(const MODEL_FLASH aot_depthwise_t *op, const int8_t *input, int8_t *output,
                            void *scratch) {
  aot_depthwise(op, input, output, scratch, blocks, (size_t)op->taps * AOT_DEPTHWISE_BLOCK);
}

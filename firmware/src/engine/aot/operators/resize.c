/* Images of another size, for any core. */
#include "resize.h"

#include <stddef.h>
#include <string.h>

void aot_resize_nearest_neighbor(const MODEL_FLASH aot_resize_t *op, const void *input, void *output) {
  const size_t size = (size_t)op->position_bytes;
  const uint8_t *batch = input;
  uint8_t *to = output;
  for (uint32_t i = 0; i < op->batches; ++i) {
    for (uint16_t row = 0; row < op->rows.count; ++row) {
      const uint8_t *const from = batch + (size_t)(op->rows.lower[row] * op->row_bytes);
      for (uint16_t column = 0; column < op->columns.count; ++column) {
        memcpy(to, from + (size_t)op->columns.lower[column] * size, size);
        to += size;
      }
    }
    batch += op->batch_bytes;
  }
}

/* What the four neighbours of a position weigh; together 2^20. */
typedef struct {
  int32_t lower_left;
  int32_t lower_right;
  int32_t upper_left;
  int32_t upper_right;
} weights_t;

static int8_t rounded(int32_t fine) {
  const int32_t half = (int32_t)1 << 19;
  return (int8_t)(fine >= 0 ? (fine + half) >> 20 : -((half - fine) >> 20));
}

static void mix(weights_t weights, const int8_t *lower, const int8_t *upper, size_t left, size_t right,
                int8_t *output, size_t depth) {
  const int8_t *const lower_right = lower + right;
  const int8_t *const upper_right = upper + right;
  lower += left;
  upper += left;
  for (size_t i = 0; i < depth; ++i) {
    output[i] = rounded(lower[i] * weights.lower_left + lower_right[i] * weights.lower_right +
                        upper[i] * weights.upper_left + upper_right[i] * weights.upper_right);
  }
}

void aot_resize_bilinear(const MODEL_FLASH aot_resize_t *op, const int8_t *input, int8_t *output) {
  const size_t depth = (size_t)op->position_bytes;
  for (uint32_t i = 0; i < op->batches; ++i) {
    for (uint16_t row = 0; row < op->rows.count; ++row) {
      const int8_t *const lower = input + (size_t)(op->rows.lower[row] * op->row_bytes);
      const int8_t *const upper = input + (size_t)(op->rows.upper[row] * op->row_bytes);
      const int32_t above = op->rows.share[row];
      for (uint16_t column = 0; column < op->columns.count; ++column) {
        const int32_t right = op->columns.share[column];
        const weights_t weights = {
            .lower_left = (1024 - above) * (1024 - right),
            .lower_right = (1024 - above) * right,
            .upper_left = above * (1024 - right),
            .upper_right = above * right,
        };
        mix(weights, lower, upper, op->columns.lower[column] * depth, op->columns.upper[column] * depth,
            output, depth);
        output += depth;
      }
    }
    input += op->batch_bytes;
  }
}

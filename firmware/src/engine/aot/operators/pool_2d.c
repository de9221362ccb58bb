/* Pooling for any core: the windows once, and what becomes of one. */
#include "pool_2d.h"

#include <stddef.h>

/* What of a window lies inside the input: from `start` to before `end`. */
typedef struct {
  int32_t start;
  int32_t end;
} span_t;

static span_t inside(const MODEL_FLASH aot_pool_axis_t *axis, int32_t position) {
  const int32_t start = position * axis->stride - axis->padding;
  const int32_t left = axis->input - start;
  const int32_t end = left < axis->window ? axis->input : start + axis->window;
  return (span_t){start < 0 ? 0 : start, end};
}

/* What a window of one channel becomes; `input` is the channel's first value. */
typedef int32_t (*pool_t)(const int8_t *input, size_t row_step, size_t step, span_t rows, span_t columns);

/* The mean, half away from zero. */
static int32_t mean(const int8_t *input, size_t row_step, size_t step, span_t rows, span_t columns) {
  const int32_t count = (rows.end - rows.start) * (columns.end - columns.start);
  int32_t sum = 0;
  input += (size_t)rows.start * row_step + (size_t)columns.start * step;
  for (int32_t row = rows.start; row < rows.end; ++row) {
    const int8_t *value = input;
    for (int32_t column = columns.start; column < columns.end; ++column) {
      sum += *value;
      value += step;
    }
    input += row_step;
  }
  return (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
}

static int32_t largest(const int8_t *input, size_t row_step, size_t step, span_t rows, span_t columns) {
  int8_t most = INT8_MIN;
  input += (size_t)rows.start * row_step + (size_t)columns.start * step;
  for (int32_t row = rows.start; row < rows.end; ++row) {
    const int8_t *value = input;
    for (int32_t column = columns.start; column < columns.end; ++column) {
      most = *value > most ? *value : most;
      value += step;
    }
    input += row_step;
  }
  return most;
}

static inline void pool(const MODEL_FLASH aot_pool_2d_t *op, const int8_t *input, int8_t *output,
                        pool_t window) {
  const size_t depth = (size_t)op->depth;
  const size_t row_step = (size_t)op->width.input * depth;
  const size_t image = (size_t)op->height.input * row_step;
  const int32_t least = op->least;
  const int32_t most = op->most;
  for (uint32_t batch = 0; batch < op->batches; ++batch) {
    for (int32_t row = 0; row < op->height.output; ++row) {
      const span_t rows = inside(&op->height, row);
      for (int32_t column = 0; column < op->width.output; ++column) {
        const span_t columns = inside(&op->width, column);
        for (size_t channel = 0; channel < depth; ++channel) {
          int32_t result = window(input + channel, row_step, depth, rows, columns);
          result = result < least ? least : result;
          *output++ = (int8_t)(result > most ? most : result);
        }
      }
    }
    input += image;
  }
}

void aot_average_pool_2d(const MODEL_FLASH aot_pool_2d_t *op, const int8_t *input, int8_t *output) {
  pool(op, input, output, mean);
}

void aot_max_pool_2d(const MODEL_FLASH aot_pool_2d_t *op, const int8_t *input, int8_t *output) {
  pool(op, input, output, largest);
}

/* AVERAGE_POOL_2D for any core. */
#include "average_pool_2d.h"

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

/* The mean of a window of one channel, half away from zero, clamped. `input` is the channel's first value. */
static int8_t mean(const MODEL_FLASH aot_average_pool_2d_t *op, const int8_t *input, span_t rows,
                   span_t columns) {
  const size_t depth = (size_t)op->depth;
  const size_t width = (size_t)op->width.input;
  const int32_t count = (rows.end - rows.start) * (columns.end - columns.start);
  int32_t sum = 0;
  for (int32_t row = rows.start; row < rows.end; ++row) {
    const int8_t *value = input + ((size_t)row * width + (size_t)columns.start) * depth;
    for (int32_t column = columns.start; column < columns.end; ++column) {
      sum += *value;
      value += depth;
    }
  }
  int32_t result = (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
  result = result < op->least ? op->least : result;
  return (int8_t)(result > op->most ? op->most : result);
}

void aot_average_pool_2d(const MODEL_FLASH aot_average_pool_2d_t *op, const int8_t *input, int8_t *output) {
  const size_t image = (size_t)op->height.input * (size_t)op->width.input * (size_t)op->depth;
  for (uint32_t batch = 0; batch < op->batches; ++batch) {
    for (int32_t row = 0; row < op->height.output; ++row) {
      const span_t rows = inside(&op->height, row);
      for (int32_t column = 0; column < op->width.output; ++column) {
        const span_t columns = inside(&op->width, column);
        for (uint32_t channel = 0; channel < op->depth; ++channel) {
          *output++ = mean(op, input + channel, rows, columns);
        }
      }
    }
    input += image;
  }
}

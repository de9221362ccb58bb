/* Convolutions for any core: what lies under a window is gathered, and the dense layer's kernel does the rest. */
#include "convolution.h"

#include <stddef.h>

static void copy(int8_t *to, const int8_t *from, size_t count) {
  for (; count >= sizeof(uint32_t); count -= sizeof(uint32_t)) {
    __builtin_memcpy(to, from, sizeof(uint32_t));
    to += sizeof(uint32_t);
    from += sizeof(uint32_t);
  }
  while (count-- > 0) {
    *to++ = *from++;
  }
}

static void fill(int8_t *to, int16_t value, size_t count) {
  while (count-- > 0) {
    *to++ = (int8_t)value;
  }
}

/* One line of taps. `input` is the line of the image, `column` that of the window. */
static void gather_line(const MODEL_FLASH aot_convolution_t *op, const int8_t *input, aot_span_t taps,
                        int8_t *column) {
  const size_t depth = op->depth;
  const size_t step = op->input_step;
  if (taps.count <= 0) {
    return;
  }
  column += (size_t)taps.tap * depth;
  input += (size_t)taps.position * step;
  if (op->width.dilation == 1 && depth == step) {
    copy(column, input, (size_t)taps.count * depth);
    return;
  }
  const size_t further = (size_t)op->width.dilation * step;
  for (size_t i = 0; i < (size_t)taps.count; ++i) {
    copy(column + i * depth, input + i * further, depth);
  }
}

/* What lies under a window of the image `input`. `column` holds the zero point where a row is outside. */
static void gather(const MODEL_FLASH aot_convolution_t *op, const int8_t *input, aot_span_t rows,
                   aot_span_t columns, int8_t *column) {
  const size_t line = (size_t)op->width.window * op->depth;
  const size_t row = (size_t)op->width.input * op->input_step;
  const size_t next_row = (size_t)op->height.dilation * row;
  if (rows.count <= 0) {
    return;
  }
  column += (size_t)rows.tap * line;
  input += (size_t)rows.position * row;
  if (columns.count != op->width.window) {
    fill(column, op->dense.input_zero_point, (size_t)rows.count * line);
  }
  for (int32_t i = 0; i < rows.count; ++i) {
    gather_line(op, input, columns, column);
    column += line;
    input += next_row;
  }
}

void aot_convolve(const MODEL_FLASH aot_convolution_t *op, const int8_t *input, int8_t *output, void *scratch,
                  aot_dense_kernel_t *dense) {
  int8_t *const column = scratch;
  void *const rest = column + op->column_bytes;
  const size_t row_bytes = (size_t)op->width.input * op->input_step;
  input += op->input_offset;
  output += op->output_offset;
  for (uint32_t batch = 0; batch < op->batches; ++batch) {
    for (int32_t y = 0; y < op->height.output; ++y) {
      int8_t *at = output + (size_t)y * op->output_row;
      if (op->pointwise) {
        dense(&op->dense, input + (size_t)y * row_bytes, at, rest);
        continue;
      }
      const aot_span_t rows = aot_window(&op->height, y);
      if (rows.count != op->height.window) {
        fill(column, op->dense.input_zero_point, op->column_bytes);
      }
      for (int32_t x = 0; x < op->width.output; ++x) {
        gather(op, input, rows, aot_window(&op->width, x), column);
        dense(&op->dense, column, at, rest);
        at += op->output_step;
      }
    }
    input += (size_t)op->height.input * row_bytes;
    output += op->output_image;
  }
}

void aot_convolution_portable(const MODEL_FLASH aot_convolution_t *op, const int8_t *input, int8_t *output,
                              void *scratch) {
  aot_convolve(op, input, output, scratch, aot_dense_portable);
}

void aot_convolution_piecewise_portable(const MODEL_FLASH aot_convolution_t *op, const int8_t *input,
                                        int8_t *output, void *scratch) {
  aot_convolve(op, input, output, scratch, aot_dense_piecewise_portable);
}

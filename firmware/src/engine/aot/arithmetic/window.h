/* Which taps of a window lie inside an image, along one of its axes: for what slides a window over an input, and for what
 * is the transpose of that. */
#ifndef BOARDPROOF_ENGINE_AOT_ARITHMETIC_WINDOW_H
#define BOARDPROOF_ENGINE_AOT_ARITHMETIC_WINDOW_H

#include <stdint.h>

#include "../flash.h"

/* Sizes of input, output and window; `padding` lies before the input (transposed: before the output). No position that
 * they make reaches 2^31. */
typedef struct {
  int32_t input;
  int32_t output;
  int32_t window;
  int32_t stride;
  int32_t dilation;
  int32_t padding;
} aot_axis_t;

/* `count` taps, perhaps none: the first is `tap` and meets the input at `position`; the next ones are
 * `tap_step` and `position_step` further. */
typedef struct {
  int32_t count;
  int32_t tap;
  int32_t position;
  int32_t tap_step;
  int32_t position_step;
} aot_span_t;

static inline int32_t aot_smaller(int32_t a, int32_t b) { return a < b ? a : b; }

/* The taps of the window that makes output `at`. */
static inline aot_span_t aot_window(const MODEL_FLASH aot_axis_t *axis, int32_t at) {
  const int32_t start = at * axis->stride - axis->padding;
  const int32_t dilation = axis->dilation;
  const int32_t inside = axis->input - start; /* from the window's start */
  int32_t first = start < 0 ? -start : 0;
  int32_t end = inside < 0 ? 0 : inside;
  if (dilation != 1) {
    first = (first + dilation - 1) / dilation;
    end = (end + dilation - 1) / dilation;
  }
  end = aot_smaller(end, axis->window);
  return (aot_span_t){end - first, first, start + first * dilation, 1, dilation};
}

/* The taps through which inputs reach output `at`, where input i reaches i * stride - padding and what follows. */
static inline aot_span_t aot_transposed_window(const MODEL_FLASH aot_axis_t *axis, int32_t at) {
  const int32_t stride = axis->stride;
  int32_t position = (at + axis->padding) / stride;
  int32_t tap = at + axis->padding - position * stride;
  if (position >= axis->input) {
    tap += (position - axis->input + 1) * stride;
    position = axis->input - 1;
  }
  const int32_t taps = tap < axis->window ? (axis->window - tap + stride - 1) / stride : 0;
  return (aot_span_t){aot_smaller(taps, position + 1), tap, position, stride, -1};
}

#endif

/* Which taps of a window lie inside an image, along one of its axes. */
#ifndef BOARDPROOF_ENGINE_AOT_ARITHMETIC_WINDOW_H
#define BOARDPROOF_ENGINE_AOT_ARITHMETIC_WINDOW_H

#include <stdint.h>

#include "../flash.h"

/* Sizes of input, output and window; `padding` lies before the input, and may be negative. No position that they make
 * reaches 2^31. */
typedef struct {
  int32_t input;
  int32_t output;
  int32_t window;
  int32_t stride;
  int32_t dilation;
  int32_t padding;
} aot_axis_t;

/* `count` taps, none where it is not positive: the first is `tap` and meets the input at `position`; each further tap
 * meets it a dilation further. */
typedef struct {
  int32_t count;
  int32_t tap;
  int32_t position;
} aot_span_t;

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
  end = end < axis->window ? end : axis->window;
  return (aot_span_t){end - first, first, start + first * dilation};
}

#endif

/* CUMSUM for any core. */
#include "cumsum.h"

#include <stddef.h>

#include "../arithmetic/fixed_point.h"

#define BITS 19 /* below the point of a sum */

static int8_t output_of(const MODEL_FLASH aot_cumsum_t *op, uint32_t sum) {
  const int32_t scaled = aot_scale(aot_signed(sum), op->multiplier, op->right_shift);
  const int32_t result = scaled + op->output_zero;
  return (int8_t)(result < INT8_MIN ? INT8_MIN : result > INT8_MAX ? INT8_MAX : result);
}

/* One row of values, `inner` apart. */
static void row(const MODEL_FLASH aot_cumsum_t *op, const int8_t *input, int8_t *output) {
  const size_t step = (size_t)op->inner;
  const int32_t zero = op->input_zero;
  size_t at = op->reverse ? (size_t)(op->depth - 1) * step : 0;
  uint32_t sum = (uint32_t)-zero << BITS; /* as the oracle begins */
  for (uint32_t i = 0; i < op->depth; ++i) {
    const uint32_t before = sum;
    sum += (uint32_t)(input[at] - zero) << BITS;
    output[at] = output_of(op, op->exclusive ? before : sum);
    at = op->reverse ? at - step : at + step;
  }
}

void aot_cumsum(const MODEL_FLASH aot_cumsum_t *op, const int8_t *input, int8_t *output) {
  const size_t block = (size_t)(op->depth * op->inner);
  for (uint32_t outer = 0; outer < op->outer; ++outer) {
    for (size_t inner = 0; inner < (size_t)op->inner; ++inner) {
      row(op, input + inner, output + inner);
    }
    input += block;
    output += block;
  }
}

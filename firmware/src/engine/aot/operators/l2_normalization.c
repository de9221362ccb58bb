/* L2_NORMALIZATION for any core. Numbers are named by the bits below their point, as in exponential.h. */
#include "l2_normalization.h"

#include "../arithmetic/exponential.h"
#include "../arithmetic/fixed_point.h"

/* A real number as value * 2^(-31 - right_shift). */
typedef struct {
  int32_t value;
  int8_t right_shift;
} scale_t;

/* 1 / sqrt(value): five steps of Newton's method from 1, for the value moved to q28 by a power of four. Of 0 as of 1. */
static scale_t inverse_root(int32_t value) {
  if (value <= 1) {
    return (scale_t){INT32_MAX, 0};
  }
  int8_t shift = 11;
  while (value >= INT32_C(1) << 29) {
    value /= 4;
    ++shift;
  }
  while (value < INT32_C(1) << 27) {
    value *= 4;
    --shift;
  }
  const int32_t half = aot_divide(value >> 1, 1);
  int32_t x = INT32_C(1) << 28;
  for (uint8_t i = 0; i < 5; ++i) {
    const int32_t cube = aot_shift_left(aot_high_product(aot_high_product(x, x), x), 6);
    x = aot_shift_left(aot_high_product(INT32_C(3) << 27, x) - aot_high_product(half, cube), 3);
  }
  x = aot_high_product(x, 1518500250); /* sqrt(1/2) in q31 */
  return shift < 0 ? (scale_t){aot_signed((uint32_t)x << -shift), 0} : (scale_t){x, shift};
}

void aot_l2_normalization(const MODEL_FLASH aot_l2_normalization_t *op, const int8_t *input, int8_t *output) {
  const int32_t zero_point = op->zero_point;
  const uint16_t depth = op->depth;
  for (uint32_t row = 0; row < op->rows; ++row) {
    int32_t squares = 0;
    for (uint16_t i = 0; i < depth; ++i) {
      const int32_t steps = input[i] - zero_point;
      squares += steps * steps;
    }
    const scale_t scale = inverse_root(squares);
    for (uint16_t i = 0; i < depth; ++i) {
      const int32_t result = aot_scale(input[i] - zero_point, scale.value, scale.right_shift - 7);
      output[i] = (int8_t)(result < INT8_MIN ? INT8_MIN : result > INT8_MAX ? INT8_MAX : result);
    }
    input += depth;
    output += depth;
  }
}

/* SOFTMAX for any core. Numbers are named by the bits below their point, as in exponential.h. */
#include "softmax.h"

#include "../arithmetic/exponential.h"
#include "../arithmetic/fixed_point.h"

/* The exponential of an input's difference to the row's largest. */
static int32_t exp_of_difference(const MODEL_FLASH aot_softmax_t *op, int16_t difference) {
  const int32_t shifted = aot_signed((uint32_t)(int32_t)difference << op->left_shift);
  return aot_exp(aot_high_product(shifted, op->multiplier));
}

static int8_t largest(const int8_t *input, uint16_t depth) {
  int8_t found = input[0];
  for (uint16_t i = 1; i < depth; ++i) {
    found = input[i] > found ? input[i] : found;
  }
  return found;
}

/* 1 / the sum of a row's exponentials: the value in q31, and by how much it is to be shifted to the right. */
typedef struct {
  int32_t value;
  int32_t right_shift;
} scale_t;

static scale_t scale_of(const MODEL_FLASH aot_softmax_t *op, const int8_t *input, int8_t most) {
  uint32_t sum = 0; /* q19, 2^19 to 4095 * 2^19 */
  for (uint16_t i = 0; i < op->depth; ++i) {
    const int16_t difference = (int16_t)(input[i] - most);
    if (difference >= op->least_difference) {
      sum += (uint32_t)aot_divide(exp_of_difference(op, difference), 12);
    }
  }
  uint8_t zeros = 0; /* leading ones of the sum */
  while ((sum & (UINT32_C(1) << 31)) == 0) {
    sum <<= 1;
    ++zeros;
  }
  return (scale_t){aot_reciprocal(sum - (UINT32_C(1) << 31)), 12 - zeros + 31};
}

/* An output of `bits` bits, above the least one. Beyond 31 nothing is left: from a sum of 512 on, of 8 bits. */
static int32_t output_of(const MODEL_FLASH aot_softmax_t *op, scale_t scale, int16_t difference,
                         uint8_t bits) {
  const int32_t shift = scale.right_shift - bits;
  if (difference < op->least_difference || shift > 31) {
    return 0;
  }
  const int32_t most = (INT32_C(1) << bits) - 1;
  const int32_t result = aot_divide(aot_high_product(scale.value, exp_of_difference(op, difference)), shift);
  return result > most ? most : result;
}

void aot_softmax(const MODEL_FLASH aot_softmax_t *op, const int8_t *input, int8_t *output) {
  const uint16_t depth = op->depth;
  for (uint32_t row = 0; row < op->rows; ++row) {
    const int8_t most = largest(input, depth);
    const scale_t scale = scale_of(op, input, most);
    for (uint16_t i = 0; i < depth; ++i) {
      *output++ = (int8_t)(INT8_MIN + output_of(op, scale, (int16_t)(*input++ - most), 8));
    }
  }
}

void aot_softmax_to_int16(const MODEL_FLASH aot_softmax_t *op, const int8_t *input, void *output) {
  const uint16_t depth = op->depth;
  int16_t *to = output;
  for (uint32_t row = 0; row < op->rows; ++row) {
    const int8_t most = largest(input, depth);
    const scale_t scale = scale_of(op, input, most);
    for (uint16_t i = 0; i < depth; ++i) {
      *to++ = (int16_t)(INT16_MIN + output_of(op, scale, (int16_t)(*input++ - most), 16));
    }
  }
}

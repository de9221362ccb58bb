/* SOFTMAX for any core. Numbers are named by the bits below their point: q31 is [-1, 1). */
#include "softmax.h"

#include "../arithmetic/fixed_point.h"

#define Q31_ONE INT32_MAX

/* value * 2^bits, saturating. */
static int32_t shift_left(int32_t value, uint8_t bits) {
  const int32_t most = INT32_MAX >> bits;
  if (value > most) {
    return INT32_MAX;
  }
  return value < -most - 1 ? INT32_MIN : aot_signed((uint32_t)value << bits);
}

/* exp(x) for x in [-1/4, 0), q31: a Taylor polynomial around -1/8. */
static int32_t exp_of_quarter(int32_t value) {
  const int32_t exp_of_eighth = 1895147668; /* exp(-1/8) */
  const int32_t third = 715827883;
  const int32_t x = value + (INT32_C(1) << 28);
  const int32_t square = aot_high_product(x, x);
  const int32_t cube = aot_high_product(square, x);
  const int32_t fourth = aot_divide(aot_high_product(square, square), 2);
  const int32_t tail = aot_divide(aot_high_product(fourth + cube, third) + square, 1);
  return exp_of_eighth + aot_high_product(exp_of_eighth, x + tail);
}

/* exp(x) in q31 for x <= 0 in q26: the exponential of the part below a quarter, times a power of e for each bit above. */
static int32_t exp_of(int32_t value) {
  static const MODEL_FLASH int32_t powers[] = {1672461947, 1302514674, 790015084, 290630308,
                                               39332535,   720401,     242}; /* exp(-1/4) to exp(-16) */
  const int32_t quarter = INT32_C(1) << 24;
  if (value == 0) {
    return Q31_ONE;
  }
  const int32_t part = aot_signed((uint32_t)value & (uint32_t)(quarter - 1)) - quarter;
  uint32_t above = (uint32_t)(part - value) >> 24;
  int32_t result = exp_of_quarter(part * 32);
  for (uint8_t i = 0; i < 7; ++i) {
    if ((above & 1u) != 0) {
      result = aot_high_product(result, powers[i]);
    }
    above >>= 1;
  }
  return result;
}

/* 1 / (1 + fraction), q31, for a fraction in [0, 1): three steps of Newton's method from 48/17 - 32/17 * half, which are
 * q29. */
static int32_t reciprocal(uint32_t fraction) {
  const int32_t half = aot_signed((fraction + (UINT32_C(1) << 31)) >> 1); /* of the denominator */
  int32_t x = 1515870810 + aot_high_product(half, -1010580540);
  for (uint8_t i = 0; i < 3; ++i) {
    const int32_t error = (INT32_C(1) << 29) - aot_high_product(half, x);
    x += shift_left(aot_high_product(x, error), 2);
  }
  return shift_left(x, 1);
}

/* The exponential of an input's difference to the row's largest. */
static int32_t exp_of_difference(const MODEL_FLASH aot_softmax_t *op, int16_t difference) {
  const int32_t shifted = aot_signed((uint32_t)(int32_t)difference << op->left_shift);
  return exp_of(aot_high_product(shifted, op->multiplier));
}

static int8_t largest(const int8_t *input, uint16_t depth) {
  int8_t found = input[0];
  for (uint16_t i = 1; i < depth; ++i) {
    found = input[i] > found ? input[i] : found;
  }
  return found;
}

static void row(const MODEL_FLASH aot_softmax_t *op, const int8_t *input, int8_t *output) {
  const uint16_t depth = op->depth;
  const int32_t least = op->least_difference;
  const int8_t most = largest(input, depth);
  uint32_t sum = 0; /* q19, 2^19 to 4095 * 2^19 */
  for (uint16_t i = 0; i < depth; ++i) {
    const int16_t difference = (int16_t)(input[i] - most);
    if (difference >= least) {
      sum += (uint32_t)aot_divide(exp_of_difference(op, difference), 12);
    }
  }
  uint8_t zeros = 0; /* leading ones of the sum */
  while ((sum & (UINT32_C(1) << 31)) == 0) {
    sum <<= 1;
    ++zeros;
  }
  const int32_t scale = reciprocal(sum - (UINT32_C(1) << 31));
  int32_t exponent = 12 - zeros + 31 - 8;
  if (exponent > 32) {
    exponent = 32; /* TensorFlow Lite Micro aborts from 32 on; all outputs are -128 then */
  }
  for (uint16_t i = 0; i < depth; ++i) {
    const int16_t difference = (int16_t)(input[i] - most);
    int32_t result = -128;
    if (difference >= least) {
      result += aot_divide(aot_high_product(scale, exp_of_difference(op, difference)), exponent);
    }
    output[i] = (int8_t)(result > 127 ? 127 : result);
  }
}

void aot_softmax(const MODEL_FLASH aot_softmax_t *op, const int8_t *input, int8_t *output) {
  for (uint32_t i = 0; i < op->rows; ++i) {
    row(op, input, output);
    input += op->depth;
    output += op->depth;
  }
}

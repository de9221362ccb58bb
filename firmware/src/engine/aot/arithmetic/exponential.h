/* The exponential and the reciprocal of gemmlowp's fixedpoint.h. Numbers are named by the bits below their point: q31 is
 * [-1, 1). */
#ifndef BOARDPROOF_ENGINE_AOT_ARITHMETIC_EXPONENTIAL_H
#define BOARDPROOF_ENGINE_AOT_ARITHMETIC_EXPONENTIAL_H

#include <stdint.h>

#include "../flash.h"
#include "fixed_point.h"

/* value * 2^bits, saturating. */
static inline int32_t aot_shift_left(int32_t value, uint8_t bits) {
  const int32_t most = INT32_MAX >> bits;
  if (value > most) {
    return INT32_MAX;
  }
  return value < -most - 1 ? INT32_MIN : aot_signed((uint32_t)value << bits);
}

/* exp(x) for x in [-1/4, 0), q31: a Taylor polynomial around -1/8. */
static inline int32_t aot_exp_of_quarter(int32_t value) {
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
static inline int32_t aot_exp(int32_t value) {
  static const MODEL_FLASH int32_t powers[] = {1672461947, 1302514674, 790015084, 290630308,
                                               39332535,   720401,     242}; /* exp(-1/4) to exp(-16) */
  const int32_t quarter = INT32_C(1) << 24;
  if (value == 0) {
    return INT32_MAX;
  }
  const int32_t part = aot_signed((uint32_t)value & (uint32_t)(quarter - 1)) - quarter;
  uint32_t above = (uint32_t)(part - value) >> 24;
  int32_t result = aot_exp_of_quarter(part * 32);
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
static inline int32_t aot_reciprocal(uint32_t fraction) {
  const int32_t half = aot_signed((fraction + (UINT32_C(1) << 31)) >> 1); /* of the denominator */
  int32_t x = 1515870810 + aot_high_product(half, -1010580540);
  for (uint8_t i = 0; i < 3; ++i) {
    const int32_t error = (INT32_C(1) << 29) - aot_high_product(half, x);
    x += aot_shift_left(aot_high_product(x, error), 2);
  }
  return aot_shift_left(x, 1);
}

#endif

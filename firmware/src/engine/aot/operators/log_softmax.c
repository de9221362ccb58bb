/* LOG_SOFTMAX for any core. Numbers are named by the bits below their point, as in exponential.h. */
#include "log_softmax.h"

#include "../arithmetic/exponential.h"
#include "../arithmetic/fixed_point.h"

static uint8_t leading_zeros(uint32_t value) {
  uint8_t zeros = 0;
  while ((value & (UINT32_C(1) << 31)) == 0) {
    value <<= 1;
    ++zeros;
  }
  return zeros;
}

/* log(x) in q26 for x >= 1 in q19: the logarithm of a power of two, and of what is left, between a half and one, a
 * quotient of polynomials around the fourth root of a half. */
static int32_t log_of(int32_t value) {
  const int32_t root_of_half = 1518500250;
  const int32_t fourth_root = 1805811301;   /* of a half */
  const int32_t quarter = INT32_C(1) << 23; /* q25 */
  const uint8_t zeros = leading_zeros((uint32_t)value);
  const int32_t one =
      aot_shift_left(aot_high_product(aot_shift_left(value, (uint8_t)(zeros - 1)), root_of_half), 1);
  const int32_t one_power = (12 - zeros) * (INT32_C(1) << 25) + quarter;
  const uint8_t other_zeros = leading_zeros((uint32_t)aot_high_product(value, root_of_half));
  const int32_t other = aot_shift_left(value, (uint8_t)(other_zeros - 1));
  const int32_t other_power = (13 - other_zeros) * (INT32_C(1) << 25) - quarter;
  const int32_t rest = one < other ? one : other;
  const int32_t power = one_power > other_power ? one_power : other_power;
  const int32_t middle = aot_signed(((uint32_t)rest + (uint32_t)fourth_root + 1u) >> 1);
  const int32_t off = 2 * (rest - fourth_root);
  const int32_t square = aot_high_product(off, off);
  const int32_t above =
      aot_high_product(off, rest) + aot_high_product(aot_high_product(off, square), 117049297);
  const int32_t below = aot_high_product(middle, 1057819769 + off + aot_high_product(square, 127690142)) +
                        aot_high_product(off, 638450708);
  const int32_t fine = aot_high_product(aot_divide(above, 6), aot_reciprocal((uint32_t)below));
  return aot_shift_left(aot_high_product(power, 1488522236) + fine, 1);
}

static int32_t scaled(const MODEL_FLASH aot_log_softmax_t *op, int32_t difference) {
  return aot_high_product(aot_signed((uint32_t)difference << op->left_shift), op->multiplier);
}

static void row(const MODEL_FLASH aot_log_softmax_t *op, const int8_t *input, int8_t *output) {
  const uint16_t depth = op->depth;
  int32_t most = input[0];
  for (uint16_t i = 1; i < depth; ++i) {
    most = input[i] > most ? input[i] : most;
  }
  int32_t sum = 0; /* q19 */
  for (uint16_t i = 0; i < depth; ++i) {
    const int32_t difference = input[i] - most;
    if (difference >= op->least_difference) {
      sum += aot_divide(aot_exp(scaled(op, difference)), 12);
    }
  }
  const int32_t log = log_of(sum);
  int32_t least = aot_scale(log + INT32_MIN, op->back, op->back_right_shift);
  least = least < op->least_difference - 1 ? op->least_difference - 1 : least;
  for (uint16_t i = 0; i < depth; ++i) {
    const int32_t difference = input[i] - most;
    int32_t result = INT8_MIN;
    if (difference > least) {
      result = aot_divide(aot_signed((uint32_t)scaled(op, difference) - (uint32_t)log), 22) + INT8_MAX;
      result = result < INT8_MIN ? INT8_MIN : result;
      result = result > INT8_MAX ? INT8_MAX : result;
    }
    output[i] = (int8_t)result;
  }
}

void aot_log_softmax(const MODEL_FLASH aot_log_softmax_t *op, const int8_t *input, int8_t *output) {
  for (uint32_t i = 0; i < op->rows; ++i) {
    row(op, input, output);
    input += op->depth;
    output += op->depth;
  }
}

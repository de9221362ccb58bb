/* Operators of two values for any core: the loops once, and a row of each operator. */
#include "binary.h"

#include <stddef.h>

#include "../arithmetic/fixed_point.h"

#define CHUNK 32u /* values of a constant that are brought into RAM at a time */

/* `count` values: the inputs go on by their steps, 0 or 1. */
typedef void (*row_t)(const MODEL_FLASH aot_binary_t *op, const int8_t *first, uint8_t first_step,
                      const int8_t *second, uint8_t second_step, int8_t *output, uint32_t count);

/* Where a row of an input lies: in RAM, or in `buffer`, where a constant of `count` values is brought to. */
static const int8_t *fetch(const MODEL_FLASH int8_t *constant, const int8_t *input, int32_t at, uint8_t step,
                           int8_t *buffer, uint32_t count) {
  if (constant == NULL) {
    return input + at;
  }
  count = step == 0 ? 1 : count;
  for (uint32_t i = 0; i < count; ++i) {
    buffer[i] = constant[at + (int32_t)i];
  }
  return buffer;
}

static void walk(const MODEL_FLASH aot_binary_t *op, const int8_t *first, const int8_t *second,
                 int8_t *output, row_t row) {
  const uint8_t last = AOT_BINARY_LOOPS - 1;
  const uint32_t inner = op->extents[last];
  const uint8_t first_step = op->first_strides[last] != 0;
  const uint8_t second_step = op->second_strides[last] != 0;
  const MODEL_FLASH int8_t *const first_constant = op->first;
  const MODEL_FLASH int8_t *const second_constant = op->second;
  const uint32_t most = first_constant == NULL && second_constant == NULL ? inner : CHUNK;
  uint32_t at[AOT_BINARY_LOOPS - 1] = {0};
  int8_t buffer[CHUNK];
  int32_t from_first = 0;
  int32_t from_second = 0;
  for (;;) {
    for (uint32_t start = 0; start < inner; start += most) {
      const uint32_t count = inner - start < most ? inner - start : most;
      const int32_t first_at = from_first + (int32_t)(start * first_step);
      const int32_t second_at = from_second + (int32_t)(start * second_step);
      row(op, fetch(first_constant, first, first_at, first_step, buffer, count), first_step,
          fetch(second_constant, second, second_at, second_step, buffer, count), second_step, output, count);
      output += count;
    }
    uint8_t loop = last;
    do { /* the odometer: the last loop that is not at its end goes on, those within begin again */
      if (loop == 0) {
        return;
      }
      --loop;
      from_first += op->first_strides[loop];
      from_second += op->second_strides[loop];
      if (++at[loop] < op->extents[loop]) {
        break;
      }
      from_first -= op->first_strides[loop] * (int32_t)op->extents[loop];
      from_second -= op->second_strides[loop] * (int32_t)op->extents[loop];
      at[loop] = 0;
    } while (1);
  }
}

static int8_t clamp(const MODEL_FLASH aot_binary_t *op, int32_t scaled) {
  int32_t result = aot_signed((uint32_t)scaled + (uint32_t)(int32_t)op->zero_points[2]);
  result = result < op->least ? op->least : result;
  return (int8_t)(result > op->most ? op->most : result);
}

/* An input's value less its zero point, shifted up, and scaled. */
static int32_t scaled_input(const MODEL_FLASH aot_binary_t *op, uint8_t which, int8_t value) {
  const int32_t steps = value - op->zero_points[which];
  const int32_t shifted = aot_signed((uint32_t)steps << op->left_shift);
  return aot_scale(shifted, op->multipliers[which], op->right_shifts[which]);
}

static int8_t to_output(const MODEL_FLASH aot_binary_t *op, int32_t value) {
  return clamp(op, aot_scale(value, op->multipliers[2], op->right_shifts[2]));
}

static void add_row(const MODEL_FLASH aot_binary_t *op, const int8_t *first, uint8_t first_step,
                    const int8_t *second, uint8_t second_step, int8_t *output, uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) {
    output[i] = to_output(op, scaled_input(op, 0, *first) + scaled_input(op, 1, *second));
    first += first_step;
    second += second_step;
  }
}

static void sub_row(const MODEL_FLASH aot_binary_t *op, const int8_t *first, uint8_t first_step,
                    const int8_t *second, uint8_t second_step, int8_t *output, uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) {
    output[i] = to_output(op, scaled_input(op, 0, *first) - scaled_input(op, 1, *second));
    first += first_step;
    second += second_step;
  }
}

static void squared_difference_row(const MODEL_FLASH aot_binary_t *op, const int8_t *first,
                                   uint8_t first_step, const int8_t *second, uint8_t second_step,
                                   int8_t *output, uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) {
    const int32_t difference = scaled_input(op, 0, *first) - scaled_input(op, 1, *second);
    output[i] = to_output(op, difference * difference);
    first += first_step;
    second += second_step;
  }
}

static void mul_row(const MODEL_FLASH aot_binary_t *op, const int8_t *first, uint8_t first_step,
                    const int8_t *second, uint8_t second_step, int8_t *output, uint32_t count) {
  const int32_t first_zero = op->zero_points[0];
  const int32_t second_zero = op->zero_points[1];
  for (uint32_t i = 0; i < count; ++i) {
    output[i] = to_output(op, (*first - first_zero) * (*second - second_zero));
    first += first_step;
    second += second_step;
  }
}

static void maximum_row(const MODEL_FLASH aot_binary_t *op, const int8_t *first, uint8_t first_step,
                        const int8_t *second, uint8_t second_step, int8_t *output, uint32_t count) {
  (void)op;
  for (uint32_t i = 0; i < count; ++i) {
    output[i] = *first > *second ? *first : *second;
    first += first_step;
    second += second_step;
  }
}

static void minimum_row(const MODEL_FLASH aot_binary_t *op, const int8_t *first, uint8_t first_step,
                        const int8_t *second, uint8_t second_step, int8_t *output, uint32_t count) {
  (void)op;
  for (uint32_t i = 0; i < count; ++i) {
    output[i] = *first < *second ? *first : *second;
    first += first_step;
    second += second_step;
  }
}

/* Values below 0 times the second input; each half has a scale of its own. */
static void prelu_row(const MODEL_FLASH aot_binary_t *op, const int8_t *first, uint8_t first_step,
                      const int8_t *second, uint8_t second_step, int8_t *output, uint32_t count) {
  const int32_t first_zero = op->zero_points[0];
  const int32_t second_zero = op->zero_points[1];
  for (uint32_t i = 0; i < count; ++i) {
    const int32_t value = *first - first_zero;
    const int32_t scaled =
        value >= 0 ? aot_scale(value, op->multipliers[0], op->right_shifts[0])
                   : aot_scale(value * (*second - second_zero), op->multipliers[2], op->right_shifts[2]);
    output[i] = clamp(op, scaled);
    first += first_step;
    second += second_step;
  }
}

/* A bool is not scaled: nothing shifts it. */
static int32_t input(const MODEL_FLASH aot_binary_t *op, uint8_t which, int8_t value) {
  return op->left_shift == 0 ? value : scaled_input(op, which, value);
}

#define DEFINE_ROW(name, condition)                                                                   \
  static void name##_row(const MODEL_FLASH aot_binary_t *op, const int8_t *first, uint8_t first_step, \
                         const int8_t *second, uint8_t second_step, int8_t *output, uint32_t count) { \
    for (uint32_t i = 0; i < count; ++i) {                                                            \
      const int32_t one = input(op, 0, *first);                                                       \
      const int32_t two = input(op, 1, *second);                                                      \
      output[i] = (condition) ? 1 : 0;                                                                \
      first += first_step;                                                                            \
      second += second_step;                                                                          \
    }                                                                                                 \
  }

DEFINE_ROW(equal, one == two)
DEFINE_ROW(not_equal, one != two)
DEFINE_ROW(greater, one > two)
DEFINE_ROW(greater_equal, one >= two)
DEFINE_ROW(less, one < two)
DEFINE_ROW(less_equal, one <= two)
DEFINE_ROW(logical_and, one != 0 && two != 0)
DEFINE_ROW(logical_or, one != 0 || two != 0)

#define DEFINE(name)                                                                                    \
  void aot_##name(const MODEL_FLASH aot_binary_t *op, const int8_t *first, const int8_t *second,        \
                  int8_t *output) {                                                                     \
    walk(op, first, second, output, name##_row);                                                        \
  }                                                                                                     \
  void aot_##name##_constant(const MODEL_FLASH aot_binary_t *op, const int8_t *input, int8_t *output) { \
    walk(op, input, input, output, name##_row);                                                         \
  }

DEFINE(add)
DEFINE(sub)
DEFINE(mul)
DEFINE(squared_difference)
DEFINE(maximum)
DEFINE(minimum)
DEFINE(prelu)

/* Those of bool and those that give bool. */
#define DEFINE_OF_BYTES(name)                                                                                \
  void aot_##name(const MODEL_FLASH aot_binary_t *op, const void *first, const void *second, void *output) { \
    walk(op, first, second, output, name##_row);                                                             \
  }                                                                                                          \
  void aot_##name##_constant(const MODEL_FLASH aot_binary_t *op, const void *input, void *output) {          \
    walk(op, input, input, output, name##_row);                                                              \
  }

DEFINE_OF_BYTES(equal)
DEFINE_OF_BYTES(not_equal)
DEFINE_OF_BYTES(greater)
DEFINE_OF_BYTES(greater_equal)
DEFINE_OF_BYTES(less)
DEFINE_OF_BYTES(less_equal)
DEFINE_OF_BYTES(logical_and)
DEFINE_OF_BYTES(logical_or)

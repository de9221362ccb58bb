/* BATCH_MATMUL for any core. */
#include "batch_matmul.h"

#include <stddef.h>

#include "../arithmetic/fixed_point.h"

/* A sum of products along two lines. Where constants are read with other instructions it is compiled three times. */
#define DEFINE_DOT(name, first_space, second_space)                                              \
  static int32_t name(const MODEL_FLASH aot_batch_matmul_t *op, const first_space int8_t *first, \
                      const second_space int8_t *second) {                                       \
    const int32_t first_step = op->first.step;                                                   \
    const int32_t second_step = op->second.step;                                                 \
    const int32_t first_zero = op->first.zero;                                                   \
    const int32_t second_zero = op->second.zero;                                                 \
    int32_t sum = 0;                                                                             \
    for (uint32_t left = op->depth; left != 0; --left) {                                         \
      sum += (*first - first_zero) * (*second - second_zero);                                    \
      first += first_step;                                                                       \
      second += second_step;                                                                     \
    }                                                                                            \
    return sum;                                                                                  \
  }

DEFINE_DOT(dot, , )
DEFINE_DOT(dot_with_constant, , MODEL_FLASH)
DEFINE_DOT(dot_of_constant, MODEL_FLASH, )

static int8_t output_of(const MODEL_FLASH aot_batch_matmul_t *op, int32_t sum) {
  const int32_t scaled = aot_scale(sum, op->multiplier, op->right_shift);
  const int32_t result = aot_signed((uint32_t)scaled + (uint32_t)(int32_t)op->output_zero);
  return (int8_t)(result < INT8_MIN ? INT8_MIN : result > INT8_MAX ? INT8_MAX : result);
}

/* One product, from where its matrices begin. */
static int8_t *product(const MODEL_FLASH aot_batch_matmul_t *op, const int8_t *first, int32_t first_at,
                       const int8_t *second, int32_t second_at, int8_t *output) {
  for (uint32_t row = 0; row < op->rows; ++row) {
    int32_t column_at = second_at;
    for (uint32_t column = 0; column < op->columns; ++column) {
      int32_t sum;
      if (op->first.constant != NULL) {
        sum = dot_of_constant(op, op->first.constant + first_at, second + column_at);
      } else if (op->second.constant != NULL) {
        sum = dot_with_constant(op, first + first_at, op->second.constant + column_at);
      } else {
        sum = dot(op, first + first_at, second + column_at);
      }
      *output++ = output_of(op, sum);
      column_at += op->second.line;
    }
    first_at += op->first.line;
  }
  return output;
}

void aot_batch_matmul(const MODEL_FLASH aot_batch_matmul_t *op, const int8_t *first, const int8_t *second,
                      int8_t *output) {
  for (uint32_t outer = 0; outer < op->extents[0]; ++outer) {
    for (uint32_t middle = 0; middle < op->extents[1]; ++middle) {
      int32_t first_at = (int32_t)outer * op->first.strides[0] + (int32_t)middle * op->first.strides[1];
      int32_t second_at = (int32_t)outer * op->second.strides[0] + (int32_t)middle * op->second.strides[1];
      for (uint32_t inner = 0; inner < op->extents[2]; ++inner) {
        output = product(op, first, first_at, second, second_at, output);
        first_at += op->first.strides[2];
        second_at += op->second.strides[2];
      }
    }
  }
}

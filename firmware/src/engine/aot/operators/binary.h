/* Operators of two values, int8, with broadcasting, bit-exact with TensorFlow Lite Micro's reference kernels. */
#ifndef BOARDPROOF_ENGINE_AOT_OPERATORS_BINARY_H
#define BOARDPROOF_ENGINE_AOT_OPERATORS_BINARY_H

#include <stdint.h>

#include "../flash.h"

#define AOT_BINARY_LOOPS 5

/* The output is written value by value; the inputs are walked in loops with the outermost first. */
typedef struct {
  uint32_t extents[AOT_BINARY_LOOPS];      /* 1 or more */
  int32_t first_strides[AOT_BINARY_LOOPS]; /* values; in the innermost loop 0 or 1 */
  int32_t second_strides[AOT_BINARY_LOOPS];
  int32_t multipliers[3]; /* of both inputs, and to the output: see aot_channel_t */
  int8_t right_shifts[3];
  int16_t zero_points[3];
  int16_t least; /* the clamp */
  int16_t most;
  uint8_t left_shift;              /* of the inputs, before they are scaled; 0: they are not */
  const MODEL_FLASH int8_t *first; /* aot_NAME_constant: the input that is a constant; the other is NULL */
  const MODEL_FLASH int8_t *second;
} aot_binary_t;

/* Inputs and output may not overlap, but for an input of the output's shape, which may be the output. */
void aot_add(const MODEL_FLASH aot_binary_t *op, const int8_t *first, const int8_t *second, int8_t *output);
void aot_sub(const MODEL_FLASH aot_binary_t *op, const int8_t *first, const int8_t *second, int8_t *output);
void aot_mul(const MODEL_FLASH aot_binary_t *op, const int8_t *first, const int8_t *second, int8_t *output);
void aot_squared_difference(const MODEL_FLASH aot_binary_t *op, const int8_t *first, const int8_t *second,
                            int8_t *output);
void aot_maximum(const MODEL_FLASH aot_binary_t *op, const int8_t *first, const int8_t *second,
                 int8_t *output);
void aot_minimum(const MODEL_FLASH aot_binary_t *op, const int8_t *first, const int8_t *second,
                 int8_t *output);

void aot_prelu(const MODEL_FLASH aot_binary_t *op, const int8_t *first, const int8_t *second, int8_t *output);

/* The same of a constant and an input. */
void aot_add_constant(const MODEL_FLASH aot_binary_t *op, const int8_t *input, int8_t *output);
void aot_sub_constant(const MODEL_FLASH aot_binary_t *op, const int8_t *input, int8_t *output);
void aot_mul_constant(const MODEL_FLASH aot_binary_t *op, const int8_t *input, int8_t *output);
void aot_squared_difference_constant(const MODEL_FLASH aot_binary_t *op, const int8_t *input, int8_t *output);
void aot_maximum_constant(const MODEL_FLASH aot_binary_t *op, const int8_t *input, int8_t *output);
void aot_minimum_constant(const MODEL_FLASH aot_binary_t *op, const int8_t *input, int8_t *output);

void aot_prelu_constant(const MODEL_FLASH aot_binary_t *op, const int8_t *input, int8_t *output);

/* Those that give bool: of int8, or of bool, for which left_shift is 0. */
#define AOT_DECLARE(name)                                                                                   \
  void aot_##name(const MODEL_FLASH aot_binary_t *op, const void *first, const void *second, void *output); \
  void aot_##name##_constant(const MODEL_FLASH aot_binary_t *op, const void *input, void *output);
AOT_DECLARE(equal)
AOT_DECLARE(not_equal)
AOT_DECLARE(greater)
AOT_DECLARE(greater_equal)
AOT_DECLARE(less)
AOT_DECLARE(less_equal)
AOT_DECLARE(logical_and)
AOT_DECLARE(logical_or)
#undef AOT_DECLARE

#endif

/* BATCH_MATMUL, int8, bit-exact with TensorFlow Lite Micro's reference kernel. */
#ifndef BOARDPROOF_ENGINE_AOT_OPERATORS_BATCH_MATMUL_H
#define BOARDPROOF_ENGINE_AOT_OPERATORS_BATCH_MATMUL_H

#include <stdint.h>

#include "../flash.h"

#define AOT_BATCH_MATMUL_LOOPS 3

/* How an input is walked; strides are values. A line is a row of the first matrix, a column of the second. */
typedef struct {
  int32_t strides[AOT_BATCH_MATMUL_LOOPS]; /* from matrix to matrix, the outermost loop first */
  int32_t line;                            /* from line to line */
  int32_t step;                            /* along a line */
  int16_t zero;                            /* the zero point */
  const MODEL_FLASH int8_t *constant;      /* what is read in place of the input, or NULL */
} aot_batch_matmul_input_t;

typedef struct {
  aot_batch_matmul_input_t first;
  aot_batch_matmul_input_t second;
  uint32_t extents[AOT_BATCH_MATMUL_LOOPS]; /* 1 or more */
  uint32_t rows;
  uint32_t columns;
  uint32_t depth;      /* 33025 at most */
  int32_t multiplier;  /* see aot_channel_t */
  int32_t right_shift; /* likewise */
  int16_t output_zero;
} aot_batch_matmul_t;

/* Inputs and output may not overlap; an input in whose place a constant is read is ignored. */
void aot_batch_matmul(const MODEL_FLASH aot_batch_matmul_t *op, const int8_t *first, const int8_t *second,
                      int8_t *output);

#endif

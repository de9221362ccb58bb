/* Reductions over any axes, int8, bit-exact with TensorFlow Lite Micro's reference kernels. */
#ifndef BOARDPROOF_ENGINE_AOT_OPERATORS_REDUCE_H
#define BOARDPROOF_ENGINE_AOT_OPERATORS_REDUCE_H

#include <stdint.h>

#include "../flash.h"

#define AOT_REDUCE_LOOPS 3

typedef struct {
  uint32_t kept[AOT_REDUCE_LOOPS];        /* loops over the outputs, outermost first: extents of 1 or more */
  int32_t kept_strides[AOT_REDUCE_LOOPS]; /* in values of the input */
  uint32_t reduced[AOT_REDUCE_LOOPS];     /* loops over the values of an output */
  int32_t reduced_strides[AOT_REDUCE_LOOPS];
  int32_t multiplier;  /* aot_mean, aot_sum: see aot_channel_t; the mean's count is part of it */
  int32_t right_shift; /* likewise */
  int32_t input_zero;  /* the input's zero point times the count */
  int16_t output_zero;
} aot_reduce_t;

/* Input and output may not overlap. Of equal values the first one's position counts. */
void aot_mean(const MODEL_FLASH aot_reduce_t *op, const int8_t *input, int8_t *output);
void aot_sum(const MODEL_FLASH aot_reduce_t *op, const int8_t *input, int8_t *output);
void aot_reduce_max(const MODEL_FLASH aot_reduce_t *op, const int8_t *input, int8_t *output);
void aot_reduce_min(const MODEL_FLASH aot_reduce_t *op, const int8_t *input, int8_t *output);
void aot_arg_max(const MODEL_FLASH aot_reduce_t *op, const int8_t *input, void *output);
void aot_arg_min(const MODEL_FLASH aot_reduce_t *op, const int8_t *input, void *output);

#endif

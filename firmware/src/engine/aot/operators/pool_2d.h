/* AVERAGE_POOL_2D and MAX_POOL_2D, int8, bit-exact with TensorFlow Lite Micro's reference kernel. */
#ifndef BOARDPROOF_ENGINE_AOT_OPERATORS_POOL_2D_H
#define BOARDPROOF_ENGINE_AOT_OPERATORS_POOL_2D_H

#include <stdint.h>

#include "../flash.h"

/* One of the two axes of an image, in values; `padding` lies before the input. */
typedef struct {
  int32_t input;
  int32_t output;
  int32_t window;
  int32_t stride;
  int32_t padding;
} aot_pool_axis_t;

typedef struct {
  aot_pool_axis_t height;
  aot_pool_axis_t width;
  uint32_t batches;
  uint32_t depth; /* channels */
  int16_t least;  /* the fused activation's clamp, -128 to 127 */
  int16_t most;
} aot_pool_2d_t;

/* Input is (batches, height, width, depth), output likewise; they may not overlap. A window holds 1 to 2^23 values. */
void aot_average_pool_2d(const MODEL_FLASH aot_pool_2d_t *op, const int8_t *input, int8_t *output);
void aot_max_pool_2d(const MODEL_FLASH aot_pool_2d_t *op, const int8_t *input, int8_t *output);

#endif

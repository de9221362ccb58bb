/* Images of another size, bit-exact with TensorFlow Lite Micro's reference kernels. */
#ifndef BOARDPROOF_ENGINE_AOT_OPERATORS_RESIZE_H
#define BOARDPROOF_ENGINE_AOT_OPERATORS_RESIZE_H

#include <stdint.h>

#include "../flash.h"

/* Where each row, or column, of the output comes from. */
typedef struct {
  const MODEL_FLASH uint16_t *lower; /* rows of the input */
  const MODEL_FLASH uint16_t *upper; /* aot_resize_bilinear: lower, or the next one */
  const MODEL_FLASH uint16_t
      *share; /* likewise: 1024ths of the upper one, 0 to 1024; the rest is of the lower one */
  uint16_t count;
} aot_resize_axis_t;

typedef struct {
  aot_resize_axis_t rows;
  aot_resize_axis_t columns;
  uint32_t batches;
  uint32_t position_bytes; /* of the channels of a row and column */
  uint32_t row_bytes;      /* of the input */
  uint32_t batch_bytes;    /* likewise */
} aot_resize_t;

/* Input and output may not overlap. */
void aot_resize_nearest_neighbor(const MODEL_FLASH aot_resize_t *op, const void *input, void *output);
/* Of int8; half away from zero. */
void aot_resize_bilinear(const MODEL_FLASH aot_resize_t *op, const int8_t *input, int8_t *output);

#endif

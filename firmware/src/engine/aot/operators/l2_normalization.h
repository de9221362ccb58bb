/* L2_NORMALIZATION, int8, bit-exact with TensorFlow Lite Micro's reference kernel. */
#ifndef BOARDPROOF_ENGINE_AOT_OPERATORS_L2_NORMALIZATION_H
#define BOARDPROOF_ENGINE_AOT_OPERATORS_L2_NORMALIZATION_H

#include <stdint.h>

#include "../flash.h"

typedef struct {
  uint32_t rows;
  uint16_t depth;     /* values a row, 1 to 33025 */
  int16_t zero_point; /* of the input */
} aot_l2_normalization_t;

/* Outputs are 128ths. Input and output may be the same. */
void aot_l2_normalization(const MODEL_FLASH aot_l2_normalization_t *op, const int8_t *input, int8_t *output);

#endif

/* SOFTMAX of int8, bit-exact with TensorFlow Lite Micro's reference kernel. */
#ifndef BOARDPROOF_ENGINE_AOT_OPERATORS_SOFTMAX_H
#define BOARDPROOF_ENGINE_AOT_OPERATORS_SOFTMAX_H

#include <stdint.h>

#include "../flash.h"

typedef struct {
  uint32_t rows;
  int32_t multiplier;       /* 2^30 to 2^31 - 1 */
  int32_t least_difference; /* <= 0: what lies further below the row's largest value counts as zero */
  uint16_t depth;           /* values a row, 1 to 4095 */
  uint8_t left_shift;       /* a difference times 2^left_shift fits int32 */
} aot_softmax_t;

/* Input and output hold rows * depth values and may not overlap. */
/* Outputs have scale 1/256 and zero point -128. */
void aot_softmax(const MODEL_FLASH aot_softmax_t *op, const int8_t *input, int8_t *output);
/* Outputs have scale 1/65536 and zero point -32768. */
void aot_softmax_to_int16(const MODEL_FLASH aot_softmax_t *op, const int8_t *input, void *output);

#endif

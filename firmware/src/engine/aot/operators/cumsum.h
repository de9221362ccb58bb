/* CUMSUM, int8, bit-exact with TensorFlow Lite Micro's reference kernel. */
#ifndef BOARDPROOF_ENGINE_AOT_OPERATORS_CUMSUM_H
#define BOARDPROOF_ENGINE_AOT_OPERATORS_CUMSUM_H

#include <stdint.h>

#include "../flash.h"

/* An input of (outer, depth, inner), summed up along its middle. */
typedef struct {
  uint32_t outer;
  uint32_t depth;
  uint32_t inner;
  int32_t multiplier;  /* see aot_channel_t */
  int32_t right_shift; /* likewise, 0 to 31 */
  int16_t input_zero;
  int16_t output_zero;
  uint8_t exclusive; /* 1: a value is not in its own sum */
  uint8_t reverse;   /* 1: from the end */
} aot_cumsum_t;

/* Input and output may be the same. */
void aot_cumsum(const MODEL_FLASH aot_cumsum_t *op, const int8_t *input, int8_t *output);

#endif

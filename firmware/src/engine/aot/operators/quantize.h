/* Changes of scale and type: what a table is too large for. */
#ifndef BOARDPROOF_ENGINE_AOT_OPERATORS_QUANTIZE_H
#define BOARDPROOF_ENGINE_AOT_OPERATORS_QUANTIZE_H

#include <stdint.h>

#include "../flash.h"
#include "table.h"

typedef struct {
  uint32_t count;
  int32_t multiplier;  /* as aot_channel_t has it */
  int32_t right_shift; /* likewise */
  int32_t source_zero_point;
  int32_t output_zero_point;
  int32_t least; /* of the output's type */
  int32_t most;
  float scale; /* of the quantized side, where the other one is float32 */
  uint8_t source_bytes;
  uint8_t output_bytes;
} aot_scaled_t;

/* From float32, half away from zero. What lies beyond the type is cut; NaN becomes the least value. */
void aot_quantize(const MODEL_FLASH aot_scaled_t *op, const void *input, void *output);

/* From int8, uint8, int16 or int32 to one of int8, int16 and int32. They may not overlap. */
void aot_requantize(const MODEL_FLASH aot_scaled_t *op, const void *input, void *output);

/* From int8, uint8 or int16 to float32, each value rounded once. They may not overlap. */
void aot_dequantize(const MODEL_FLASH aot_scaled_t *op, const void *input, void *output);

#endif

/* Functions of one value: tables of what a byte becomes, and changes of scale between wider types. */
#ifndef BOARDPROOF_ENGINE_AOT_OPERATORS_UNARY_H
#define BOARDPROOF_ENGINE_AOT_OPERATORS_UNARY_H

#include <stdint.h>

#include "../flash.h"

typedef struct {
  const MODEL_FLASH uint8_t *table; /* 256 outputs, by the input as an unsigned byte */
  uint32_t count;
} aot_table_t;

typedef struct {
  const MODEL_FLASH uint32_t *table; /* likewise, of 4 bytes each */
  uint32_t count;
} aot_table_of_words_t;

typedef struct {
  uint32_t count;
  int32_t multiplier;  /* as aot_channel_t has it */
  int32_t right_shift; /* likewise */
  int32_t source_zero_point;
  int32_t output_zero_point;
  int32_t least; /* of the output's type */
  int32_t most;
  float scale; /* aot_quantize: of the output */
  uint8_t source_bytes;
  uint8_t output_bytes;
} aot_scaled_t;

/* Input and output may be the same. */
void aot_table(const MODEL_FLASH aot_table_t *op, const void *input, void *output);
/* Output is 4 bytes a value; they may not overlap. */
void aot_table_of_words(const MODEL_FLASH aot_table_of_words_t *op, const void *input, void *output);

/* From float32, half away from zero. What lies beyond the type is cut; NaN becomes the least value. */
void aot_quantize(const MODEL_FLASH aot_scaled_t *op, const void *input, void *output);

/* From int8, uint8, int16 or int32 to one of int8, int16 and int32. They may not overlap. */
void aot_requantize(const MODEL_FLASH aot_scaled_t *op, const void *input, void *output);

#endif

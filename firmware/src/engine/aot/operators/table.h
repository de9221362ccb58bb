/* Functions of one value: tables of what a byte becomes. */
#ifndef BOARDPROOF_ENGINE_AOT_OPERATORS_TABLE_H
#define BOARDPROOF_ENGINE_AOT_OPERATORS_TABLE_H

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

/* Input and output may be the same. */
void aot_table(const MODEL_FLASH aot_table_t *op, const void *input, void *output);
/* Output is 4 bytes a value; they may not overlap. */
void aot_table_of_words(const MODEL_FLASH aot_table_of_words_t *op, const void *input, void *output);

#endif

/* Tables, for any core. */
#include "table.h"

void aot_table(const MODEL_FLASH aot_table_t *op, const void *input, void *output) {
  const MODEL_FLASH uint8_t *const table = op->table;
  const uint8_t *from = input;
  uint8_t *to = output;
  for (uint32_t i = 0; i < op->count; ++i) {
    *to++ = table[*from++];
  }
}

void aot_table_of_words(const MODEL_FLASH aot_table_of_words_t *op, const void *input, void *output) {
  const MODEL_FLASH uint32_t *const table = op->table;
  const uint8_t *from = input;
  uint32_t *to = output;
  for (uint32_t i = 0; i < op->count; ++i) {
    *to++ = table[*from++];
  }
}

/* Parts of a tensor by their positions, for any core. */
#include "gather.h"

#include <stddef.h>
#include <string.h>

/* The run that the numbers at `at` name, beginning with 0. */
static uint32_t position(const MODEL_FLASH aot_gather_t *op, const int32_t *indices, uint32_t at) {
  const MODEL_FLASH int32_t *const constant = op->indices;
  uint32_t found = 0;
  for (uint8_t part = 0; part < op->parts; ++part) {
    const int32_t number = constant != NULL ? constant[at + part] : indices[at + part];
    found += (uint32_t)number * op->strides[part];
  }
  return found < op->positions ? found : 0;
}

void aot_gather(const MODEL_FLASH aot_gather_t *op, const void *input, const void *indices, void *output) {
  const MODEL_FLASH uint8_t *const constant = op->table;
  const size_t run = (size_t)op->run;
  const uint32_t numbers = op->count * op->parts; /* of a table */
  uint8_t *to = output;
  size_t table = 0;
  uint32_t first = 0;
  uint32_t shared = 0;
  for (uint32_t i = 0; i < op->tables; ++i) {
    for (uint32_t at = 0; at < numbers; at += op->parts) {
      const size_t from = table + (size_t)position(op, indices, first + at) * run;
      if (constant == NULL) {
        memcpy(to, (const uint8_t *)input + from, run);
      } else {
        for (size_t byte = 0; byte < run; ++byte) {
          to[byte] = constant[from + byte];
        }
      }
      to += run;
    }
    table += (size_t)op->positions * run;
    if (++shared == op->sharing) {
      shared = 0;
      first += numbers;
    }
  }
}

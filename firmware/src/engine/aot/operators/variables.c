/* Variables for any core. */
#include "variables.h"

#include <stddef.h>
#include <string.h>

void aot_read_variable(const MODEL_FLASH aot_variables_t *op, void *output, const void *state) {
  memcpy(output, state, (size_t)op->bytes);
}

void aot_assign_variable(const MODEL_FLASH aot_variables_t *op, const void *value, void *state) {
  memcpy(state, value, (size_t)op->bytes);
}

void aot_assign_constant(const MODEL_FLASH aot_variables_t *op, void *state) {
  const MODEL_FLASH uint8_t *const constant = op->constant;
  const size_t bytes = (size_t)op->bytes;
  for (size_t i = 0; i < bytes; ++i) {
    ((uint8_t *)state)[i] = constant[i];
  }
}

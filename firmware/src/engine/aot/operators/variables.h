/* Variables: READ_VARIABLE and ASSIGN_VARIABLE of any type. */
#ifndef BOARDPROOF_ENGINE_AOT_OPERATORS_VARIABLES_H
#define BOARDPROOF_ENGINE_AOT_OPERATORS_VARIABLES_H

#include <stdint.h>

#include "../flash.h"

typedef struct {
  uint32_t bytes;
  const MODEL_FLASH uint8_t *constant; /* aot_assign_constant: the value */
} aot_variables_t;

/* The variable is `state`; it does not overlap with what is read or written. */
void aot_read_variable(const MODEL_FLASH aot_variables_t *op, void *output, const void *state);
void aot_assign_variable(const MODEL_FLASH aot_variables_t *op, const void *value, void *state);
void aot_assign_constant(const MODEL_FLASH aot_variables_t *op, void *state);

#endif

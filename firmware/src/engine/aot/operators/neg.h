/* NEG, float32. */
#ifndef BOARDPROOF_ENGINE_AOT_OPERATORS_NEG_H
#define BOARDPROOF_ENGINE_AOT_OPERATORS_NEG_H

#include <stdint.h>

#include "../flash.h"

typedef struct {
  uint32_t count; /* of values */
} aot_neg_t;

/* Input and output may be the same. */
void aot_neg(const MODEL_FLASH aot_neg_t *op, const void *input, void *output);

#endif

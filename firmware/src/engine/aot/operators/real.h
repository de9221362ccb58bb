/* Functions of one float32 value. */
#ifndef BOARDPROOF_ENGINE_AOT_OPERATORS_REAL_H
#define BOARDPROOF_ENGINE_AOT_OPERATORS_REAL_H

#include <stdint.h>

#include "../flash.h"

typedef struct {
  uint32_t count; /* of values */
} aot_real_t;

/* Input and output may be the same. Zeros have the sign that IEEE 754 gives them. */
void aot_neg(const MODEL_FLASH aot_real_t *op, const void *input, void *output);
void aot_floor(const MODEL_FLASH aot_real_t *op, const void *input, void *output);
void aot_ceil(const MODEL_FLASH aot_real_t *op, const void *input, void *output);
/* To the nearest, ties to even; what is rounded up to zero is a positive one. */
void aot_round(const MODEL_FLASH aot_real_t *op, const void *input, void *output);
void aot_square(const MODEL_FLASH aot_real_t *op, const void *input, void *output);

#endif

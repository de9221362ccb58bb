/* Values of another type. */
#ifndef BOARDPROOF_ENGINE_AOT_OPERATORS_CAST_H
#define BOARDPROOF_ENGINE_AOT_OPERATORS_CAST_H

#include <stdint.h>

#include "../flash.h"

enum { AOT_CAST_INT8, AOT_CAST_INT16, AOT_CAST_INT32, AOT_CAST_FLOAT, AOT_CAST_BOOL };

typedef struct {
  uint32_t count;
  uint8_t source; /* a type */
  uint8_t output; /* likewise, but for bool */
} aot_cast_t;

/* As C converts, and a float beyond int32 is cut to it; NaN is the least. Input and output may not overlap. */
void aot_cast(const MODEL_FLASH aot_cast_t *op, const void *input, void *output);

#endif

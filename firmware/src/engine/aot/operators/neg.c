/* NEG, for any core. */
#include "neg.h"

void aot_neg(const MODEL_FLASH aot_neg_t *op, const void *input, void *output) {
  const float *from = input;
  float *to = output;
  for (uint32_t i = 0; i < op->count; ++i) {
    *to++ = -*from++;
  }
}

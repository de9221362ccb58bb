/* Of two tensors as a third says, for any core. */
#include "select.h"

#include <stddef.h>

/* A byte of an input, or of the constant that is read in its place. */
static uint8_t byte_of(const MODEL_FLASH aot_select_input_t *input, const uint8_t *values, size_t at) {
  const MODEL_FLASH uint8_t *const constant = input->constant;
  return constant != NULL ? constant[at] : values[at];
}

static size_t place(const MODEL_FLASH aot_select_input_t *input, const uint32_t *at) {
  int32_t found = 0;
  for (uint8_t loop = 0; loop < AOT_SELECT_LOOPS; ++loop) {
    found += (int32_t)at[loop] * input->strides[loop];
  }
  return (size_t)found;
}

void aot_select_v2(const MODEL_FLASH aot_select_t *op, const void *condition, const void *first,
                   const void *second, void *output) {
  const uint8_t bytes = op->bytes;
  const uint8_t last = AOT_SELECT_LOOPS - 1;
  uint32_t at[AOT_SELECT_LOOPS] = {0};
  uint8_t *to = output;
  for (;;) {
    const int chosen = byte_of(&op->condition, condition, place(&op->condition, at)) != 0;
    const MODEL_FLASH aot_select_input_t *const input = chosen ? &op->first : &op->second;
    const size_t from = place(input, at) * bytes;
    for (uint8_t byte = 0; byte < bytes; ++byte) {
      *to++ = byte_of(input, chosen ? first : second, from + byte);
    }
    uint8_t loop = last;
    while (++at[loop] == op->extents[loop]) {
      at[loop] = 0;
      if (loop == 0) {
        return;
      }
      --loop;
    }
  }
}

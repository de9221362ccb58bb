/* Of two tensors, value by value, as a third says. */
#ifndef BOARDPROOF_ENGINE_AOT_OPERATORS_SELECT_H
#define BOARDPROOF_ENGINE_AOT_OPERATORS_SELECT_H

#include <stdint.h>

#include "../flash.h"

#define AOT_SELECT_LOOPS 5

/* How an input is walked, the outermost loop first. */
typedef struct {
  int32_t strides[AOT_SELECT_LOOPS];   /* values, 0 or more */
  const MODEL_FLASH uint8_t *constant; /* what is read in place of the input, or NULL */
} aot_select_input_t;

typedef struct {
  uint32_t extents[AOT_SELECT_LOOPS]; /* 1 or more */
  aot_select_input_t condition;       /* of bytes: 0 takes the second */
  aot_select_input_t first;
  aot_select_input_t second;
  uint8_t bytes; /* of a value: 1, 2 or 4 */
} aot_select_t;

/* Inputs and output may not overlap; an input in whose place a constant is read is ignored. */
void aot_select_v2(const MODEL_FLASH aot_select_t *op, const void *condition, const void *first,
                   const void *second, void *output);

#endif

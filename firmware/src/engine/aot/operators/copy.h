/* Copies between two strided views: what all operators that only move values are made of. */
#ifndef BOARDPROOF_ENGINE_AOT_OPERATORS_COPY_H
#define BOARDPROOF_ENGINE_AOT_OPERATORS_COPY_H

#include <stdint.h>

#include "../flash.h"

#define AOT_COPY_LOOPS 5

/* Runs of bytes that lie side by side in both views, in loops with the outermost first. */
typedef struct {
  uint32_t extents[AOT_COPY_LOOPS];       /* 1 or more */
  int32_t source_strides[AOT_COPY_LOOPS]; /* bytes */
  int32_t output_strides[AOT_COPY_LOOPS];
  uint32_t source_offset; /* of the first run, bytes */
  uint32_t output_offset;
  uint32_t run;                        /* bytes; 0 copies nothing */
  uint32_t fill_count;                 /* values that are written into the output before, all of them; or 0 */
  uint8_t fill_bytes;                  /* of such a value, 1 to 8 */
  uint8_t fill[8];                     /* the value */
  const MODEL_FLASH uint8_t *constant; /* aot_copy_constant: what is copied */
} aot_copy_t;

/* Source and output may not overlap. */
void aot_copy(const MODEL_FLASH aot_copy_t *op, const void *source, void *output);
void aot_copy_constant(const MODEL_FLASH aot_copy_t *op, void *output);

#endif

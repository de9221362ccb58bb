/* Parts of a tensor by their positions. */
#ifndef BOARDPROOF_ENGINE_AOT_OPERATORS_GATHER_H
#define BOARDPROOF_ENGINE_AOT_OPERATORS_GATHER_H

#include <stdint.h>

#include "../flash.h"

#define AOT_GATHER_PARTS 5

/* Of each of `tables` tables of `positions` runs, `count` runs. */
typedef struct {
  uint32_t tables;
  uint32_t sharing; /* how many tables, one behind the other, have the same indices */
  uint32_t positions;
  uint32_t count;
  uint32_t run;                       /* bytes */
  uint32_t strides[AOT_GATHER_PARTS]; /* a position is the sum of its numbers, each times its stride */
  uint8_t parts;                      /* how many numbers it has */
  const MODEL_FLASH uint8_t *table;   /* the constant that is read in place of the input, or NULL */
  const MODEL_FLASH int32_t *indices; /* likewise; one of them at most */
} aot_gather_t;

/* A position outside of the table takes the first run. Inputs and output may not overlap; an input in whose place a
 * constant is read is ignored. */
void aot_gather(const MODEL_FLASH aot_gather_t *op, const void *input, const void *indices, void *output);

#endif

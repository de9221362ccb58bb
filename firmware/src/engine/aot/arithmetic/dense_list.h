/* Lists of the inputs that count, and sums over them, for any core: what the kernels of dense layers are made of. Each
 * kernel has them in a file of its own, so that the compiler puts them into its loops. */
#ifndef BOARDPROOF_ENGINE_AOT_ARITHMETIC_DENSE_LIST_H
#define BOARDPROOF_ENGINE_AOT_ARITHMETIC_DENSE_LIST_H

#include "../cores/armv7m/thumb2.h"
#include "dense.h"

typedef int16_t list_element_t; /* of a list: an input */

/* Lists the inputs that differ from the zero point, less the zero point. */
static void list_inputs(const int8_t *input, uint16_t depth, int32_t zero_point, int16_t *list) {
  const int8_t *const end = input + depth;
  const int8_t *run_end = input; /* of the run before */
  int first = 1;
  while (input != end) {
    int32_t value = *input;
    if (value == zero_point) {
      ++input;
      continue;
    }
    *list++ = (int16_t)(input - run_end + first);
    first = 0;
    do {
      *list++ = (int16_t)(value - zero_point);
      if (++input == end) {
        break;
      }
      value = *input;
    } while (value != zero_point);
    *list++ = 0;
    run_end = input;
  }
  *list = 0;
}

/* The sum of all listed values. */
static int32_t sum_values(const int16_t *list) {
  int32_t sum = 0;
  while (*list++ != 0) {
    int16_t value;
    while ((value = *list++) != 0) {
      sum += value;
    }
  }
  return sum;
}

/* The accumulators of AOT_BLOCK outputs, without bias. */
static void block(const MODEL_FLASH int8_t *weights, const int16_t *list, uint32_t sums[AOT_BLOCK]) {
  uint32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0, s4 = 0, s5 = 0, s6 = 0, s7 = 0;
  uint32_t skip = (uint16_t)*list++;
  if (skip != 0) {
    const MODEL_FLASH int8_t *row = weights + (skip - 1) * AOT_BLOCK;
#ifdef AOT_THUMB2
    THUMB2_RUNS(list, row, s0, s1, s2, s3, s4, s5, s6, s7);
#else
    do {
      int32_t value;
      while ((value = *list++) != 0) {
        s0 += (uint32_t)(value * row[0]);
        s1 += (uint32_t)(value * row[1]);
        s2 += (uint32_t)(value * row[2]);
        s3 += (uint32_t)(value * row[3]);
        s4 += (uint32_t)(value * row[4]);
        s5 += (uint32_t)(value * row[5]);
        s6 += (uint32_t)(value * row[6]);
        s7 += (uint32_t)(value * row[7]);
        row += AOT_BLOCK;
      }
      skip = (uint16_t)*list++;
      row += skip * AOT_BLOCK;
    } while (skip != 0);
#endif
  }
  sums[0] = s0;
  sums[1] = s1;
  sums[2] = s2;
  sums[3] = s3;
  sums[4] = s4;
  sums[5] = s5;
  sums[6] = s6;
  sums[7] = s7;
}

/* The accumulator of one output, without bias. */
static uint32_t single(const MODEL_FLASH int8_t *weights, const int16_t *list) {
  uint32_t sum = 0;
  uint32_t skip = (uint16_t)*list++;
  if (skip == 0) {
    return sum;
  }
  const MODEL_FLASH int8_t *weight = weights + skip - 1;
  do {
    int32_t value;
    while ((value = *list++) != 0) {
      sum += (uint32_t)(value * *weight++);
    }
    skip = (uint16_t)*list++;
    weight += skip;
  } while (skip != 0);
  return sum;
}

#endif

/* Lists of the pairs of inputs that count, and sums over them: as arithmetic/dense_list.h, for cores with the DSP extension.
 * dense.c says how the weights are laid out. */
#ifndef BOARDPROOF_ENGINE_AOT_CORES_DSP_DENSE_LIST_H
#define BOARDPROOF_ENGINE_AOT_CORES_DSP_DENSE_LIST_H

#include "../../arithmetic/dense.h"
#include "../armv7m/thumb2.h"
#include "dsp.h"

typedef uint32_t list_element_t; /* of a list: a pair of inputs */

#define BLOCK_WORDS (AOT_BLOCK / 2)

/* Two inputs as they are, the first in the lower byte. */
static inline uint32_t load_pair(const int8_t *input) {
#ifdef __ARM_FEATURE_UNALIGNED
  uint16_t pair;
  __builtin_memcpy(&pair, input, sizeof pair);
  return pair;
#else
  return (uint32_t)(uint8_t)input[0] | ((uint32_t)(uint8_t)input[1] << 8);
#endif
}

/* Both bytes of `pair` as lanes, less the lanes of `zero`. */
static inline uint32_t widen(uint32_t pair, uint32_t zero) {
  return dsp_subtract(dsp_even(pair | (pair << 8)), zero);
}

/* Lists the pairs that differ from the zero point, less the zero point, as lanes; the input that an odd depth
 * leaves over is paired with the zero point. */
static void list_inputs(const int8_t *input, uint16_t depth, int16_t zero_point, uint32_t *list) {
  const uint32_t zero_byte = (uint8_t)zero_point;
  const uint32_t zero_pair = zero_byte | (zero_byte << 8);
  const uint32_t zero = widen(zero_pair, 0);
  const int8_t *const end = input + depth / 2u * 2u;
  const int8_t *run_end = input; /* of the run before */
  uint32_t first = 1;
  int open = 0; /* whether the last run still waits for its zero */
  while (input != end) {
    uint32_t pair = load_pair(input);
    if (pair == zero_pair) {
      input += 2;
      continue;
    }
    *list++ = (uint32_t)(input - run_end) / 2u + first;
    first = 0;
    do {
      *list++ = widen(pair, zero);
      input += 2;
      open = input == end;
      if (open) {
        break;
      }
      pair = load_pair(input);
    } while (pair != zero_pair);
    run_end = input;
    if (!open) {
      *list++ = 0;
    }
  }
  if (depth % 2u != 0 && *end != zero_point) {
    if (!open) {
      *list++ = (uint32_t)(end - run_end) / 2u + first;
    }
    *list++ = (uint32_t)(*end - zero_point) & 0xffffu;
    open = 1;
  }
  if (open) {
    *list++ = 0;
  }
  *list = 0;
}

/* The sum of all listed values. */
static int32_t sum_values(const uint32_t *list) {
  uint32_t sum = 0;
  while (*list++ != 0) {
    uint32_t value;
    while ((value = *list++) != 0) {
      sum = dsp_dot(value, 0x00010001u, sum);
    }
  }
  return aot_signed(sum);
}

/* B from T, see above. */
static inline uint32_t upper(uint32_t total, uint32_t lower) {
  return (uint32_t)(aot_signed(total - lower) >> 8);
}

/* The accumulators of AOT_BLOCK outputs, without bias. */
static inline void block(const MODEL_FLASH uint32_t *weights, const uint32_t *list, int paired,
                         uint32_t sums[AOT_BLOCK]) {
  uint32_t a0 = 0, a1 = 0, a2 = 0, a3 = 0, b0 = 0, b1 = 0, b2 = 0, b3 = 0; /* paired: T in place of B */
  uint32_t skip = *list++;
  if (skip != 0) {
    const MODEL_FLASH uint32_t *row = weights + (skip - 1) * BLOCK_WORDS;
#ifdef THUMB2_PAIRED_RUNS
    if (paired) {
      THUMB2_PAIRED_RUNS(list, row, a0, b0, a1, b1, a2, b2, a3, b3);
      skip = 0;
    }
#endif
    while (skip != 0) {
      uint32_t value;
      while ((value = *list++) != 0) {
        a0 = dsp_dot(dsp_even(row[0]), value, a0);
        b0 = dsp_dot(paired ? row[0] : dsp_odd(row[0]), value, b0);
        a1 = dsp_dot(dsp_even(row[1]), value, a1);
        b1 = dsp_dot(paired ? row[1] : dsp_odd(row[1]), value, b1);
        a2 = dsp_dot(dsp_even(row[2]), value, a2);
        b2 = dsp_dot(paired ? row[2] : dsp_odd(row[2]), value, b2);
        a3 = dsp_dot(dsp_even(row[3]), value, a3);
        b3 = dsp_dot(paired ? row[3] : dsp_odd(row[3]), value, b3);
        row += BLOCK_WORDS;
      }
      skip = *list++;
      row += skip * BLOCK_WORDS;
    }
  }
  sums[0] = a0;
  sums[1] = paired ? upper(b0, a0) : b0;
  sums[2] = a1;
  sums[3] = paired ? upper(b1, a1) : b1;
  sums[4] = a2;
  sums[5] = paired ? upper(b2, a2) : b2;
  sums[6] = a3;
  sums[7] = paired ? upper(b3, a3) : b3;
}

/* The accumulators of two outputs, without bias. */
static void column(const MODEL_FLASH uint32_t *weights, const uint32_t *list, int paired, uint32_t sums[2]) {
  uint32_t a = 0, b = 0;
  uint32_t skip = *list++;
  if (skip != 0) {
    const MODEL_FLASH uint32_t *word = weights + skip - 1;
    do {
      uint32_t value;
      while ((value = *list++) != 0) {
        a = dsp_dot(dsp_even(*word), value, a);
        b = dsp_dot(paired ? *word : dsp_odd(*word), value, b);
        ++word;
      }
      skip = *list++;
      word += skip;
    } while (skip != 0);
  }
  sums[0] = a;
  sums[1] = paired ? upper(b, a) : b;
}

#endif

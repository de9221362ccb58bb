/* Depthwise convolutions for cores with the DSP extension.
 *
 * Layout of the blocks: for each block of outputs a b c d, for each two taps 0 1, two words, from the lowest byte:
 * a0 b0 a1 b1, c0 d0 c1 d1. An odd count of taps is filled up with weights of zero. */
#include "../../operators/convolution.h"
#include "dsp.h"

/* Four channels, which lie at any address. */
static inline uint32_t load(const int8_t *values) {
  uint32_t word;
  __builtin_memcpy(&word, values, sizeof word);
  return word;
}

static void block(const MODEL_FLASH void *weights, const int8_t *const *taps, uint16_t count, size_t channel,
                  uint32_t sums[AOT_DEPTHWISE_BLOCK]) {
  const MODEL_FLASH uint32_t *word = weights;
  uint32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
  uint32_t pairs = (count + 1u) / 2u;
  do {
    const uint32_t first = load(taps[0] + channel);
    const uint32_t second = load(taps[1] + channel);
    const uint32_t lower = dsp_low_halves(first, second);
    const uint32_t upper = dsp_high_halves(first, second);
    s0 = dsp_dot(dsp_even(lower), dsp_even(word[0]), s0);
    s1 = dsp_dot(dsp_odd(lower), dsp_odd(word[0]), s1);
    s2 = dsp_dot(dsp_even(upper), dsp_even(word[1]), s2);
    s3 = dsp_dot(dsp_odd(upper), dsp_odd(word[1]), s3);
    taps += 2;
    word += 2;
  } while (--pairs != 0);
  sums[0] = s0;
  sums[1] = s1;
  sums[2] = s2;
  sums[3] = s3;
}

void aot_depthwise_dsp(const MODEL_FLASH aot_depthwise_t *op, const int8_t *input, int8_t *output,
                       void *scratch) {
  aot_depthwise(op, input, output, scratch, block, (op->taps + 1u) / 2u * 8u);
}

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

static void blocks(const MODEL_FLASH void *weights, const int8_t *const *taps, uint16_t count, size_t channel,
                   size_t channels, uint32_t *sums) {
  const MODEL_FLASH uint32_t *word = weights;
  const int8_t *const *const end = taps + (count + 1u) / 2u * 2u;
  const size_t last = channel + channels;
  for (; channel != last; channel += AOT_DEPTHWISE_BLOCK) {
    uint32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    const int8_t *const *tap = taps;
    do {
      const uint32_t first = load(*tap++ + channel);
      const uint32_t second = load(*tap++ + channel);
      const uint32_t lower = dsp_low_halves(first, second);
      const uint32_t upper = dsp_high_halves(first, second);
      const uint32_t ab = *word++;
      const uint32_t cd = *word++;
      s0 = dsp_dot(dsp_even(lower), dsp_even(ab), s0);
      s1 = dsp_dot(dsp_odd(lower), dsp_odd(ab), s1);
      s2 = dsp_dot(dsp_even(upper), dsp_even(cd), s2);
      s3 = dsp_dot(dsp_odd(upper), dsp_odd(cd), s3);
    } while (tap != end);
    *sums++ = s0;
    *sums++ = s1;
    *sums++ = s2;
    *sums++ = s3;
  }
}

void aot_depthwise_dsp(const MODEL_FLASH aot_depthwise_t *op, const int8_t *input, int8_t *output,
                       void *scratch) {
  aot_depthwise(op, input, output, scratch, blocks, (op->taps + 1u) / 2u * 8u);
}

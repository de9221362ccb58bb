/* From int32 accumulators to int8 outputs, as TensorFlow Lite Micro computes them. Shared by the kernels. */
#ifndef BOARDPROOF_ENGINE_AOT_REQUANTIZE_H
#define BOARDPROOF_ENGINE_AOT_REQUANTIZE_H

#include <stdint.h>

#include "../flash.h"
#include "fixed_point.h"

/* An output channel. */
typedef struct {
  int32_t bias;
  int32_t multiplier;  /* 0 or 2^30 to 2^31 - 1: the scale is multiplier * 2^(-31 - right_shift) */
  int32_t right_shift; /* -30 (to the left) to 31 */
} aot_channel_t;

/* The same in less, where every scale shifts to the right, and sums with their biases are below 2^30. */
typedef struct {
  int32_t bias_and_shift; /* 32 times the bias, plus the shift to the right less one, 0 to 30 */
  int32_t multiplier;
} aot_packed_channel_t;

/* What makes outputs of accumulators. */
typedef struct {
  const MODEL_FLASH aot_channel_t *channels;
  const MODEL_FLASH aot_packed_channel_t *packed; /* in their place, or NULL */
  int16_t zero_point;                             /* of the output, -128 to 127 */
  int16_t least;                                  /* the fused activation's clamp, -128 to 127 */
  int16_t most;
} aot_rescale_t;

/* Writes outputs `channel` to `channel + count - 1` of a batch, which starts at `output`, from their
 * accumulators without bias. `correction` is what the weights' zero point takes off each. Sums wrap modulo
 * 2^32, as the oracle's do. */
void aot_write(const MODEL_FLASH aot_rescale_t *rescale, uint16_t channel, uint16_t count,
               const uint32_t *sums, uint32_t correction, int8_t *output);

#endif

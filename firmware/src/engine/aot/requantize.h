/* From int32 accumulators to int8 outputs, as TensorFlow Lite Micro computes them. Shared by the kernels. */
#ifndef BOARDPROOF_ENGINE_AOT_REQUANTIZE_H
#define BOARDPROOF_ENGINE_AOT_REQUANTIZE_H

#include "kernels.h"

/* The bits of `value` as a signed number: two's complement on every compiler that builds this. */
static inline int32_t aot_signed(uint32_t value) { return (int32_t)value; }

/* Writes outputs `channel` to `channel + count - 1` of a batch, which starts at `output`, from their
 * accumulators without bias. `correction` is what the weights' zero point takes off each. Sums wrap modulo
 * 2^32, as the oracle's do. */
void aot_write(const MODEL_FLASH aot_fully_connected_t *op, uint16_t channel, uint16_t count,
               const uint32_t *sums, uint32_t correction, int8_t *output);

#endif

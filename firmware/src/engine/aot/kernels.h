/* Kernels of the ahead-of-time engine, bit-exact with TensorFlow Lite Micro's reference kernels.
 * docs/ENGINE_AOT.md states the formulas and the layouts; boardproof_export.pack writes the layouts.
 *
 * What the kernels trust was checked at export time (boardproof_export.support): shapes, ranges, and the
 * bound that `paired` weights need. They check nothing. */
#ifndef BOARDPROOF_ENGINE_AOT_KERNELS_H
#define BOARDPROOF_ENGINE_AOT_KERNELS_H

#include <stdint.h>

#include "flash.h"

/* Output channels that are computed together; the channels left over are computed one or two at a time. */
#define AOT_BLOCK 8

/* An output channel. */
typedef struct {
  int32_t bias;
  int32_t multiplier;  /* 0 or 2^30 to 2^31 - 1: the scale is multiplier * 2^(-31 - right_shift) */
  int32_t right_shift; /* -30 (to the left) to 31 */
} aot_channel_t;

/* FULLY_CONNECTED, int8 input, weights and output, int32 bias. */
typedef struct {
  const MODEL_FLASH void
      *weights; /* in the pack's layout: int8_t (portable), uint32_t (dsp), pointers (avr) */
  const MODEL_FLASH aot_channel_t *channels; /* `outputs` of them */
  uint16_t batches;
  uint16_t depth;             /* inputs a batch */
  uint16_t outputs;           /* outputs a batch */
  uint8_t paired;             /* dsp pack: 1 where the weights are paired (see kernels_dsp.c), else 0 */
  int16_t input_zero_point;   /* -128 to 127 */
  int16_t weights_zero_point; /* -128 to 127; 128 more in the avr pack */
  int16_t output_zero_point;  /* -128 to 127 */
  int16_t output_min;         /* the fused activation's clamp, -128 to 127 */
  int16_t output_max;
} aot_fully_connected_t;

/* A layer's scratch is a list of the units that count, a unit being an input (portable) or a pair of inputs
 * (dsp), as elements of 2 (portable) or 4 bytes (dsp). Neighbours form a run. The list begins with one more
 * than the index of the first run's first unit, or with 0 where nothing counts. For each run follow its
 * units' values, a zero, and how many units lie between it and the next run: 0 if there is none. Runs do not
 * touch, so that AOT_LIST_LENGTH elements are enough. */
#define AOT_LIST_LENGTH(units) ((units) + ((units) + 1u) / 2u + 2u)

/* `scratch` holds AOT_LIST_LENGTH elements and is aligned to 4 bytes. It may not overlap input or output, and
 * those may not overlap each other. */
void aot_fully_connected_portable(const MODEL_FLASH aot_fully_connected_t *op, const int8_t *input,
                                  int8_t *output, void *scratch);
void aot_fully_connected_dsp(const MODEL_FLASH aot_fully_connected_t *op, const int8_t *input, int8_t *output,
                             void *scratch);

/* The avr pack lists nothing and needs no scratch. Its weights are cut into arrays of AOT_AVR_BLOCK outputs
 * and at most AOT_AVR_ROWS inputs (see kernels_avr.c). Input and output may not overlap. */
#define AOT_AVR_BLOCK 4
#define AOT_AVR_ROWS 8000
void aot_fully_connected_avr(const MODEL_FLASH aot_fully_connected_t *op, const int8_t *input,
                             int8_t *output);

#endif

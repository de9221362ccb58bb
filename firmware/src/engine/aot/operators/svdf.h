/* SVDF, int8, bit-exact with TensorFlow Lite Micro's reference kernel: each input goes through filters whose newest
 * activations are kept, and a second set of weights over those makes the outputs. */
#ifndef BOARDPROOF_ENGINE_AOT_OPERATORS_SVDF_H
#define BOARDPROOF_ENGINE_AOT_OPERATORS_SVDF_H

#include <stdint.h>

#include "../arithmetic/dot.h"
#include "../flash.h"

typedef struct {
  const MODEL_FLASH int8_t *features;    /* a filter after the other, `inputs` weights each */
  const MODEL_FLASH int8_t *time_int8;   /* int8 kernels: `memory` weights a filter, of the oldest first */
  const MODEL_FLASH int16_t *time_int16; /* int16 kernels: likewise */
  const MODEL_FLASH int32_t
      *constants;                  /* one a filter: what its sum begins with, the input's zero point in it */
  const MODEL_FLASH int32_t *bias; /* one an output */
  uint16_t batches;
  uint16_t inputs;
  uint16_t outputs;
  uint16_t rank; /* filters an output, neighbours */
  uint16_t memory;
  int32_t into_state; /* multipliers with their shifts to the right: see aot_channel_t */
  int32_t into_state_shift;
  int32_t into_output;
  int32_t into_output_shift;
  int16_t state_zero;
  int16_t output_zero;
} aot_svdf_t;

/* `state` holds batches * filters * memory activations, int8_t or int16_t, and is one step further afterwards. */
void aot_svdf_int8_portable(const MODEL_FLASH aot_svdf_t *op, const int8_t *input, int8_t *output,
                            void *state);
void aot_svdf_int16_portable(const MODEL_FLASH aot_svdf_t *op, const int8_t *input, int8_t *output,
                             void *state);
void aot_svdf_int8_dsp(const MODEL_FLASH aot_svdf_t *op, const int8_t *input, int8_t *output, void *state);
void aot_svdf_int16_dsp(const MODEL_FLASH aot_svdf_t *op, const int8_t *input, int8_t *output, void *state);

/* What they share. */
void aot_svdf_int8(const MODEL_FLASH aot_svdf_t *op, const int8_t *input, int8_t *output, void *state,
                   aot_dot_t dot);
void aot_svdf_int16(const MODEL_FLASH aot_svdf_t *op, const int8_t *input, int8_t *output, void *state,
                    aot_dot_t dot);

#endif

/* UNIDIRECTIONAL_SEQUENCE_LSTM, int8 with an int16 cell, bit-exact with TensorFlow Lite Micro's reference kernels. */
#ifndef BOARDPROOF_ENGINE_AOT_OPERATORS_LSTM_H
#define BOARDPROOF_ENGINE_AOT_OPERATORS_LSTM_H

#include <stdint.h>

#include "../arithmetic/dot.h"
#include "../flash.h"

#define AOT_LSTM_GATES 4 /* input, forget, cell, output: in this order everywhere */

typedef struct {
  /* For each unit, for each gate: weights of the inputs, then of the former outputs. */
  const MODEL_FLASH int8_t *weights;
  /* Likewise two numbers: what their sums begin with, zero points and bias in them. */
  const MODEL_FLASH int32_t *constants;
  const MODEL_FLASH uint16_t *sigmoid; /* of i / 24 in units of 1/65536, 256 entries */
  uint16_t batches;
  uint16_t steps;
  uint16_t inputs;
  uint16_t units;
  uint16_t step_rows;  /* from a step of a batch to the next: rows of `inputs` or `units` values */
  uint16_t batch_rows; /* from a batch to the next */
  int32_t
      gates[2 *
            AOT_LSTM_GATES]; /* multipliers of those sums, and their shifts to the right: see aot_channel_t */
  int32_t gate_shifts[2 * AOT_LSTM_GATES];
  int32_t products[3]; /* forget gate and cell; input gate and cell gate; output gate and the cell's tanh */
  int32_t product_shifts[3];
  int32_t cell_clip;  /* 0 to 32768, which clips nothing */
  int16_t cell_shift; /* of the cell before its tanh, to the left: -30 to 14 */
  int16_t output_zero;
} aot_lstm_t;

/* `hidden` holds batches * units int8_t, the newest outputs; `cell` as many int16_t. Both are `steps` further afterwards.
 * Input and output may not overlap. */
void aot_lstm_portable(const MODEL_FLASH aot_lstm_t *op, const int8_t *input, int8_t *output, void *hidden,
                       void *cell);
void aot_lstm_dsp(const MODEL_FLASH aot_lstm_t *op, const int8_t *input, int8_t *output, void *hidden,
                  void *cell);

/* What they share. */
void aot_lstm(const MODEL_FLASH aot_lstm_t *op, const int8_t *input, int8_t *output, void *hidden, void *cell,
              aot_dot_t dot);

#endif

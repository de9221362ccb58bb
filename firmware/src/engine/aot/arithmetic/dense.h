/* Outputs that are weighted sums of all inputs: what a dense layer is, and a convolution at one position. Bit-exact with
 * TensorFlow Lite Micro's reference kernels. docs/ENGINE_AOT.md states the formulas and the layouts, which are written
 * by the exporter's dense.py.
 *
 * What the kernels trust was checked at export time: shapes, ranges, and the bound that `paired` weights need. They
 * check nothing. */
#ifndef BOARDPROOF_ENGINE_AOT_ARITHMETIC_DENSE_H
#define BOARDPROOF_ENGINE_AOT_ARITHMETIC_DENSE_H

#include <stdint.h>

#include "../flash.h"
#include "requantize.h"

/* Output channels that are computed together; the channels left over are computed one or two at a time. */
#define AOT_BLOCK 8

/* int8 input, weights and output, int32 bias. */
typedef struct {
  aot_rescale_t rescale; /* first, so that its address is the descriptor's; of `outputs` channels */
  const MODEL_FLASH void
      *weights; /* in the kernel's layout: int8_t (portable), uint32_t (dsp), pointers (avr) */
  uint16_t batches;
  uint16_t depth;             /* inputs a batch */
  uint16_t outputs;           /* outputs a batch */
  uint8_t paired;             /* dsp: 1 where the weights are paired (see cores/dsp/dense.c), else 0 */
  int16_t input_zero_point;   /* -128 to 127 */
  int16_t weights_zero_point; /* -128 to 127; 128 more for avr */
} aot_dense_t;

/* A layer's scratch is a list of the units that count, a unit being an input (portable) or a pair of inputs
 * (dsp), as elements of 2 (portable) or 4 bytes (dsp). Neighbours form a run. The list begins with one more
 * than the index of the first run's first unit, or with 0 where nothing counts. For each run follow its
 * units' values, a zero, and how many units lie between it and the next run: 0 if there is none. Runs do not
 * touch, so that AOT_LIST_LENGTH elements are enough. */
#define AOT_LIST_LENGTH(units) ((units) + ((units) + 1u) / 2u + 2u)

/* `scratch` holds AOT_LIST_LENGTH elements and is aligned to 4 bytes. It may not overlap input or output, and
 * those may not overlap each other. */
void aot_dense_portable(const MODEL_FLASH aot_dense_t *op, const int8_t *input, int8_t *output,
                        void *scratch);
void aot_dense_dsp(const MODEL_FLASH aot_dense_t *op, const int8_t *input, int8_t *output, void *scratch);

/* A list of very many inputs takes more room than it is worth. These list AOT_PIECE inputs at a time and keep a sum an
 * output from piece to piece, where both together are smaller than the whole list. Scratch begins with the sums then. */
#define AOT_PIECE 512u
#define AOT_PIECEWISE(depth, outputs) ((depth) > 800u && 4ul * (outputs) + 3ul * AOT_PIECE <= 3ul * (depth))

void aot_dense_piecewise_portable(const MODEL_FLASH aot_dense_t *op, const int8_t *input, int8_t *output,
                                  void *scratch);
void aot_dense_piecewise_dsp(const MODEL_FLASH aot_dense_t *op, const int8_t *input, int8_t *output,
                             void *scratch);

/* The avr kernel lists nothing and needs no scratch. Its weights are cut into arrays of AOT_AVR_BLOCK outputs
 * and at most AOT_AVR_ROWS inputs (see cores/avr/dense.c). Input and output may not overlap. */
#define AOT_AVR_BLOCK 4
#define AOT_AVR_ROWS 8000
void aot_dense_avr(const MODEL_FLASH aot_dense_t *op, const int8_t *input, int8_t *output);

#endif

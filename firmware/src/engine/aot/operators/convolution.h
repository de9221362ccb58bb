/* CONV_2D, DEPTHWISE_CONV_2D and TRANSPOSE_CONV, bit-exact with TensorFlow Lite Micro's reference kernels.
 *
 * Images are (batches, height, width, channels). What the kernels trust was checked at export time. Input, output and
 * scratch may not overlap; scratch is aligned to 8 bytes. */
#ifndef BOARDPROOF_ENGINE_AOT_OPERATORS_CONVOLUTION_H
#define BOARDPROOF_ENGINE_AOT_OPERATORS_CONVOLUTION_H

#include <stddef.h>
#include <stdint.h>

#include "../arithmetic/dense.h"
#include "../arithmetic/window.h"
#include "../flash.h"

/* A part of the outputs: a group of channels; or of a transposed convolution, where the stride makes several out of one,
 * the positions that the same taps reach. At each position it is a dense layer of what lies under the window, tap by tap,
 * with the input's zero point where the window leaves the image. */
typedef struct {
  aot_dense_t dense; /* of one batch; where `pointwise`, of a row of the image */
  aot_axis_t height;
  aot_axis_t width;
  uint32_t batches;
  size_t depth;         /* input channels of the part */
  size_t input_offset;  /* its first input channel */
  size_t input_step;    /* input channels of all parts */
  size_t output_offset; /* its first output value */
  size_t output_step;   /* from an output position to the next one, the next row and the next image */
  size_t output_row;
  size_t output_image;
  size_t column_bytes; /* of scratch, for what lies under a window; the rest is the dense layer's */
  uint8_t pointwise;   /* 1: a window of one value, stride 1, one part: nothing is gathered */
} aot_convolution_t;

void aot_convolution_portable(const MODEL_FLASH aot_convolution_t *op, const int8_t *input, int8_t *output,
                              void *scratch);
void aot_convolution_dsp(const MODEL_FLASH aot_convolution_t *op, const int8_t *input, int8_t *output,
                         void *scratch);
void aot_convolution_piecewise_portable(const MODEL_FLASH aot_convolution_t *op, const int8_t *input,
                                        int8_t *output, void *scratch);
void aot_convolution_piecewise_dsp(const MODEL_FLASH aot_convolution_t *op, const int8_t *input,
                                   int8_t *output, void *scratch);
void aot_convolution_avr(const MODEL_FLASH aot_convolution_t *op, const int8_t *input, int8_t *output,
                         void *scratch);

/* A kernel of a dense layer. */
typedef void aot_dense_kernel_t(const MODEL_FLASH aot_dense_t *op, const int8_t *input, int8_t *output,
                                void *scratch);

/* What the kernels are, with their kernels of a dense layer. */
void aot_convolve(const MODEL_FLASH aot_convolution_t *op, const int8_t *input, int8_t *output, void *scratch,
                  aot_dense_kernel_t *dense);

/* Channels of their own: output i is made of input channel i / multiplier. Zero points are folded into the biases; a tap
 * outside the image counts as the input's zero point.
 *
 * Outputs 0 to `blocked` - 1 are computed AOT_DEPTHWISE_BLOCK at a time, in the kernel's layout; the others one by one,
 * each with a weight a tap. */
#define AOT_DEPTHWISE_BLOCK 4
typedef struct {
  aot_rescale_t rescale; /* of `outputs` channels */
  const MODEL_FLASH void *blocks;
  const MODEL_FLASH int8_t *singles;
  aot_axis_t height;
  aot_axis_t width;
  uint32_t batches;
  size_t depth; /* input channels */
  uint16_t multiplier;
  uint16_t outputs;
  uint16_t blocked;  /* 0 where the multiplier is not 1 */
  uint16_t taps;     /* of a window */
  size_t taps_bytes; /* of scratch, for a pointer a tap, and one more; behind them lie `depth` bytes */
  int16_t input_zero_point;
} aot_depthwise_t;

void aot_depthwise_portable(const MODEL_FLASH aot_depthwise_t *op, const int8_t *input, int8_t *output,
                            void *scratch);
void aot_depthwise_dsp(const MODEL_FLASH aot_depthwise_t *op, const int8_t *input, int8_t *output,
                       void *scratch);

/* The accumulators of `channels` outputs, whole blocks of them, without bias. `taps` points for each tap to what lies under
 * it, and once more to the last; the outputs' input channels begin `channel` further. */
typedef void aot_depthwise_blocks_t(const MODEL_FLASH void *weights, const int8_t *const *taps,
                                    uint16_t count, size_t channel, size_t channels, uint32_t *sums);

/* What the two kernels are, with their blocks; `block_bytes` are the weights of one. */
void aot_depthwise(const MODEL_FLASH aot_depthwise_t *op, const int8_t *input, int8_t *output, void *scratch,
                   aot_depthwise_blocks_t *blocks, size_t block_bytes);

#endif

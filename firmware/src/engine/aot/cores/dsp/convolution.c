/* Convolutions for cores with the DSP extension. */
#include "../../operators/convolution.h"

void aot_convolution_dsp(const MODEL_FLASH aot_convolution_t *op, const int8_t *input, int8_t *output,
                         void *scratch) {
  aot_convolve(op, input, output, scratch, aot_dense_dsp);
}

void aot_convolution_piecewise_dsp(const MODEL_FLASH aot_convolution_t *op, const int8_t *input,
                                   int8_t *output, void *scratch) {
  aot_convolve(op, input, output, scratch, aot_dense_piecewise_dsp);
}

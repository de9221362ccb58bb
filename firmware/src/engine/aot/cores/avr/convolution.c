/* Convolutions for 8-bit AVR, whose kernel of a dense layer needs no scratch. */
#include "../../operators/convolution.h"

static void dense(const MODEL_FLASH aot_dense_t *op, const int8_t *input, int8_t *output, void *scratch) {
  (void)scratch;
  aot_dense_avr(op, input, output);
}

void aot_convolution_avr(const MODEL_FLASH aot_convolution_t *op, const int8_t *input, int8_t *output,
                         void *scratch) {
  aot_convolve(op, input, output, scratch, dense);
}

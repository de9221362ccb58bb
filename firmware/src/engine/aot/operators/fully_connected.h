/* FULLY_CONNECTED, bit-exact with TensorFlow Lite Micro's reference kernel: a dense layer under the operator's name. */
#ifndef BOARDPROOF_ENGINE_AOT_OPERATORS_FULLY_CONNECTED_H
#define BOARDPROOF_ENGINE_AOT_OPERATORS_FULLY_CONNECTED_H

#include "../arithmetic/dense.h"

typedef aot_dense_t aot_fully_connected_t;

static inline void aot_fully_connected_portable(const MODEL_FLASH aot_fully_connected_t *op,
                                                const int8_t *input, int8_t *output, void *scratch) {
  aot_dense_portable(op, input, output, scratch);
}

static inline void aot_fully_connected_dsp(const MODEL_FLASH aot_fully_connected_t *op, const int8_t *input,
                                           int8_t *output, void *scratch) {
  aot_dense_dsp(op, input, output, scratch);
}

static inline void aot_fully_connected_piecewise_portable(const MODEL_FLASH aot_fully_connected_t *op,
                                                          const int8_t *input, int8_t *output,
                                                          void *scratch) {
  aot_dense_piecewise_portable(op, input, output, scratch);
}

static inline void aot_fully_connected_piecewise_dsp(const MODEL_FLASH aot_fully_connected_t *op,
                                                     const int8_t *input, int8_t *output, void *scratch) {
  aot_dense_piecewise_dsp(op, input, output, scratch);
}

static inline void aot_fully_connected_avr(const MODEL_FLASH aot_fully_connected_t *op, const int8_t *input,
                                           int8_t *output) {
  aot_dense_avr(op, input, output);
}

#endif

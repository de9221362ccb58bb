/* Sums of products of weights in flash with values in RAM. Shared by kernels that have a few rows of any length. */
#ifndef BOARDPROOF_ENGINE_AOT_ARITHMETIC_DOT_H
#define BOARDPROOF_ENGINE_AOT_ARITHMETIC_DOT_H

#include <stdint.h>

#include "../flash.h"

/* `sum` and `count` products, modulo 2^32. Nothing needs to be aligned. A core may have its own. */
typedef uint32_t (*aot_dot_t)(const MODEL_FLASH int8_t *weights, const int8_t *values, uint16_t count,
                              uint32_t sum);

uint32_t aot_dot(const MODEL_FLASH int8_t *weights, const int8_t *values, uint16_t count, uint32_t sum);

#endif

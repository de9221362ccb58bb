/* What a rendered model_aot.c gives to engine_aot.c. All buffers lie in one static arena of
 * MODEL_AOT_ARENA_BYTES bytes, planned at export time. */
#ifndef BOARDPROOF_ENGINE_AOT_MODEL_AOT_H
#define BOARDPROOF_ENGINE_AOT_MODEL_AOT_H

#include <stdint.h>

#include "../engine.h"

/* A function that stays one, with the arguments that it states. */
#ifdef __clang__
#define AOT_OUT_OF_LINE __attribute__((noinline))
#else
#define AOT_OUT_OF_LINE __attribute__((noinline, noclone))
#endif

/* Input tensor `index`, MODEL_INPUT_SIZES[index] bytes, aligned to 8 bytes. */
void *model_aot_input(uint8_t index);

/* Output tensor `index`, MODEL_OUTPUT_SIZES[index] bytes, valid after model_aot_invoke() until an input is written. */
const void *model_aot_output(uint8_t index);

/* Puts what outlives an inference back to what it is at the start; it has to be called once before the first one. */
void model_aot_reset(void);

/* Runs the operators in order. It cannot fail. `hook` may be NULL. */
void model_aot_invoke(const engine_hook_t *hook);

#endif

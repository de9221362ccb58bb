/* What a rendered model_aot.c gives to engine_aot.c. All buffers lie in one static arena of
 * MODEL_AOT_ARENA_BYTES bytes, planned at export time. */
#ifndef BOARDPROOF_ENGINE_AOT_MODEL_AOT_H
#define BOARDPROOF_ENGINE_AOT_MODEL_AOT_H

#include <stdint.h>

#include "../engine.h"

/* MODEL_INPUT_BYTES values, aligned to 8 bytes. */
int8_t *model_aot_input(void);

/* MODEL_OUTPUT_BYTES values, valid after model_aot_invoke() until the input is written. */
const int8_t *model_aot_output(void);

/* Runs the operators in order. It cannot fail. `hook` may be NULL. */
void model_aot_invoke(const engine_hook_t *hook);

#endif

/* engine.h over a model rendered ahead of time: no interpreter, no allocation, nothing that can fail at run
 * time. The rendered model_aot.c holds the constants, the buffers and the sequence of kernel calls. */
#include "../engine.h"
#include "model_aot.h"
#include "model_config.h"

engine_status_t engine_init(engine_fault_t *fault) {
  fault->needed = 0;
  fault->given = 0;
  model_aot_reset();
  return ENGINE_OK;
}

void *engine_input(uint8_t index) { return model_aot_input(index); }

void engine_reset(void) { model_aot_reset(); }

engine_status_t engine_invoke(const engine_hook_t *hook, engine_fault_t *fault) {
  (void)fault;
  model_aot_invoke(hook);
  return ENGINE_OK;
}

const void *engine_output(uint8_t index) { return model_aot_output(index); }

const char *engine_name(void) { return "aot"; }

const char *engine_kernels(void) { return MODEL_AOT_KERNELS; }

uint32_t engine_ram_used(void) { return MODEL_AOT_ARENA_BYTES; }

uint32_t engine_ram_given(void) { return MODEL_AOT_ARENA_BYTES; }

/* The engine: what computes the model on the board. Two implementations, chosen at link time:
 *   aot   C generated ahead of time from the .tflite (engine/aot);
 *   tflm  the TensorFlow Lite Micro interpreter over the C array (engine/tflm).
 *
 * All buffers are the engine's and live as long as the program. No function may be called before
 * engine_init() has returned ENGINE_OK. Nothing here is reentrant.
 *
 * Inputs, outputs and what lies between share memory: a tensor's bytes are there only for the time that is
 * stated here. Who wants to keep an output copies it before an input is written; who wants another look at an
 * operator's output writes the inputs again and invokes again. */
#ifndef BOARDPROOF_ENGINE_H
#define BOARDPROOF_ENGINE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
  ENGINE_OK = 0,
  ENGINE_ARENA_TOO_SMALL = 1, /* needed and given are bytes; needed is 0 where the engine cannot tell */
  ENGINE_OP_MISSING = 2,      /* needed is the builtin operator's code, given its index in the graph */
  ENGINE_SCHEMA_MISMATCH = 3, /* needed and given are TFLite schema versions */
  ENGINE_MODEL_INVALID = 4,   /* the model is not what model_config.h says: shape, type or count */
  ENGINE_INVOKE_FAILED = 5,   /* given is the index of the operator that failed */
} engine_status_t;

/* What went wrong, in numbers whose meaning engine_status_t states. Zero when unused. */
typedef struct {
  uint32_t needed;
  uint32_t given;
} engine_fault_t;

/* Called after each operator, in execution order, once for each of its outputs, while they are in place.
 * `op` and `output` count from 0; `data` holds `bytes` bytes and is valid only during the call. The hook must not
 * call the engine. A null hook costs one branch an operator. */
typedef struct {
  void (*after_op)(void *context, uint16_t op, uint8_t output, const void *data, size_t bytes);
  void *context;
} engine_hook_t;

/* Prepares the model. On failure `*fault` says why and no other function may be called. */
engine_status_t engine_init(engine_fault_t *fault);

/* Input tensor `index`, 0 to MODEL_INPUT_COUNT - 1: MODEL_INPUT_SIZES[index] bytes, all of which are to be written
 * before each engine_invoke(), which may overwrite them. Aligned to 4 bytes at least. The address never changes.
 * Writing it ends the validity of outputs. */
void *engine_input(uint8_t index);

/* Puts the state that the model keeps from one inference to the next back to what it is at the start, as engine_init()
 * does. A model without state is not changed by it. Inputs that are written stay. */
void engine_reset(void);

/* Runs the model once. `hook` may be NULL. On failure `*fault` says why; the next call may work. */
engine_status_t engine_invoke(const engine_hook_t *hook, engine_fault_t *fault);

/* Output tensor `index`, 0 to MODEL_OUTPUT_COUNT - 1: MODEL_OUTPUT_SIZES[index] bytes, valid after engine_invoke()
 * has returned ENGINE_OK, until an input is written. */
const void *engine_output(uint8_t index);

/* "aot" or "tflm". */
const char *engine_name(void);

/* Which kernels were linked: "portable", "dsp", "mve" (aot); "reference", "cmsis-nn", "esp-nn" (tflm). */
const char *engine_kernels(void);

/* RAM for tensors in bytes: what is used, and what was given. Equal for `aot`, planned at export time. */
uint32_t engine_ram_used(void);
uint32_t engine_ram_given(void);

#ifdef __cplusplus
}
#endif
#endif

/* The engine: what computes the model on the board. Two implementations, chosen at link time:
 *   aot   C generated ahead of time from the .tflite (engine/aot);
 *   tflm  the TensorFlow Lite Micro interpreter over the C array (engine/tflm).
 *
 * All buffers are the engine's and live as long as the program. No function may be called before
 * engine_init() has returned ENGINE_OK. Nothing here is reentrant. */
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

/* Called after each operator, in execution order, while its output is still in place.
 * `output` is valid only during the call. A null hook costs one branch an operator. */
typedef struct {
  void (*after_op)(void *context, uint16_t op_index, const int8_t *output, size_t bytes);
  void *context;
} engine_hook_t;

/* Prepares the model. On failure `*fault` says why and no other function may be called. */
engine_status_t engine_init(engine_fault_t *fault);

/* The input tensor: MODEL_INPUT_BYTES int8 values to be written before each engine_invoke().
 * engine_invoke() may overwrite it. Aligned to 4 bytes at least. */
int8_t *engine_input(void);

/* Runs the model once. `hook` may be NULL. On failure `*fault` says why; the next call may work. */
engine_status_t engine_invoke(const engine_hook_t *hook, engine_fault_t *fault);

/* The output tensor: MODEL_OUTPUT_BYTES int8 values, valid until the input is written again. */
const int8_t *engine_output(void);

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

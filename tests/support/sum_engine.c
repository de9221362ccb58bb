/* engine.h without a network, for any edges that model_config.h states: so that tests have large frames, many tensors
 * and operators that fail without a model that computes as much. It is honest: every byte of every output depends on
 * every byte of every input, and inputs and outputs share one piece of memory, as those of a planned arena may.
 *
 *   operator 0 writes two tensors: the CRC-32 of all inputs, 4 bytes, and their length, 4 bytes (little-endian)
 *   operator 1 writes the outputs: byte j of them all is byte j % 4 of that CRC, plus 7 * j, plus j / 256
 *
 * -D SUM_FAILS_ON=N  operator 1 fails when the first byte of the first input is N
 * -D SUM_INIT=STATUS engine_init() fails with it; to ask for a tensor is then an error of the caller */
#include <string.h>

#include "engine/engine.h"
#include "model_config.h"
#include "protocol/crc32.h"

#ifndef SUM_INIT
#define SUM_INIT ENGINE_OK
#endif

_Static_assert(MODEL_OP_COUNT == 2 && MODEL_OP_OUTPUT_COUNT == 2 + MODEL_OUTPUT_COUNT, "its operators");

#define ALIGNED(bytes) (((bytes) + 15u) / 16u * 16u)
#define PLACES(bytes, count) ((bytes) + 16u * (count))
#define INPUT_PLACES PLACES(MODEL_INPUT_BYTES, MODEL_INPUT_COUNT)
#define OUTPUT_PLACES PLACES(MODEL_OUTPUT_BYTES, MODEL_OUTPUT_COUNT)
#define MEMORY_BYTES (INPUT_PLACES > OUTPUT_PLACES ? INPUT_PLACES : OUTPUT_PLACES)

static const size_t input_sizes[MODEL_INPUT_COUNT] = MODEL_INPUT_SIZES;
static const size_t output_sizes[MODEL_OUTPUT_COUNT] = MODEL_OUTPUT_SIZES;
static _Alignas(16) uint8_t memory[MEMORY_BYTES];

static uint8_t *place(const size_t *sizes, uint8_t index, uint8_t count) {
  size_t offset = 0;
  if (SUM_INIT != ENGINE_OK || index >= count) __builtin_trap();
  for (uint8_t i = 0; i < index; i++) offset += ALIGNED(sizes[i]);
  return memory + offset;
}

engine_status_t engine_init(engine_fault_t *fault) {
  fault->needed = SUM_INIT == ENGINE_OK ? 0 : 4096;
  fault->given = SUM_INIT == ENGINE_OK ? 0 : 1024;
  return SUM_INIT;
}

void *engine_input(uint8_t index) { return place(input_sizes, index, MODEL_INPUT_COUNT); }

const void *engine_output(uint8_t index) { return place(output_sizes, index, MODEL_OUTPUT_COUNT); }

static void after(const engine_hook_t *hook, uint16_t op, uint8_t output, const void *data, size_t bytes) {
  if (hook != NULL) hook->after_op(hook->context, op, output, data, bytes);
}

static void put_u32(uint8_t *to, uint32_t value) {
  for (unsigned i = 0; i < 4; i++) to[i] = (uint8_t)(value >> 8u * i);
}

void engine_reset(void) {}

engine_status_t engine_invoke(const engine_hook_t *hook, engine_fault_t *fault) {
  uint8_t sum[4];
  uint8_t length[4];
  uint32_t crc = 0;
  size_t at = 0;
#ifdef SUM_FAILS_ON
  const uint8_t first = *(const uint8_t *)engine_input(0);
#endif
  for (uint8_t i = 0; i < MODEL_INPUT_COUNT; i++) crc = crc32_update(crc, engine_input(i), input_sizes[i]);
  put_u32(sum, crc);
  put_u32(length, MODEL_INPUT_BYTES);
  after(hook, 0, 0, sum, sizeof sum);
  after(hook, 0, 1, length, sizeof length);
#ifdef SUM_FAILS_ON
  if (first == SUM_FAILS_ON) {
    fault->given = 1;
    return ENGINE_INVOKE_FAILED;
  }
#endif
  (void)fault;
  for (uint8_t i = 0; i < MODEL_OUTPUT_COUNT; i++) {
    uint8_t *const output = place(output_sizes, i, MODEL_OUTPUT_COUNT);
    for (size_t j = 0; j < output_sizes[i]; j++, at++) {
      output[j] = (uint8_t)(sum[at % 4u] + 7u * at + at / 256u);
    }
    after(hook, 1, i, output, output_sizes[i]);
  }
  return ENGINE_OK;
}

const char *engine_name(void) { return "sum"; }

const char *engine_kernels(void) { return "none"; }

uint32_t engine_ram_used(void) { return MEMORY_BYTES; }

uint32_t engine_ram_given(void) { return MEMORY_BYTES; }

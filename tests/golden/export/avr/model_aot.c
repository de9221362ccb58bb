/* tiny, ahead of time, core profile "avr". Rendered by boardproof; do not edit. */
#include <stddef.h>
#include <stdint.h>

#include "engine/aot/flash.h"
#include "engine/aot/model_aot.h"
#include "engine/aot/operators/fully_connected.h"
#include "model_config.h"

_Static_assert(MODEL_AOT_ARENA_BYTES == 16, "model_config.h is of another rendering");
_Static_assert(0 + 3 <= MODEL_AOT_ARENA_BYTES, "tensor 0 lies outside the arena");
_Static_assert(8 + 2 <= MODEL_AOT_ARENA_BYTES, "tensor 3 lies outside the arena");
_Static_assert(AOT_AVR_BLOCK == 4, "the weights are packed for blocks of 4 outputs");

/* All tensors and scratch buffers; int64_t gives the alignment. */
static int64_t arena[MODEL_AOT_ARENA_BYTES / sizeof(int64_t)];
#define ARENA(offset) ((int8_t *)(void *)arena + (offset))

/* Operator 0: FULLY_CONNECTED, 3 to 2, fused RELU */
static const MODEL_FLASH uint8_t op0_weights_0[12] = {
    129, 124, 128, 128, 126, 133, 128, 128, 131, 122, 128, 128,
};
static const MODEL_FLASH uint8_t *const MODEL_FLASH op0_weights[] = {
    op0_weights_0,
};
/* 32 times the bias plus right shift less one, multiplier */
static const MODEL_FLASH aot_packed_channel_t op0_channels[] = {
    {224, 1073741824},
    {-255, 1073741824},
};
static const MODEL_FLASH aot_fully_connected_t op0 = {
    .rescale.packed = op0_channels,
    .rescale.zero_point = -3,
    .rescale.least = -3,
    .rescale.most = 127,
    .weights = op0_weights,
    .batches = 1,
    .depth = 3,
    .outputs = 2,
    .paired = 0,
    .input_zero_point = -1,
    .weights_zero_point = 128,
};

void *model_aot_input(uint8_t index) {
  (void)index;
  return ARENA(0);
}

const void *model_aot_output(uint8_t index) {
  (void)index;
  return ARENA(8);
}

/* With four arguments: a fifth would go over the stack, and cost an inference without a hook the instructions that make
 * room for it. */
static AOT_OUT_OF_LINE void call_hook(const engine_hook_t *hook, uint32_t op_and_output, const void *data, size_t bytes) {
  hook->after_op(hook->context, (uint16_t)(op_and_output >> 8), (uint8_t)(op_and_output & 0xffu), data, bytes);
}

static inline void after(const engine_hook_t *hook, uint16_t op, uint8_t output, const void *data, size_t bytes) {
  if (hook != NULL) {
    call_hook(hook, (uint32_t)op << 8 | output, data, bytes);
  }
}

void model_aot_reset(void) {
}

void model_aot_invoke(const engine_hook_t *hook) {
  /* FULLY_CONNECTED */
  aot_fully_connected_avr(&op0, ARENA(0), ARENA(8));
  after(hook, 0, 0, ARENA(8), 2);
}

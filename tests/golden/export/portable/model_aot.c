/* tiny, ahead of time, core profile "portable". Rendered by boardproof; do not edit. */
#include <stddef.h>
#include <stdint.h>

#include "engine/aot/flash.h"
#include "engine/aot/model_aot.h"
#include "engine/aot/operators/fully_connected.h"
#include "model_config.h"

_Static_assert(MODEL_AOT_ARENA_BYTES == 32, "model_config.h is of another rendering");
_Static_assert(16 + 3 <= MODEL_AOT_ARENA_BYTES, "tensor 0 lies outside the arena");
_Static_assert(24 + 2 <= MODEL_AOT_ARENA_BYTES, "tensor 3 lies outside the arena");
_Static_assert(0 + 14 <= MODEL_AOT_ARENA_BYTES, "scratch of operator 0 lies outside the arena");
_Static_assert(AOT_BLOCK == 8, "the weights are packed for blocks of 8 outputs");
_Static_assert(AOT_LIST_LENGTH(3u) * 2 == 14, "a list of inputs lies outside its place");

/* All tensors and scratch buffers; int64_t gives the alignment. */
static int64_t arena[MODEL_AOT_ARENA_BYTES / sizeof(int64_t)];
#define ARENA(offset) ((int8_t *)(void *)arena + (offset))

/* Operator 0: FULLY_CONNECTED, 3 to 2, fused RELU */
static const MODEL_FLASH int8_t op0_weights[6] = {
    1, -2, 3, -4, 5, -6,
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
    .weights_zero_point = 0,
};

void *model_aot_input(uint8_t index) {
  (void)index;
  return ARENA(16);
}

const void *model_aot_output(uint8_t index) {
  (void)index;
  return ARENA(24);
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
  aot_fully_connected_portable(&op0, ARENA(16), ARENA(24), ARENA(0));
  after(hook, 0, 0, ARENA(24), 2);
}

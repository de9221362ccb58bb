/* tiny, ahead of time, core profile "dsp". Rendered by boardproof; do not edit. */
#include <stddef.h>
#include <stdint.h>

#include "engine/aot/flash.h"
#include "engine/aot/model_aot.h"
#include "engine/aot/operators/fully_connected.h"
#include "model_config.h"

#if defined(__ARM_ARCH_PROFILE) && __ARM_ARCH_PROFILE == 'M' && !defined(__ARM_FEATURE_DSP)
#error "this core has no DSP instructions: build the pack portable"
#endif

_Static_assert(MODEL_AOT_ARENA_BYTES == 40, "model_config.h is of another rendering");
_Static_assert(24 + 3 <= MODEL_AOT_ARENA_BYTES, "tensor 0 lies outside the arena");
_Static_assert(32 + 2 <= MODEL_AOT_ARENA_BYTES, "tensor 3 lies outside the arena");
_Static_assert(0 + 20 <= MODEL_AOT_ARENA_BYTES, "scratch of operator 0 lies outside the arena");
_Static_assert(AOT_BLOCK == 8, "the weights are packed for blocks of 8 outputs");
_Static_assert(AOT_LIST_LENGTH(2u) * 4 == 20, "a list of inputs lies outside its place");

/* All tensors and scratch buffers; int64_t gives the alignment. */
static int64_t arena[MODEL_AOT_ARENA_BYTES / sizeof(int64_t)];
#define ARENA(offset) ((int8_t *)(void *)arena + (offset))

/* Operator 0: FULLY_CONNECTED, 3 to 2, fused RELU */
static const MODEL_FLASH uint32_t op0_weights[2] = {
    0x04fefc01u, 0x0000fa03u,
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
    .paired = 1,
    .input_zero_point = -1,
    .weights_zero_point = 0,
};

void *model_aot_input(uint8_t index) {
  (void)index;
  return ARENA(24);
}

const void *model_aot_output(uint8_t index) {
  (void)index;
  return ARENA(32);
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
  aot_fully_connected_dsp(&op0, ARENA(24), ARENA(32), ARENA(0));
  after(hook, 0, 0, ARENA(32), 2);
}

/* Runs every model of models[] on its inputs and compares with the expected outputs: on a Cortex-M without
 * libc or firmware, so that nothing but the kernels is tested. Says over semihosting what it found, and ends
 * the emulator. */
#include "emulated_models.h"

static void semihosting(uint32_t operation, const void *argument) {
  register uint32_t r0 __asm__("r0") = operation;
  register const void *r1 __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}

static void say(const char *text) { semihosting(0x04, text); }

static int differs(const emulated_model_t *model) {
  model->reset();
  for (unsigned image = 0; image < model->images; ++image) {
    int8_t *const input = model->input(0);
    for (unsigned i = 0; i < model->input_bytes; ++i) {
      input[i] = model->inputs[image * model->input_bytes + i];
    }
    model->invoke(0);
    const int8_t *const output = model->output(0);
    for (unsigned i = 0; i < model->output_bytes; ++i) {
      if (output[i] != model->outputs[image * model->output_bytes + i]) {
        return 1;
      }
    }
  }
  return 0;
}

void reset(void);
void reset(void) {
  for (unsigned i = 0; i < MODELS; ++i) {
    const char *const answer = differs(&models[i]) ? "x" : ".";
    say(answer);
  }
  say("\n");
  semihosting(0x18, (const void *)0x20026); /* ADP_Stopped_ApplicationExit */
  for (;;) {
  }
}

/* -ffreestanding still may call these. */
void *memset(void *to, int value, size_t count);
void *memset(void *to, int value, size_t count) {
  volatile uint8_t *bytes = to;
  while (count-- > 0) {
    *bytes++ = (uint8_t)value;
  }
  return to;
}

void *memcpy(void *to, const void *from, size_t count);
void *memcpy(void *to, const void *from, size_t count) {
  volatile uint8_t *target = to;
  const uint8_t *source = from;
  while (count-- > 0) {
    *target++ = *source++;
  }
  return to;
}

extern uint32_t stack_top;
const void *const vectors[16] __attribute__((section(".vectors"), used)) = {&stack_top, (const void *)reset};

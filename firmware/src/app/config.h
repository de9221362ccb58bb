/* Every buffer's size, in one place. A port with little RAM overrides these by -D.
 *
 * What the application takes, beside the engine's tensors:
 *   answers   APP_ANSWERS_KEPT * (20 + MODEL_OUTPUT_BYTES) bytes
 *   requests  nothing for inputs, which are decoded into the engine's tensors; PROTOCOL_ECHO_MAX bytes for others
 *   reading   APP_READ_BYTES */
#ifndef BOARDPROOF_APP_CONFIG_H
#define BOARDPROOF_APP_CONFIG_H

#include "model_config.h"
#include "protocol/messages.h"

/* Answers that are repeated instead of computed again; the host's window. A power of two, 1 to
 * PROTOCOL_ANSWERS_KEPT. By default as many as take 4 KiB at most, but one: with one the link rests while the
 * board computes. */
#ifndef APP_ANSWERS_KEPT
#if MODEL_OUTPUT_BYTES <= 236
#define APP_ANSWERS_KEPT 16
#elif MODEL_OUTPUT_BYTES <= 492
#define APP_ANSWERS_KEPT 8
#elif MODEL_OUTPUT_BYTES <= 1004
#define APP_ANSWERS_KEPT 4
#elif MODEL_OUTPUT_BYTES <= 2028
#define APP_ANSWERS_KEPT 2
#else
#define APP_ANSWERS_KEPT 1
#endif
#endif

/* Bytes taken from the HAL at a time. They count as received: the host's window does not include them. */
#ifndef APP_READ_BYTES
#define APP_READ_BYTES 64
#endif

/* APP_INFERENCE_MS: milliseconds that an inference may take, told in hello; the host waits as long before it takes the
 * board for silent. 0: nobody knows. Not defined: estimated, generously: a second, and clock cycles for each
 * multiply-accumulate and for each byte that an operator writes. An 8-bit core with the reference kernels needs
 * some 150 a multiply-accumulate, an exponential without an FPU some 1,500. An emulator runs at the computer's pace. */
#define APP_INFERENCE_LEAST_MS 1000u
#define APP_CYCLES_PER_MAC 256u
#define APP_MACS_PER_BYTE 8u
#define APP_EMULATED_HZ 50000000u

/* Longest payload taken: a layer request with its inputs, or an echo. */
#define APP_MOST(a, b) ((a) > (b) ? (a) : (b))
#define APP_LAYER_REQUEST_BYTES (MESSAGE_LAYER_FIXED_BYTES + (uint32_t)MODEL_INPUT_BYTES)
#define APP_LONGEST_REQUEST APP_MOST(APP_LAYER_REQUEST_BYTES, PROTOCOL_ECHO_MAX)

/* Longest payload sent: the longest of infer_answer, profile_answer, hello_answer with texts of full length, and
 * PROTOCOL_LAYER_BYTES. layer_answer and ops_answer are cut there. No buffer is as long. */
#define APP_EDGE_COUNT (MODEL_INPUT_COUNT + MODEL_OUTPUT_COUNT)
#define APP_HELLO_ANSWER_BYTES                                                                               \
  (MESSAGE_HELLO_ANSWER_FIXED_BYTES + 4u * PROTOCOL_TEXT_MAX + APP_EDGE_COUNT * MESSAGE_TENSOR_FIXED_BYTES + \
   4u * (uint32_t)MODEL_DIM_COUNT)
#define APP_INFER_ANSWER_BYTES (MESSAGE_INFER_ANSWER_FIXED_BYTES + (uint32_t)MODEL_OUTPUT_BYTES)
#define APP_PROFILE_ANSWER_BYTES (MESSAGE_PROFILE_ENTRY_FIXED_BYTES * (uint32_t)MODEL_OP_OUTPUT_COUNT)
#define APP_LONGEST_ANSWER                                         \
  APP_MOST(APP_MOST(APP_HELLO_ANSWER_BYTES, PROTOCOL_LAYER_BYTES), \
           APP_MOST(APP_INFER_ANSWER_BYTES, APP_PROFILE_ANSWER_BYTES))

_Static_assert(APP_ANSWERS_KEPT >= 1 && APP_ANSWERS_KEPT <= PROTOCOL_ANSWERS_KEPT, "answers kept");
_Static_assert((APP_ANSWERS_KEPT & (APP_ANSWERS_KEPT - 1)) == 0, "a power of two: sequence numbers wrap");
_Static_assert(APP_EDGE_COUNT <= 255, "more inputs and outputs than a list holds");
_Static_assert(APP_LONGEST_REQUEST < SIZE_MAX - PROTOCOL_FRAME_OVERHEAD && APP_LONGEST_ANSWER < SIZE_MAX,
               "inputs or outputs are larger than this processor's addresses");

#endif

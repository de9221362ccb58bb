/* Every buffer's size, in one place. A port with little RAM overrides these by -D. */
#ifndef BOARDPROOF_APP_CONFIG_H
#define BOARDPROOF_APP_CONFIG_H

#include "model_config.h"
#include "protocol/messages.h"

/* Answers that are repeated instead of computed again; the host's window. 1 to PROTOCOL_ANSWERS_KEPT. */
#ifndef APP_ANSWERS_KEPT
#define APP_ANSWERS_KEPT 16
#endif

/* Bytes taken from the HAL at a time. They count as received: the host's window does not include them. */
#ifndef APP_READ_BYTES
#define APP_READ_BYTES 64
#endif

/* Longest payload taken: an input, or the 64 bytes of a self-test. */
#define APP_PAYLOAD_BYTES (MODEL_INPUT_BYTES > 64 ? MODEL_INPUT_BYTES : 64)
#define APP_FRAME_BYTES (APP_PAYLOAD_BYTES + PROTOCOL_FRAME_OVERHEAD)

_Static_assert(APP_ANSWERS_KEPT >= 1 && APP_ANSWERS_KEPT <= PROTOCOL_ANSWERS_KEPT, "answers kept");
_Static_assert((APP_ANSWERS_KEPT & (APP_ANSWERS_KEPT - 1)) == 0, "a power of two: sequence numbers wrap");

#endif

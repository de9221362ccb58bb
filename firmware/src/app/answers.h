/* The last answers, so that a repeated request is answered again and not computed twice. They are copies: the
 * engine's tensors belong to the next request as soon as it begins to arrive. */
#ifndef BOARDPROOF_APP_ANSWERS_H
#define BOARDPROOF_APP_ANSWERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model_config.h"

typedef struct {
  uint32_t seq;
  uint32_t request_crc; /* CRC of the request's frame: another request with this seq is another request */
  uint32_t input_crc;
  uint32_t ticks;
  bool valid;
  uint8_t output[MODEL_OUTPUT_BYTES]; /* all outputs one behind the other */
} answer_t;

/* Forgets all answers. */
void answers_clear(void);

/* Forgets the answers to requests up to `since`. */
void answers_forget(uint32_t since);

/* The answer to this very request, or NULL. */
const answer_t *answers_find(uint32_t seq, uint32_t request_crc);

/* Does request `seq` come after `other`? The host counts up by one a request, modulo 2^32. */
static inline bool answers_after(uint32_t seq, uint32_t other) { return seq - other - 1u < 0x7fffffffu; }

/* Was a later request answered whose answer took the place of this one's? The host waits for this one no
 * longer. */
bool answers_passed(uint32_t seq);

/* Where the answer to `seq` goes: over the answer APP_ANSWERS_KEPT requests older. */
answer_t *answers_slot(uint32_t seq);

/* CRC-32 over the input's CRC (little-endian), then the outputs: one inference's part of the run's digest. */
uint32_t answers_digest(const answer_t *answer);

#endif

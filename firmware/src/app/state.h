/* What the handlers share. All state of the program is here, in request.c, answers.c and rate.c, in the parser of
 * app.c, in the engine and in the HAL. */
#ifndef BOARDPROOF_APP_STATE_H
#define BOARDPROOF_APP_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/engine.h"
#include "protocol/messages.h"

typedef struct {
  engine_status_t engine; /* of engine_init(); unless ENGINE_OK there is never a session */
  engine_fault_t fault;
  bool session;   /* a hello came since the start */
  uint32_t nonce; /* of that hello */
  bool keeps;     /* state outlives an inference: keep_state came in this session */
  uint32_t next;  /* then: the sequence number of the next infer */
  uint32_t since; /* requests of this session come after this sequence number: at first the hello's */
  message_status_answer_t counters;
} app_state_t;

extern app_state_t app;

#endif

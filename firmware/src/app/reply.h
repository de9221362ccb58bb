/* Answers on their way out: frames to the HAL. */
#ifndef BOARDPROOF_APP_REPLY_H
#define BOARDPROOF_APP_REPLY_H

#include <stdint.h>

#include "engine/engine.h"
#include "protocol/frame.h"

/* Begins an answer; the caller puts the payload and ends it. */
void reply_begin(frame_writer_t *writer, uint8_t type, uint32_t seq);

/* Answers with an error: a number of enum error_code, and its detail. */
void reply_error(uint32_t seq, uint8_t code, uint32_t detail_a, uint32_t detail_b);

/* Answers with what the engine reports; `status` is not ENGINE_OK. */
void reply_engine_error(uint32_t seq, engine_status_t status, const engine_fault_t *fault);

#endif

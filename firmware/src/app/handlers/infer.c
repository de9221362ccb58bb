#include <string.h>

#include "app/answers.h"
#include "app/handlers/handlers.h"
#include "app/reply.h"
#include "app/request.h"
#include "app/state.h"
#include "hal/hal.h"
#include "model_config.h"
#include "protocol/messages.h"

static void send_answer(const answer_t *answer) {
  const message_infer_answer_t message = {.input_crc = answer->input_crc,
                                          .ticks = answer->ticks,
                                          .output = answer->output,
                                          .output_length = MODEL_OUTPUT_BYTES};
  frame_writer_t writer;
  reply_begin(&writer, MESSAGE_INFER_ANSWER, answer->seq);
  message_write_infer_answer(&message, frame_writer_put, &writer);
  frame_writer_end(&writer);
}

static void keep_outputs(uint8_t *to) {
  static const size_t sizes[MODEL_OUTPUT_COUNT] = MODEL_OUTPUT_SIZES;
  for (uint8_t i = 0; i < MODEL_OUTPUT_COUNT; i++) {
    memcpy(to, engine_output(i), sizes[i]);
    to += sizes[i];
  }
}

/* Are the inputs in the tensors? Otherwise the answer is the error. */
static bool has_inputs(const frame_t *frame) {
  if (request_has_inputs()) return true;
  if (frame->type == MESSAGE_INFER_PACKED) {
    reply_error(frame->seq, PROTOCOL_ERROR_CODE_BAD_PAYLOAD, 0, 0);
  } else {
    reply_error(frame->seq, PROTOCOL_ERROR_CODE_BAD_LENGTH, MODEL_INPUT_BYTES, (uint32_t)frame->length);
  }
  return false;
}

/* Is it the one whose turn it is? Where state is kept, order counts: one that is early gets an error, and one that is late
 * is of a sequence before. */
static bool is_next(const frame_t *frame) {
  if (!app.keeps || frame->seq == app.next) return true;
  if (answers_after(frame->seq, app.next)) {
    reply_error(frame->seq, PROTOCOL_ERROR_CODE_OUT_OF_ORDER, app.next, frame->seq);
  }
  return false;
}

void handle_infer(const frame_t *frame) {
  const answer_t *kept = answers_find(frame->seq, frame->crc);
  if (kept != NULL) {
    app.counters.repeated++;
    send_answer(kept);
    return;
  }
  if (answers_passed(frame->seq)) return;
  if (!is_next(frame)) return;
  if (!has_inputs(frame)) return;
  const uint32_t crc = request_input_crc();
  engine_fault_t fault = {0, 0};
  if (!app.keeps) engine_reset(); /* an answer depends on its inputs alone */
  hal_measure_begin();
  const engine_status_t status = engine_invoke(NULL, &fault);
  const uint32_t ticks = hal_measure_end();
  if (status != ENGINE_OK) {
    reply_engine_error(frame->seq, status, &fault);
    return;
  }
  app.next = frame->seq + 1u;
  answer_t *answer = answers_slot(frame->seq);
  answer->valid = true;
  answer->seq = frame->seq;
  answer->request_crc = frame->crc;
  answer->input_crc = crc;
  answer->ticks = ticks;
  keep_outputs(answer->output);
  app.counters.inferences++;
  app.counters.digest += answers_digest(answer);
  send_answer(answer);
}

void handle_keep_state(const frame_t *frame) {
  frame_writer_t writer;
  if (frame->length != 0) {
    reply_error(frame->seq, PROTOCOL_ERROR_CODE_BAD_LENGTH, 0, (uint32_t)frame->length);
    return;
  }
  const bool repeated = app.keeps && answers_after(app.next, frame->seq);
  if (!repeated) {
    engine_reset();
    app.keeps = true;
    app.next = frame->seq + 1u;
  }
  reply_begin(&writer, MESSAGE_KEEP_STATE_ANSWER, frame->seq);
  frame_writer_end(&writer);
}

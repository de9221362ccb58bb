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

void handle_infer(const frame_t *frame) {
  const answer_t *kept = answers_find(frame->seq, frame->crc);
  if (kept != NULL) {
    app.counters.repeated++;
    send_answer(kept);
    return;
  }
  if (answers_passed(frame->seq)) return;
  if (!has_inputs(frame)) return;
  const uint32_t crc = request_input_crc();
  engine_fault_t fault = {0, 0};
  engine_reset(); /* an answer depends on its inputs alone */
  hal_measure_begin();
  const engine_status_t status = engine_invoke(NULL, &fault);
  const uint32_t ticks = hal_measure_end();
  if (status != ENGINE_OK) {
    reply_engine_error(frame->seq, status, &fault);
    return;
  }
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

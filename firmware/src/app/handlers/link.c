#include "app/handlers/handlers.h"
#include "app/rate.h"
#include "app/reply.h"
#include "app/request.h"
#include "app/state.h"
#include "hal/hal.h"
#include "protocol/messages.h"

void handle_status(const frame_t *frame) {
  frame_writer_t writer;
  app.counters.overruns = hal_overruns();
  reply_begin(&writer, MESSAGE_STATUS_ANSWER, frame->seq);
  message_write_status_answer(&app.counters, frame_writer_put, &writer);
  frame_writer_end(&writer);
}

void handle_echo(const frame_t *frame) {
  frame_writer_t writer;
  if (frame->length > PROTOCOL_ECHO_MAX) {
    reply_error(frame->seq, PROTOCOL_ERROR_CODE_BAD_LENGTH, PROTOCOL_ECHO_MAX, (uint32_t)frame->length);
    return;
  }
  rate_confirm();
  reply_begin(&writer, MESSAGE_ECHO_ANSWER, frame->seq);
  frame_writer_put(&writer, request_head(), frame->length);
  frame_writer_end(&writer);
}

void handle_set_baud(const frame_t *frame) {
  message_set_baud_t request;
  if (!message_read_set_baud(request_head(), frame->length, &request)) {
    reply_error(frame->seq, PROTOCOL_ERROR_CODE_BAD_LENGTH, 4, (uint32_t)frame->length);
    return;
  }
  if (!rate_possible(request.baud)) {
    reply_error(frame->seq, PROTOCOL_ERROR_CODE_BAUD_REFUSED, request.baud, 0);
    return;
  }
  const message_set_baud_answer_t answer = {.baud = request.baud};
  frame_writer_t writer;
  reply_begin(&writer, MESSAGE_SET_BAUD_ANSWER, frame->seq);
  message_write_set_baud_answer(&answer, frame_writer_put, &writer);
  frame_writer_end(&writer);
  rate_change(request.baud);
}

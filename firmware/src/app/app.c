#include "app/app.h"

#include "app/answers.h"
#include "app/config.h"
#include "app/handlers/handlers.h"
#include "app/rate.h"
#include "app/reply.h"
#include "app/request.h"
#include "app/state.h"
#include "hal/hal.h"
#include "protocol/messages.h"

/* A session may go on for ever, but `since` cannot stay behind for more than half of the sequence numbers: once a
 * request comes SINCE_FAR after it, it moves up to SINCE_NEAR before that request. */
#define SINCE_FAR 0x40000000u
#define SINCE_NEAR 0x20000000u

app_state_t app;

static struct {
  frame_parser_t parser;
  uint8_t unread[APP_READ_BYTES];
} wire;

/* Is it a request of this session? One from before its hello was delivered late or once more: nobody waits for an
 * answer. */
static bool is_of_session(uint32_t seq) {
  if (!answers_after(seq, app.since)) return false;
  if (seq - app.since > SINCE_FAR) {
    app.since = seq - SINCE_NEAR;
    answers_forget(app.since);
  }
  return true;
}

static void handle_in_session(const frame_t *frame) {
  switch (frame->type) {
    case MESSAGE_INFER:
    case MESSAGE_INFER_PACKED:
      handle_infer(frame);
      break;
    case MESSAGE_PROFILE:
      handle_profile(frame);
      break;
    case MESSAGE_LAYER:
      handle_layer(frame);
      break;
    case MESSAGE_KEEP_STATE:
      handle_keep_state(frame);
      break;
    case MESSAGE_OPS:
      handle_ops(frame);
      break;
    case MESSAGE_STATUS:
      handle_status(frame);
      break;
    case MESSAGE_SET_BAUD:
      handle_set_baud(frame);
      break;
    default:
      reply_error(frame->seq, PROTOCOL_ERROR_CODE_UNKNOWN_TYPE, frame->type, 0);
      break;
  }
}

static void handle(const frame_t *frame) {
  app.counters.frames++;
  if (frame->type == MESSAGE_HELLO) {
    handle_hello(frame);
  } else if (frame->type == MESSAGE_ECHO) {
    handle_echo(frame);
  } else if (!app.session) {
    reply_error(frame->seq, PROTOCOL_ERROR_CODE_NO_SESSION, 0, 0);
  } else if (is_of_session(frame->seq)) {
    handle_in_session(frame);
  }
}

void app_init(void) {
  app.engine = engine_init(&app.fault);
  frame_parser_init(&wire.parser, request_sink(app.engine == ENGINE_OK), APP_LONGEST_REQUEST);
}

void app_poll(void) {
  rate_poll();
  const size_t count = hal_read(wire.unread, sizeof wire.unread);
  if (count == 0) {
    hal_wait();
    return;
  }
  rate_noise();
  size_t offset = 0;
  while (offset < count) {
    size_t used = 0;
    frame_t frame;
    const frame_event_t event =
        frame_parser_feed(&wire.parser, wire.unread + offset, count - offset, &used, &frame);
    offset += used;
    if (event == FRAME_GOOD) {
      rate_good();
      handle(&frame);
    }
    if (event == FRAME_DAMAGED) app.counters.damaged++;
  }
}

#include "app/app.h"

#include <string.h>

#include "app/answers.h"
#include "app/config.h"
#include "app/packed.h"
#include "app/rate.h"
#include "boardproof_build.h"
#include "engine/engine.h"
#include "hal/hal.h"
#include "model_config.h"
#include "protocol/crc32.h"
#include "protocol/frame.h"
#include "protocol/messages.h"

/* All state of the program beside the engine's and the HAL's. */
static struct {
  frame_parser_t parser;
  uint8_t frame[APP_FRAME_BYTES];
  uint8_t unread[APP_READ_BYTES];
  engine_status_t engine;
  engine_fault_t fault;
  bool session;   /* a hello came since the start */
  uint32_t nonce; /* of that hello */
  uint32_t since; /* its sequence number: requests of this session come after it */
  message_status_answer_t counters;
} app;

static void send_bytes(void *to, const uint8_t *bytes, size_t length) {
  (void)to;
  hal_write(bytes, length);
}

static void answer_begin(frame_writer_t *writer, uint8_t type, uint32_t seq) {
  frame_writer_begin(writer, send_bytes, NULL, type, seq);
}

static void send_error(uint32_t seq, uint8_t code, uint32_t detail_a, uint32_t detail_b) {
  frame_writer_t writer;
  const message_error_t error = {.code = code, .detail_a = detail_a, .detail_b = detail_b};
  answer_begin(&writer, MESSAGE_ERROR, seq);
  message_write_error(&error, frame_writer_put, &writer);
  frame_writer_end(&writer);
}

static void send_engine_error(uint32_t seq, engine_status_t status, const engine_fault_t *fault) {
  static const uint8_t codes[] = {
      [ENGINE_ARENA_TOO_SMALL] = PROTOCOL_ERROR_CODE_ENGINE_ARENA,
      [ENGINE_OP_MISSING] = PROTOCOL_ERROR_CODE_ENGINE_OP,
      [ENGINE_SCHEMA_MISMATCH] = PROTOCOL_ERROR_CODE_ENGINE_SCHEMA,
      [ENGINE_MODEL_INVALID] = PROTOCOL_ERROR_CODE_ENGINE_MODEL,
      [ENGINE_INVOKE_FAILED] = PROTOCOL_ERROR_CODE_ENGINE_INVOKE,
  };
  send_error(seq, codes[status], fault->needed, fault->given);
}

static void handle_hello(const frame_t *frame) {
  static const uint8_t model_sha256[32] = MODEL_SHA256_BYTES;
  static const uint8_t build_id[8] = BOARDPROOF_BUILD_ID_BYTES;
  message_hello_t hello;
  if (!message_read_hello(frame->payload, frame->length, &hello)) {
    send_error(frame->seq, PROTOCOL_ERROR_CODE_BAD_LENGTH, 5, (uint32_t)frame->length);
    return;
  }
  if (hello.version != PROTOCOL_VERSION) {
    send_error(frame->seq, PROTOCOL_ERROR_CODE_VERSION_MISMATCH, PROTOCOL_VERSION, hello.version);
    return;
  }
  if (app.engine != ENGINE_OK) {
    send_engine_error(frame->seq, app.engine, &app.fault);
    return;
  }
  /* A hello that was delivered twice opens one session. */
  if (!app.session || app.nonce != hello.nonce) {
    app.session = true;
    app.nonce = hello.nonce;
    app.since = frame->seq;
    answers_clear();
    memset(&app.counters, 0, sizeof app.counters);
  }
  const message_hello_answer_t answer = {
      .nonce = hello.nonce,
      .version = PROTOCOL_VERSION,
      .features = (uint8_t)(PROTOCOL_FEATURE_PACKED_INPUT | PROTOCOL_FEATURE_PROFILE |
                            (hal_safe_baud() != 0 ? PROTOCOL_FEATURE_BAUD : 0)),
      .tick_unit = (uint8_t)hal_unit(),
      .answers_kept = APP_ANSWERS_KEPT,
      .receive_bytes = hal_receive_capacity(),
      .clock_hz = hal_clock_hz(),
      .baud = rate_present(),
      .model_sha256 = model_sha256,
      .build_id = build_id,
      .input_bytes = MODEL_INPUT_BYTES,
      .input_scale = MODEL_INPUT_SCALE,
      .input_zero_point = MODEL_INPUT_ZERO_POINT,
      .output_bytes = MODEL_OUTPUT_BYTES,
      .output_scale = MODEL_OUTPUT_SCALE,
      .output_zero_point = MODEL_OUTPUT_ZERO_POINT,
      .op_count = MODEL_OP_COUNT,
      .ram_used = engine_ram_used(),
      .ram_given = engine_ram_given(),
      .target = BOARDPROOF_TARGET,
      .core = BOARDPROOF_CORE,
      .engine = engine_name(),
      .kernels = engine_kernels(),
  };
  frame_writer_t writer;
  answer_begin(&writer, MESSAGE_HELLO_ANSWER, frame->seq);
  message_write_hello_answer(&answer, frame_writer_put, &writer);
  frame_writer_end(&writer);
}

static void send_infer_answer(const answer_t *answer) {
  const message_infer_answer_t message = {.input_crc = answer->input_crc,
                                          .ticks = answer->ticks,
                                          .output = (const uint8_t *)answer->output,
                                          .output_length = MODEL_OUTPUT_BYTES};
  frame_writer_t writer;
  answer_begin(&writer, MESSAGE_INFER_ANSWER, answer->seq);
  message_write_infer_answer(&message, frame_writer_put, &writer);
  frame_writer_end(&writer);
}

/* Puts the request's input into the engine's input tensor; otherwise answers with the error. */
static bool take_input(const frame_t *frame) {
  if (frame->type == MESSAGE_INFER_PACKED) {
    if (packed_unpack(frame->payload, frame->length, MODEL_INPUT_ZERO_POINT, engine_input(),
                      MODEL_INPUT_BYTES)) {
      return true;
    }
    send_error(frame->seq, PROTOCOL_ERROR_CODE_BAD_PAYLOAD, 0, 0);
    return false;
  }
  if (frame->length != MODEL_INPUT_BYTES) {
    send_error(frame->seq, PROTOCOL_ERROR_CODE_BAD_LENGTH, MODEL_INPUT_BYTES, (uint32_t)frame->length);
    return false;
  }
  memcpy(engine_input(), frame->payload, MODEL_INPUT_BYTES);
  return true;
}

static uint32_t input_crc(void) {
  return crc32_update(0, (const uint8_t *)engine_input(), MODEL_INPUT_BYTES);
}

static void handle_infer(const frame_t *frame) {
  const answer_t *kept = answers_find(frame->seq, frame->crc);
  if (kept != NULL) {
    app.counters.repeated++;
    send_infer_answer(kept);
    return;
  }
  if (answers_passed(frame->seq)) return;
  if (!take_input(frame)) return;
  const uint32_t crc = input_crc();
  engine_fault_t fault = {0, 0};
  hal_measure_begin();
  const engine_status_t status = engine_invoke(NULL, &fault);
  const uint32_t ticks = hal_measure_end();
  if (status != ENGINE_OK) {
    send_engine_error(frame->seq, status, &fault);
    return;
  }
  answer_t *answer = answers_slot(frame->seq);
  answer->valid = true;
  answer->seq = frame->seq;
  answer->request_crc = frame->crc;
  answer->input_crc = crc;
  answer->ticks = ticks;
  memcpy(answer->output, engine_output(), MODEL_OUTPUT_BYTES);
  app.counters.inferences++;
  app.counters.digest += answers_digest(answer);
  send_infer_answer(answer);
}

/* The hook of a profiled run: closes the operator's measured section, writes its entry, opens the next. */
static void after_op(void *context, uint16_t op_index, const int8_t *output, size_t bytes) {
  const uint32_t ticks = hal_measure_end();
  (void)op_index;
  message_put_u32(frame_writer_put, context, ticks);
  message_put_u32(frame_writer_put, context, (uint32_t)bytes);
  message_put_u32(frame_writer_put, context, crc32_update(0, (const uint8_t *)output, bytes));
  hal_measure_begin();
}

static void handle_profile(const frame_t *frame) {
  if (!take_input(frame)) return;
  frame_writer_t writer;
  engine_fault_t fault = {0, 0};
  const engine_hook_t hook = {.after_op = after_op, .context = &writer};
  answer_begin(&writer, MESSAGE_PROFILE_ANSWER, frame->seq);
  hal_measure_begin();
  const engine_status_t status = engine_invoke(&hook, &fault);
  (void)hal_measure_end();
  frame_writer_end(&writer); /* cut short when an operator failed; the error below then stands */
  if (status != ENGINE_OK) send_engine_error(frame->seq, status, &fault);
}

static void handle_status(const frame_t *frame) {
  frame_writer_t writer;
  app.counters.overruns = hal_overruns();
  answer_begin(&writer, MESSAGE_STATUS_ANSWER, frame->seq);
  message_write_status_answer(&app.counters, frame_writer_put, &writer);
  frame_writer_end(&writer);
}

static void handle_echo(const frame_t *frame) {
  frame_writer_t writer;
  rate_confirm();
  answer_begin(&writer, MESSAGE_ECHO_ANSWER, frame->seq);
  frame_writer_put(&writer, frame->payload, frame->length);
  frame_writer_end(&writer);
}

static void handle_set_baud(const frame_t *frame) {
  message_set_baud_t request;
  if (!message_read_set_baud(frame->payload, frame->length, &request)) {
    send_error(frame->seq, PROTOCOL_ERROR_CODE_BAD_LENGTH, 4, (uint32_t)frame->length);
    return;
  }
  if (!rate_possible(request.baud)) {
    send_error(frame->seq, PROTOCOL_ERROR_CODE_BAUD_REFUSED, request.baud, 0);
    return;
  }
  const message_set_baud_answer_t answer = {.baud = request.baud};
  frame_writer_t writer;
  answer_begin(&writer, MESSAGE_SET_BAUD_ANSWER, frame->seq);
  message_write_set_baud_answer(&answer, frame_writer_put, &writer);
  frame_writer_end(&writer);
  rate_change(request.baud);
}

static void handle(const frame_t *frame) {
  app.counters.frames++;
  if (frame->type == MESSAGE_HELLO) {
    handle_hello(frame);
  } else if (frame->type == MESSAGE_ECHO) {
    handle_echo(frame);
  } else if (!app.session) {
    send_error(frame->seq, PROTOCOL_ERROR_CODE_NO_SESSION, 0, 0);
  } else if (!answers_after(frame->seq, app.since)) {
    /* Delivered late or once more: the host waits for no answer from before its hello. */
  } else if (frame->type == MESSAGE_INFER || frame->type == MESSAGE_INFER_PACKED) {
    handle_infer(frame);
  } else if (frame->type == MESSAGE_PROFILE) {
    handle_profile(frame);
  } else if (frame->type == MESSAGE_STATUS) {
    handle_status(frame);
  } else if (frame->type == MESSAGE_SET_BAUD) {
    handle_set_baud(frame);
  } else {
    send_error(frame->seq, PROTOCOL_ERROR_CODE_UNKNOWN_TYPE, frame->type, 0);
  }
}

void app_init(void) {
  frame_parser_init(&app.parser, app.frame, sizeof app.frame);
  app.engine = engine_init(&app.fault);
}

void app_poll(void) {
  rate_poll();
  const size_t count = hal_read(app.unread, sizeof app.unread);
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
        frame_parser_feed(&app.parser, app.unread + offset, count - offset, &used, &frame);
    offset += used;
    if (event == FRAME_GOOD) {
      rate_good();
      handle(&frame);
    }
    if (event == FRAME_DAMAGED) app.counters.damaged++;
  }
}

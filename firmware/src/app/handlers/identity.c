#include <string.h>

#include "app/answers.h"
#include "app/config.h"
#include "app/handlers/handlers.h"
#include "app/rate.h"
#include "app/reply.h"
#include "app/request.h"
#include "app/state.h"
#include "boardproof_build.h"
#include "engine/engine.h"
#include "hal/hal.h"
#include "model_config.h"
#include "protocol/messages.h"

#ifdef MODEL_HAS_VARIABLES
#define STATE_FEATURE PROTOCOL_FEATURE_STATE
#else
#define STATE_FEATURE 0
#endif

static const uint32_t dims[] = MODEL_DIMS;
static const message_tensor_t tensors[APP_EDGE_COUNT] = MODEL_TENSORS(dims);

static void write_tensors(message_put_t put, void *to) {
  message_put_u8(put, to, APP_EDGE_COUNT);
  for (size_t i = 0; i < APP_EDGE_COUNT; i++) {
    message_write_tensor(&tensors[i], put, to);
  }
}

/* Milliseconds that an inference may take. config.h says how they are estimated. */
static uint32_t inference_ms(void) {
#ifdef APP_INFERENCE_MS
  return APP_INFERENCE_MS;
#else
  const uint32_t clock_hz = hal_clock_hz() != 0 ? hal_clock_hz() : APP_EMULATED_HZ;
  const uint32_t macs_a_ms = clock_hz / (1000u * APP_CYCLES_PER_MAC) + 1u;
  return APP_INFERENCE_LEAST_MS + (uint32_t)MODEL_MACS / macs_a_ms +
         (uint32_t)MODEL_OP_OUTPUT_BYTES / macs_a_ms * APP_MACS_PER_BYTE;
#endif
}

/* Opens a session, unless this hello was delivered twice. */
static void open_session(uint32_t nonce, uint32_t seq) {
  if (app.session && app.nonce == nonce) return;
  app.session = true;
  app.nonce = nonce;
  app.since = seq;
  app.keeps = false;
  answers_clear();
  memset(&app.counters, 0, sizeof app.counters);
}

static void send_identity(uint32_t nonce, uint32_t seq) {
  static const uint8_t model_sha256[32] = MODEL_SHA256_BYTES;
  static const uint8_t build_id[8] = BOARDPROOF_BUILD_ID_BYTES;
  const message_hello_answer_t answer = {
      .nonce = nonce,
      .version = PROTOCOL_VERSION,
      .features = (uint8_t)(PROTOCOL_FEATURE_PACKED_INPUT | PROTOCOL_FEATURE_PROFILE |
                            (hal_safe_baud() != 0 ? PROTOCOL_FEATURE_BAUD : 0) | STATE_FEATURE),
      .tick_unit = (uint8_t)hal_unit(),
      .answers_kept = APP_ANSWERS_KEPT,
      .receive_bytes = hal_receive_capacity(),
      .clock_hz = hal_clock_hz(),
      .baud = rate_present(),
      .model_sha256 = model_sha256,
      .build_id = build_id,
      .longest_request = APP_LONGEST_REQUEST,
      .longest_answer = APP_LONGEST_ANSWER,
      .inference_ms = inference_ms(),
      .op_count = MODEL_OP_COUNT,
      .ram_used = engine_ram_used(),
      .ram_given = engine_ram_given(),
      .packed_fill = MODEL_PACKED_FILL,
      .target = BOARDPROOF_TARGET,
      .core = BOARDPROOF_CORE,
      .engine = engine_name(),
      .kernels = engine_kernels(),
      .tensors = write_tensors,
  };
  frame_writer_t writer;
  reply_begin(&writer, MESSAGE_HELLO_ANSWER, seq);
  message_write_hello_answer(&answer, frame_writer_put, &writer);
  frame_writer_end(&writer);
}

void handle_hello(const frame_t *frame) {
  message_hello_t hello;
  if (!message_read_hello(request_head(), frame->length, &hello)) {
    reply_error(frame->seq, PROTOCOL_ERROR_CODE_BAD_LENGTH, 5, (uint32_t)frame->length);
  } else if (hello.version != PROTOCOL_VERSION) {
    reply_error(frame->seq, PROTOCOL_ERROR_CODE_VERSION_MISMATCH, PROTOCOL_VERSION, hello.version);
  } else if (app.engine != ENGINE_OK) {
    reply_engine_error(frame->seq, app.engine, &app.fault);
  } else {
    open_session(hello.nonce, frame->seq);
    send_identity(hello.nonce, frame->seq);
  }
}

void handle_ops(const frame_t *frame) {
  static const uint16_t codes[MODEL_OP_COUNT] = MODEL_OP_CODES;
  message_ops_t request;
  if (!message_read_ops(request_head(), frame->length, &request)) {
    reply_error(frame->seq, PROTOCOL_ERROR_CODE_BAD_LENGTH, 2, (uint32_t)frame->length);
    return;
  }
  frame_writer_t writer;
  reply_begin(&writer, MESSAGE_OPS_ANSWER, frame->seq);
  message_put_u16(frame_writer_put, &writer, request.first);
  message_put_u16(frame_writer_put, &writer, MODEL_OP_COUNT);
  const uint32_t most = (APP_LONGEST_ANSWER - 4u) / 2u;
  for (uint32_t op = request.first; op < MODEL_OP_COUNT && op - request.first < most; op++) {
    message_put_u16(frame_writer_put, &writer, codes[op]);
  }
  frame_writer_end(&writer);
}

#include "app/reply.h"

#include "hal/hal.h"
#include "protocol/messages.h"

static void send_bytes(void *to, const uint8_t *bytes, size_t length) {
  (void)to;
  hal_write(bytes, length);
}

void reply_begin(frame_writer_t *writer, uint8_t type, uint32_t seq) {
  frame_writer_begin(writer, send_bytes, NULL, type, seq);
}

void reply_error(uint32_t seq, uint8_t code, uint32_t detail_a, uint32_t detail_b) {
  frame_writer_t writer;
  const message_error_t error = {.code = code, .detail_a = detail_a, .detail_b = detail_b};
  reply_begin(&writer, MESSAGE_ERROR, seq);
  message_write_error(&error, frame_writer_put, &writer);
  frame_writer_end(&writer);
}

void reply_engine_error(uint32_t seq, engine_status_t status, const engine_fault_t *fault) {
  static const uint8_t codes[] = {
      [ENGINE_ARENA_TOO_SMALL] = PROTOCOL_ERROR_CODE_ENGINE_ARENA,
      [ENGINE_OP_MISSING] = PROTOCOL_ERROR_CODE_ENGINE_OP,
      [ENGINE_SCHEMA_MISMATCH] = PROTOCOL_ERROR_CODE_ENGINE_SCHEMA,
      [ENGINE_MODEL_INVALID] = PROTOCOL_ERROR_CODE_ENGINE_MODEL,
      [ENGINE_INVOKE_FAILED] = PROTOCOL_ERROR_CODE_ENGINE_INVOKE,
  };
  reply_error(seq, codes[status], fault->needed, fault->given);
}

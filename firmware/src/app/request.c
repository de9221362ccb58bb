#include "app/request.h"

#include <string.h>

#include "app/config.h"
#include "app/packed.h"
#include "engine/engine.h"
#include "model_config.h"
#include "protocol/crc32.h"

static const size_t input_sizes[MODEL_INPUT_COUNT] = MODEL_INPUT_SIZES;

static struct {
  bool engine;
  uint8_t type;
  uint8_t head[PROTOCOL_ECHO_MAX];
  uint8_t head_used;  /* bytes in `head` */
  uint8_t head_bytes; /* of this type of request */
  packed_t packed;
  uint8_t input;   /* the tensor that is being written; MODEL_INPUT_COUNT: all were */
  size_t written;  /* bytes of that tensor */
  bool overfilled; /* more than all inputs came */
} request;

/* Appends to the input tensors; fill bytes where `bytes` is NULL. */
static void put_inputs(const uint8_t *bytes, size_t length) {
  if (!request.engine) return;
  while (length > 0 && request.input < MODEL_INPUT_COUNT) {
    uint8_t *const tensor = (uint8_t *)engine_input(request.input) + request.written;
    const size_t room = input_sizes[request.input] - request.written;
    const size_t count = length < room ? length : room;
    if (bytes != NULL) {
      memcpy(tensor, bytes, count);
      bytes += count;
    } else {
      memset(tensor, MODEL_PACKED_FILL, count);
    }
    length -= count;
    request.written += count;
    if (count == room) {
      request.input++;
      request.written = 0;
    }
  }
  if (length > 0) request.overfilled = true;
}

static void request_begin(void *to, uint8_t type) {
  (void)to;
  const bool inputs = type == MESSAGE_INFER || type == MESSAGE_INFER_PACKED || type == MESSAGE_PROFILE;
  request.type = type;
  request.head_used = 0;
  request.head_bytes = inputs ? 0 : type == MESSAGE_LAYER ? MESSAGE_LAYER_FIXED_BYTES : PROTOCOL_ECHO_MAX;
  request.packed = (packed_t){0};
  request.input = 0;
  request.written = 0;
  request.overfilled = false;
}

static void request_put(void *to, const uint8_t *bytes, size_t length) {
  (void)to;
  while (length > 0 && request.head_used < request.head_bytes) {
    request.head[request.head_used++] = *bytes++;
    length--;
  }
  if (length == 0 || request.head_bytes == PROTOCOL_ECHO_MAX) return;
  if (request.type != MESSAGE_INFER_PACKED) {
    put_inputs(bytes, length);
    return;
  }
  packed_piece_t piece;
  while (packed_next(&request.packed, &bytes, &length, &piece)) put_inputs(piece.literals, piece.count);
}

frame_sink_t request_sink(bool engine) {
  request.engine = engine;
  return (frame_sink_t){.begin = request_begin, .put = request_put, .to = NULL};
}

const uint8_t *request_head(void) { return request.head; }

bool request_has_inputs(void) {
  return request.input == MODEL_INPUT_COUNT && !request.overfilled && packed_is_whole(&request.packed);
}

uint32_t request_input_crc(void) {
  uint32_t crc = 0;
  for (uint8_t i = 0; i < MODEL_INPUT_COUNT; i++) {
    crc = crc32_update(crc, (const uint8_t *)engine_input(i), input_sizes[i]);
  }
  return crc;
}

/* Fuzzes the whole application over the memory HAL: what no host would send must neither break the board nor
 * make it say anything but whole frames, nor answer an inference whose input nobody has sent.
 *
 * The input is a script. Random bytes hardly ever have a right CRC, so that most steps are put into frames here:
 *   0..1  N  bytes: N bytes as they are
 *   2..4  T S N bytes: a frame of type T with N payload bytes; its sequence number is S after the one before
 *   5     S N bytes: the same, with inputs: filled up with zeros to their size. An inference; from N = 224 on a
 *         profile; from 240 on a layer, whose first bytes say which
 *   6     N: a hello with nonce N
 *   7     power is lost (N is ignored)
 * Steps are told by the byte modulo 8; N by the byte after. A script that ends within a step ends there. */
#include <stdlib.h>
#include <string.h>

#include "app/packed.h"
#include "frame_buffer.h"
#include "memory_hal.h"
#include "model_config.h"
#include "protocol/crc32.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUTS_MOST 1024u

static struct {
  const uint8_t *data;
  size_t left;
  uint64_t now;
  uint32_t seq;
  uint32_t good;              /* frames sent whole */
  size_t raw;                 /* bytes sent as they are */
  uint32_t answered;          /* frames that came back */
  size_t sent;                /* inputs that were sent in good frames */
  uint32_t crcs[INPUTS_MOST]; /* theirs */
} script;

static void require(int holds) {
  if (!holds) abort();
}

static uint8_t next_byte(void) {
  if (script.left == 0) return 0;
  script.left--;
  return *script.data++;
}

static const uint8_t *next_bytes(size_t *count) {
  const uint8_t *bytes = script.data;
  if (*count > script.left) *count = script.left;
  script.data += *count;
  script.left -= *count;
  return bytes;
}

static void feed(void *to, const uint8_t *bytes, size_t length) {
  (void)to;
  require(board_feed(bytes, length, script.now));
}

/* Keeps the CRC of the input that a good frame carries, if it does. */
static void remember(uint8_t type, const uint8_t *payload, size_t length) {
  uint8_t input[MODEL_INPUT_BYTES];
  size_t count = 0;
  if (type == MESSAGE_INFER && length == sizeof input) {
    memcpy(input, payload, sizeof input);
    count = sizeof input;
  } else if (type == MESSAGE_INFER_PACKED) {
    packed_t packed = {0};
    packed_piece_t piece;
    while (packed_next(&packed, &payload, &length, &piece)) {
      if (piece.count > sizeof input - count) return;
      if (piece.literals != NULL) memcpy(input + count, piece.literals, piece.count);
      if (piece.literals == NULL) memset(input + count, MODEL_PACKED_FILL, piece.count);
      count += piece.count;
    }
    if (!packed_is_whole(&packed)) return;
  }
  if (count == sizeof input && script.sent < INPUTS_MOST) {
    script.crcs[script.sent++] = crc32_update(0, input, sizeof input);
  }
}

static bool was_sent(uint32_t crc) {
  for (size_t i = 0; i < script.sent; i++) {
    if (script.crcs[i] == crc) return true;
  }
  return script.sent == INPUTS_MOST || script.raw > 0; /* the fuzzer may hit upon a frame */
}

static void send_frame(uint8_t type, const uint8_t *payload, size_t length) {
  frame_writer_t writer;
  frame_writer_begin(&writer, feed, NULL, type, script.seq);
  frame_writer_put(&writer, payload, length);
  frame_writer_end(&writer);
  script.good++;
  remember(type, payload, length);
}

/* All that the board says are whole frames: answers, no more than there were requests. */
static void hear(void) {
  static uint8_t bytes[4096];
  static uint8_t said[65536];
  frame_buffer_t buffer = {.bytes = bytes};
  frame_parser_t parser;
  frame_parser_init(&parser, frame_buffer_sink(&buffer), sizeof bytes);
  script.now += 1000000000u;
  for (;;) {
    (void)board_run(script.now);
    const size_t count = board_take(said, sizeof said, UINT64_MAX);
    if (count == 0) break;
    size_t offset = 0;
    while (offset < count) {
      size_t used = 0;
      frame_t frame;
      const frame_event_t event = frame_parser_feed(&parser, said + offset, count - offset, &used, &frame);
      offset += used;
      require(event != FRAME_DAMAGED);
      if (event != FRAME_GOOD) continue;
      require((frame.type & 0x80u) != 0);
      if (frame.type == MESSAGE_INFER_ANSWER) {
        require(frame.length == MESSAGE_INFER_ANSWER_FIXED_BYTES + MODEL_OUTPUT_BYTES);
        require(was_sent(message_get_u32(bytes)));
      }
      script.answered++;
    }
  }
  require(parser.code == 0);
}

static void step_frame(uint8_t type) {
  script.seq += next_byte();
  size_t count = next_byte();
  const uint8_t *payload = next_bytes(&count);
  send_frame(type, payload, count);
}

static void step_inputs(void) {
  uint8_t request[MESSAGE_LAYER_FIXED_BYTES + MODEL_INPUT_BYTES] = {0};
  script.seq += next_byte();
  size_t count = next_byte();
  const uint8_t type = count >= 240u ? MESSAGE_LAYER : count >= 224u ? MESSAGE_PROFILE : MESSAGE_INFER;
  const size_t length = type == MESSAGE_LAYER ? sizeof request : MODEL_INPUT_BYTES;
  const uint8_t *payload = next_bytes(&count);
  memcpy(request, payload, count < length ? count : length);
  send_frame(type, request, length);
}

static void step_hello(void) {
  const uint8_t payload[5] = {next_byte(), 0, 0, 0, PROTOCOL_VERSION};
  script.seq++;
  send_frame(MESSAGE_HELLO, payload, sizeof payload);
}

static void step_raw(void) {
  size_t count = next_byte();
  const uint8_t *bytes = next_bytes(&count);
  feed(NULL, bytes, count);
  script.raw += count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const board_options_t options = {.receive_bytes = 4096, .safe_baud = 115200};
  memset(&script, 0, sizeof script);
  script.data = data;
  script.left = size;
  board_make(&options);
  while (script.left > 0) {
    const uint8_t step = next_byte() % 8u;
    if (step <= 1) {
      step_raw();
    } else if (step <= 4) {
      step_frame(next_byte());
    } else if (step == 5) {
      step_inputs();
    } else if (step == 6) {
      step_hello();
    } else {
      hear();
      board_lose_power();
    }
    hear();
  }
  /* The fuzzer may hit upon a CRC: a frame on the wire is COBS's code byte and a delimiter longer. */
  require(script.answered <= script.good + script.raw / (PROTOCOL_FRAME_OVERHEAD + 2u));
  return 0;
}

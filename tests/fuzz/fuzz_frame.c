/* Fuzzes the frame parser and the unpacker of packed inputs with bytes as they come.
 *
 * The parser must find the same in one piece as byte by byte; what it finds, encoded again, must be found
 * again. The unpacker must write nothing beyond its buffer, and must not say yes to anything but a full one.
 */
#include <stdlib.h>
#include <string.h>

#include "app/packed.h"
#include "protocol/crc32.h"
#include "protocol/frame.h"

#define LONGEST 300u /* bytes of a decoded frame: short inputs reach its end, and more than one COBS block \
                      */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct {
  uint32_t good;
  uint32_t damaged;
  uint32_t sum; /* over all that the frames hold, in order */
} found_t;

static uint8_t wire[2u * LONGEST];
static size_t wire_length;

static void require(int holds) {
  if (!holds) abort();
}

static void keep(void *to, const uint8_t *bytes, size_t length) {
  (void)to;
  require(length <= sizeof wire - wire_length);
  memcpy(wire + wire_length, bytes, length);
  wire_length += length;
}

/* Encodes a frame that was found, and finds it again. */
static void check_round_trip(const frame_t *frame) {
  static uint8_t buffer[LONGEST];
  frame_writer_t writer;
  frame_parser_t parser;
  frame_t again;
  size_t used = 0;
  wire_length = 0;
  frame_writer_begin(&writer, keep, NULL, frame->type, frame->seq);
  frame_writer_put(&writer, frame->payload, frame->length);
  frame_writer_end(&writer);
  frame_parser_init(&parser, buffer, sizeof buffer);
  require(frame_parser_feed(&parser, wire, wire_length, &used, &again) == FRAME_GOOD);
  require(used == wire_length && again.type == frame->type && again.seq == frame->seq &&
          again.crc == frame->crc);
  require(again.length == frame->length && memcmp(again.payload, frame->payload, frame->length) == 0);
}

static found_t find(const uint8_t *bytes, size_t length, size_t piece) {
  found_t found = {0, 0, 0};
  frame_parser_t parser;
  /* On the heap, to the byte: a sanitizer then sees one byte too many. */
  uint8_t *buffer = malloc(LONGEST);
  require(buffer != NULL);
  frame_parser_init(&parser, buffer, LONGEST);
  for (size_t start = 0; start < length; start += piece) {
    const size_t count = length - start < piece ? length - start : piece;
    size_t offset = 0;
    while (offset < count) {
      size_t used = 0;
      frame_t frame;
      const frame_event_t event =
          frame_parser_feed(&parser, bytes + start + offset, count - offset, &used, &frame);
      require(used > 0 && used <= count - offset);
      offset += used;
      if (event == FRAME_DAMAGED) found.damaged++;
      if (event != FRAME_GOOD) continue;
      found.good++;
      found.sum = crc32_update(found.sum + frame.type, frame.payload, frame.length);
      check_round_trip(&frame);
    }
  }
  free(buffer);
  return found;
}

static void check_unpack(const uint8_t *packed, size_t length, size_t count) {
  int8_t *values = malloc(count + 1u);
  require(values != NULL);
  const bool full = packed_unpack(packed, length, -128, values, count);
  require(!full || length > 0 || count == 0);
  free(values);
}

/* The bytes as the payload of a good frame, so that the parser's other half is reached, too. */
static void check_good(const uint8_t *payload, size_t length) {
  const frame_t frame = {.type = 1, .seq = 2, .payload = payload, .length = length};
  frame_writer_t writer;
  wire_length = 0;
  frame_writer_begin(&writer, keep, NULL, frame.type, frame.seq);
  frame_writer_put(&writer, payload, length);
  frame_writer_end(&writer);
  static uint8_t sent[sizeof wire];
  const size_t count = wire_length;
  memcpy(sent, wire, count);
  const found_t found = find(sent, count, count);
  require(found.good == 1 && found.damaged == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const found_t whole = find(data, size, size > 0 ? size : 1u);
  const found_t trickled = find(data, size, 1);
  require(whole.good == trickled.good && whole.damaged == trickled.damaged && whole.sum == trickled.sum);
  if (size <= LONGEST - PROTOCOL_FRAME_OVERHEAD) check_good(data, size);
  if (size > 0) check_unpack(data + 1, size - 1u, data[0]);
  return 0;
}

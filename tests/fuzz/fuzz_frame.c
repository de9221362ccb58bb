/* Fuzzes the frame parser and the unpacker of packed inputs with bytes as they come.
 *
 * The parser must find the same in one piece as byte by byte, and put no more than it was allowed to; what it
 * finds, encoded again, must be found again; given up in the middle, it must not. The unpacker must give the same
 * in any pieces, and nothing that does not lie in what it was given. */
#include <stdlib.h>
#include <string.h>

#include "app/packed.h"
#include "frame_buffer.h"
#include "protocol/crc32.h"

#define LONGEST 291u /* bytes of a payload: short inputs reach its end, and more than one COBS block */

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

static void begin_again(frame_writer_t *writer, const frame_t *frame, const uint8_t *payload) {
  wire_length = 0;
  frame_writer_begin(writer, keep, NULL, frame->type, frame->seq);
  frame_writer_put(writer, payload, frame->length);
}

/* Encodes a frame that was found, and finds it again; given up instead, it is damage. */
static void check_round_trip(const frame_t *frame, const uint8_t *payload) {
  static uint8_t bytes[LONGEST];
  frame_buffer_t buffer = {.bytes = bytes};
  frame_writer_t writer;
  frame_parser_t parser;
  frame_t again;
  size_t used = 0;
  frame_parser_init(&parser, frame_buffer_sink(&buffer), sizeof bytes);
  begin_again(&writer, frame, payload);
  frame_writer_cancel(&writer);
  require(frame_parser_feed(&parser, wire, wire_length, &used, &again) == FRAME_DAMAGED);
  require(used == wire_length);
  begin_again(&writer, frame, payload);
  frame_writer_end(&writer);
  require(frame_parser_feed(&parser, wire, wire_length, &used, &again) == FRAME_GOOD);
  require(used == wire_length && again.type == frame->type && again.seq == frame->seq &&
          again.crc == frame->crc);
  require(again.length == frame->length && memcmp(bytes, payload, frame->length) == 0);
}

static found_t find(const uint8_t *bytes, size_t length, size_t piece) {
  found_t found = {0, 0, 0};
  frame_parser_t parser;
  /* On the heap, to the byte: a sanitizer then sees one byte too many. */
  frame_buffer_t buffer = {.bytes = malloc(LONGEST)};
  require(buffer.bytes != NULL);
  frame_parser_init(&parser, frame_buffer_sink(&buffer), LONGEST);
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
      require(frame.length == buffer.length);
      found.sum = crc32_update(found.sum + frame.type, buffer.bytes, frame.length);
      check_round_trip(&frame, buffer.bytes);
    }
  }
  free(buffer.bytes);
  return found;
}

typedef struct {
  size_t count;
  uint32_t sum; /* over all values, fill values as one that no literal is */
  bool whole;
} unpacked_t;

static unpacked_t unpack(const uint8_t *bytes, size_t length, size_t piece) {
  unpacked_t result = {0, 0, false};
  packed_t packed = {0};
  for (size_t start = 0; start < length; start += piece) {
    const uint8_t *next = bytes + start;
    size_t left = length - start < piece ? length - start : piece;
    const uint8_t *const end = next + left;
    packed_piece_t found;
    while (packed_next(&packed, &next, &left, &found)) {
      require(found.count > 0 && next + left == end);
      for (size_t i = 0; i < found.count; i++) {
        require(found.literals == NULL || (found.literals >= bytes + start && found.literals + i < end));
        result.sum = result.sum * 31u + (found.literals == NULL ? 256u : found.literals[i]);
      }
      result.count += found.count;
    }
    require(left == 0);
  }
  result.whole = packed_is_whole(&packed);
  return result;
}

static void check_unpack(const uint8_t *bytes, size_t length) {
  const unpacked_t whole = unpack(bytes, length, length > 0 ? length : 1u);
  for (size_t piece = 1; piece <= 3; piece++) {
    const unpacked_t pieced = unpack(bytes, length, piece);
    require(pieced.count == whole.count && pieced.sum == whole.sum && pieced.whole == whole.whole);
  }
}

/* The bytes as the payload of a good frame, so that the parser's other half is reached, too. */
static void check_good(const uint8_t *payload, size_t length) {
  const frame_t frame = {.type = 1, .seq = 2, .length = length};
  frame_writer_t writer;
  begin_again(&writer, &frame, payload);
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
  if (size <= LONGEST) check_good(data, size);
  check_unpack(data, size);
  return 0;
}

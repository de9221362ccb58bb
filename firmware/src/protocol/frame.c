#include "protocol/frame.h"

#include "protocol/crc32.h"

#define HEAD_BYTES 5u
#define CRC_BYTES 4u

static void parser_restart(frame_parser_t *parser) {
  parser->length = 0;
  parser->crc = 0;
  parser->holding = 0;
  parser->code = 0;
  parser->left = 0;
  parser->overflow = false;
}

void frame_parser_init(frame_parser_t *parser, frame_sink_t sink, size_t longest) {
  parser->sink = sink;
  parser->longest = longest;
  parser_restart(parser);
}

/* Bytes that are known to be no CRC: of the head, then of the payload. */
static void parser_release(frame_parser_t *parser, const uint8_t *bytes, size_t length) {
  parser->crc = crc32_update(parser->crc, bytes, length);
  while (length > 0 && parser->length < HEAD_BYTES) {
    parser->head[parser->length++] = *bytes++;
    length--;
    if (parser->length == HEAD_BYTES) parser->sink.begin(parser->sink.to, parser->head[0]);
  }
  if (length == 0) return;
  if (length > parser->longest + HEAD_BYTES - parser->length) {
    parser->overflow = true;
    return;
  }
  parser->sink.put(parser->sink.to, bytes, length);
  parser->length += length;
}

/* Decoded bytes: all but the newest four are released. */
static void parser_append(frame_parser_t *parser, const uint8_t *bytes, size_t length) {
  if (parser->overflow) return;
  const size_t held = parser->holding;
  const size_t released = held + length > CRC_BYTES ? held + length - CRC_BYTES : 0;
  const size_t old = released < held ? released : held; /* of those released, so many were held */
  if (old > 0) parser_release(parser, parser->held, old);
  if (released > old) parser_release(parser, bytes, released - old);
  const size_t stay = held - old;
  const size_t fresh = length - (released - old);
  for (size_t i = 0; i < stay; i++) parser->held[i] = parser->held[old + i];
  for (size_t i = 0; i < fresh; i++) parser->held[stay + i] = bytes[length - fresh + i];
  parser->holding = (uint8_t)(stay + fresh);
}

/* At a delimiter: is what was decoded a frame? */
static frame_event_t parser_finish(frame_parser_t *parser, frame_t *frame) {
  if (parser->code == 0) return FRAME_NONE; /* nothing between two delimiters */
  /* Bytes are released only behind four that are held: where there is a head, there is a CRC. */
  bool good = !parser->overflow && parser->left == 0 && parser->length >= HEAD_BYTES;
  if (good) {
    frame->type = parser->head[0];
    frame->seq = message_get_u32(parser->head + 1);
    frame->crc = message_get_u32(parser->held);
    frame->length = parser->length - HEAD_BYTES;
    good = parser->crc == frame->crc;
  }
  parser_restart(parser);
  return good ? FRAME_GOOD : FRAME_DAMAGED;
}

/* A code byte: the zero that ended the block before it is implied, except after a full block. */
static void parser_open_block(frame_parser_t *parser, uint8_t code) {
  static const uint8_t zero = 0;
  if (parser->code != 0 && parser->code != 0xffu) parser_append(parser, &zero, 1u);
  parser->code = code;
  parser->left = (uint8_t)(code - 1u);
}

frame_event_t frame_parser_feed(frame_parser_t *parser, const uint8_t *bytes, size_t length, size_t *used,
                                frame_t *frame) {
  size_t at = 0;
  while (at < length) {
    if (bytes[at] == 0) {
      const frame_event_t event = parser_finish(parser, frame);
      at++;
      if (event != FRAME_NONE) {
        *used = at;
        return event;
      }
    } else if (parser->left == 0) {
      parser_open_block(parser, bytes[at++]);
    } else {
      size_t run = 0; /* of the present block, as far as it is here and no delimiter cuts it */
      while (run < parser->left && at + run < length && bytes[at + run] != 0) run++;
      parser_append(parser, bytes + at, run);
      parser->left = (uint8_t)(parser->left - run);
      at += run;
    }
  }
  *used = length;
  return FRAME_NONE;
}

static void writer_close_block(frame_writer_t *writer) {
  writer->block[0] = writer->fill;
  writer->write(writer->to, writer->block, writer->fill);
  writer->fill = 1;
}

static void writer_append(frame_writer_t *writer, const uint8_t *bytes, size_t length) {
  for (size_t i = 0; i < length; i++) {
    if (writer->fill == 255u) writer_close_block(writer);
    if (bytes[i] == 0) {
      writer_close_block(writer);
    } else {
      writer->block[writer->fill++] = bytes[i];
    }
  }
}

void frame_writer_put(void *writer, const uint8_t *bytes, size_t length) {
  frame_writer_t *self = (frame_writer_t *)writer;
  self->crc = crc32_update(self->crc, bytes, length);
  writer_append(self, bytes, length);
}

void frame_writer_begin(frame_writer_t *writer, message_put_t write, void *to, uint8_t type, uint32_t seq) {
  const uint8_t delimiter = 0;
  writer->write = write;
  writer->to = to;
  writer->crc = 0;
  writer->fill = 1;
  write(to, &delimiter, 1u);
  message_put_u8(frame_writer_put, writer, type);
  message_put_u32(frame_writer_put, writer, seq);
}

void frame_writer_end(frame_writer_t *writer) {
  const uint32_t crc = writer->crc;
  const uint8_t trailer[4] = {(uint8_t)(crc & 0xffu), (uint8_t)((crc >> 8) & 0xffu),
                              (uint8_t)((crc >> 16) & 0xffu), (uint8_t)(crc >> 24)};
  const uint8_t delimiter = 0;
  writer_append(writer, trailer, sizeof trailer);
  writer_close_block(writer);
  writer->write(writer->to, &delimiter, 1u);
}

void frame_writer_cancel(frame_writer_t *writer) {
  static const uint8_t cut[2] = {2, 0}; /* a block of one byte, and its end before that byte */
  writer_close_block(writer);
  writer->write(writer->to, cut, sizeof cut);
}

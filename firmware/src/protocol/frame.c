#include "protocol/frame.h"

#include "protocol/crc32.h"

static void parser_restart(frame_parser_t *parser) {
  parser->length = 0;
  parser->code = 0;
  parser->left = 0;
  parser->overflow = false;
}

void frame_parser_init(frame_parser_t *parser, uint8_t *buffer, size_t capacity) {
  parser->buffer = buffer;
  parser->capacity = capacity;
  parser_restart(parser);
}

static void parser_append(frame_parser_t *parser, uint8_t byte) {
  if (parser->length < parser->capacity) {
    parser->buffer[parser->length++] = byte;
  } else {
    parser->overflow = true;
  }
}

/* At a delimiter: is what was decoded a frame? */
static frame_event_t parser_finish(frame_parser_t *parser, frame_t *frame) {
  if (parser->code == 0) return FRAME_NONE; /* nothing between two delimiters */
  const size_t length = parser->length;
  const bool whole = !parser->overflow && parser->left == 0 && length >= PROTOCOL_FRAME_OVERHEAD;
  parser_restart(parser);
  if (!whole) return FRAME_DAMAGED;
  const uint8_t *bytes = parser->buffer;
  const uint32_t crc = message_get_u32(bytes + length - 4u);
  if (crc32_update(0, bytes, length - 4u) != crc) return FRAME_DAMAGED;
  frame->type = bytes[0];
  frame->seq = message_get_u32(bytes + 1);
  frame->crc = crc;
  frame->payload = bytes + 5;
  frame->length = length - PROTOCOL_FRAME_OVERHEAD;
  return FRAME_GOOD;
}

frame_event_t frame_parser_feed(frame_parser_t *parser, const uint8_t *bytes, size_t length, size_t *used,
                                frame_t *frame) {
  for (size_t i = 0; i < length; i++) {
    const uint8_t byte = bytes[i];
    if (byte == 0) {
      const frame_event_t event = parser_finish(parser, frame);
      if (event != FRAME_NONE) {
        *used = i + 1u;
        return event;
      }
    } else if (parser->left > 0) {
      parser->left--;
      parser_append(parser, byte);
    } else {
      /* A code byte: the zero that ended the block before it is implied, except after a full block. */
      if (parser->code != 0 && parser->code != 0xffu) parser_append(parser, 0);
      parser->code = byte;
      parser->left = (uint8_t)(byte - 1u);
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

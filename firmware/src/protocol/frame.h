/* Frames on the wire: COBS-encoded, ended by a zero byte.
 * Before COBS a frame is: type u8, sequence number u32, payload, CRC-32 over all of these; little-endian.
 * docs/PROTOCOL.md has the bytes. */
#ifndef BOARDPROOF_PROTOCOL_FRAME_H
#define BOARDPROOF_PROTOCOL_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/messages.h"

/* A good frame. `payload` reaches into the parser's buffer: valid until the parser gets more bytes. */
typedef struct {
  uint8_t type;
  uint32_t seq;
  uint32_t crc;
  const uint8_t *payload;
  size_t length;
} frame_t;

typedef enum {
  FRAME_NONE,    /* all bytes taken, no frame ended */
  FRAME_GOOD,    /* a frame ended and its CRC holds */
  FRAME_DAMAGED, /* bytes up to a delimiter were no frame: dropped */
} frame_event_t;

/* Decodes a stream of bytes. Whatever arrives, the delimiter after it starts afresh. */
typedef struct {
  uint8_t *buffer; /* decoded bytes; the caller's, outlives the parser */
  size_t capacity; /* at least PROTOCOL_FRAME_OVERHEAD */
  size_t length;   /* decoded so far */
  uint8_t code;    /* code byte of the present COBS block; 0 before the first */
  uint8_t left;    /* bytes of the present COBS block still to come */
  bool overflow;   /* the frame is longer than the buffer: skip to the delimiter */
} frame_parser_t;

void frame_parser_init(frame_parser_t *parser, uint8_t *buffer, size_t capacity);

/* Takes bytes up to the end of a frame at most; `*used` is how many. On FRAME_GOOD `*frame` is set. */
frame_event_t frame_parser_feed(frame_parser_t *parser, const uint8_t *bytes, size_t length, size_t *used,
                                frame_t *frame);

/* Encodes one frame piece by piece: a delimiter first, so that garbage before it costs nothing. */
typedef struct {
  message_put_t write; /* takes the encoded bytes */
  void *to;
  uint32_t crc;
  uint8_t fill;       /* bytes in `block`, its code byte included */
  uint8_t block[255]; /* the present COBS block */
} frame_writer_t;

void frame_writer_begin(frame_writer_t *writer, message_put_t write, void *to, uint8_t type, uint32_t seq);

/* Appends payload bytes; has the type of message_put_t, with the writer as `to`. */
void frame_writer_put(void *writer, const uint8_t *bytes, size_t length);

void frame_writer_end(frame_writer_t *writer);

#endif

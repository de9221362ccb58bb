/* Frames on the wire: COBS-encoded, ended by a zero byte.
 * Before COBS a frame is: type u8, sequence number u32, payload, CRC-32 over all of these; little-endian.
 * docs/PROTOCOL.md has the bytes. */
#ifndef BOARDPROOF_PROTOCOL_FRAME_H
#define BOARDPROOF_PROTOCOL_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/messages.h"

/* A good frame. Its payload went to the parser's sink, `length` bytes of it. */
typedef struct {
  uint8_t type;
  uint32_t seq;
  uint32_t crc;
  size_t length;
} frame_t;

typedef enum {
  FRAME_NONE,    /* all bytes taken, no frame ended */
  FRAME_GOOD,    /* a frame ended and its CRC holds */
  FRAME_DAMAGED, /* bytes up to a delimiter were no frame: dropped */
} frame_event_t;

/* Where a payload goes while it arrives, before anybody knows whether the frame is good: what was put stands
 * for nothing until the parser says FRAME_GOOD, and for nothing at all when another frame begins instead.
 * The sink is never given more than the parser's `longest` bytes a frame. */
typedef struct {
  void (*begin)(void *to, uint8_t type); /* a frame of this type begins */
  message_put_t put;                     /* the next bytes of its payload */
  void *to;
} frame_sink_t;

/* Decodes a stream of bytes. Whatever arrives, the delimiter after it starts afresh. It keeps no payload: only
 * the head, and the newest four bytes, which are the CRC if the frame ends behind them. */
typedef struct {
  frame_sink_t sink;
  size_t longest;  /* payload bytes that a frame may have */
  size_t length;   /* bytes of head and payload so far, the four held back not counted */
  uint32_t crc;    /* over these */
  uint8_t head[5]; /* type and sequence number */
  uint8_t held[4]; /* the newest bytes */
  uint8_t holding; /* how many of these there are */
  uint8_t code;    /* code byte of the present COBS block; 0 before the first */
  uint8_t left;    /* bytes of the present COBS block still to come */
  bool overflow;   /* the payload is longer than `longest`: skip to the delimiter */
} frame_parser_t;

void frame_parser_init(frame_parser_t *parser, frame_sink_t sink, size_t longest);

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

/* Ends what was begun so that no decoder takes it for a frame, whatever its bytes are: in mid-block. */
void frame_writer_cancel(frame_writer_t *writer);

/* Bytes on the wire of a frame with this many payload bytes, at most, delimiters included. */
#define FRAME_LONGEST_ON_WIRE(payload) \
  ((payload) + PROTOCOL_FRAME_OVERHEAD + ((payload) + PROTOCOL_FRAME_OVERHEAD) / 254u + 3u)

#endif

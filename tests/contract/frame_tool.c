/* Holds the firmware's frame code to text on standard input. A line is a command and hex bytes:
 *   decode HEX          feeds the bytes in one piece, prints "good TYPE SEQ PAYLOAD" or "damaged" a frame
 *   trickle HEX         the same, one byte at a time
 *   encode TYPE SEQ HEX prints the bytes on the wire
 *   cancel TYPE SEQ HEX     the same of a frame that is given up
 *   unpack FILL COUNT HEX   prints the values, or "refused"; "differs" if the pieces mattered that the bytes came in */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/packed.h"
#include "frame_buffer.h"

static uint8_t wire[1 << 18];
static uint8_t payload[4096 - PROTOCOL_FRAME_OVERHEAD];
static frame_buffer_t buffer = {.bytes = payload};
static char line[1 << 20];

static size_t unhex(const char *text) {
  size_t count = 0;
  unsigned byte;
  while (sscanf(text, "%2x", &byte) == 1) {
    wire[count++] = (uint8_t)byte;
    text += 2;
  }
  return count;
}

static void print_hex(void *to, const uint8_t *bytes, size_t length) {
  (void)to;
  for (size_t i = 0; i < length; i++) printf("%02x", bytes[i]);
}

static void feed(frame_parser_t *parser, const uint8_t *bytes, size_t length) {
  while (length > 0) {
    size_t used = 0;
    frame_t frame;
    const frame_event_t event = frame_parser_feed(parser, bytes, length, &used, &frame);
    bytes += used;
    length -= used;
    if (event == FRAME_DAMAGED) printf("damaged;");
    if (event == FRAME_GOOD) {
      printf("good %u %u ", frame.type, frame.seq);
      if (frame.length != buffer.length) printf("length %zu, put %zu", frame.length, buffer.length);
      print_hex(NULL, payload, frame.length);
      printf(";");
    }
  }
}

/* Unpacks `wire` in pieces of `piece` bytes into exactly `wanted` values; false where it does not. */
static bool unpack(size_t length, size_t piece, uint8_t fill, uint8_t *values, size_t wanted) {
  packed_t packed = {0};
  size_t count = 0;
  for (size_t at = 0; at < length; at += piece) {
    const uint8_t *bytes = wire + at;
    size_t left = length - at < piece ? length - at : piece;
    packed_piece_t unpacked;
    while (packed_next(&packed, &bytes, &left, &unpacked)) {
      if (unpacked.count > wanted - count) return false;
      if (unpacked.literals != NULL) memcpy(values + count, unpacked.literals, unpacked.count);
      if (unpacked.literals == NULL) memset(values + count, fill, unpacked.count);
      count += unpacked.count;
    }
  }
  return packed_is_whole(&packed) && count == wanted;
}

static void print_unpacked(size_t length, uint8_t fill, size_t wanted) {
  static uint8_t whole[4096];
  static uint8_t pieced[4096];
  const bool good = unpack(length, length > 0 ? length : 1u, fill, whole, wanted);
  for (size_t piece = 1; piece <= 3; piece++) {
    if (unpack(length, piece, fill, pieced, wanted) != good) printf("differs");
    if (good && memcmp(whole, pieced, wanted) != 0) printf("differs");
  }
  if (!good) printf("refused");
  if (good) print_hex(NULL, whole, wanted);
}

int main(void) {
  while (fgets(line, sizeof line, stdin) != NULL) {
    char word[16];
    unsigned first = 0;
    unsigned second = 0;
    int at = 0;
    frame_parser_t parser;
    frame_parser_init(&parser, frame_buffer_sink(&buffer), sizeof payload);
    if (sscanf(line, "unpack %u %u %n", &first, &second, &at) == 2) {
      print_unpacked(unhex(line + at), (uint8_t)first, second);
    } else if (sscanf(line, "%15s %u %u %n", word, &first, &second, &at) == 3 &&
               strcmp(word, "decode") != 0) {
      frame_writer_t writer;
      const size_t length = unhex(line + at);
      frame_writer_begin(&writer, print_hex, NULL, (uint8_t)first, second);
      frame_writer_put(&writer, wire, length);
      if (strcmp(word, "cancel") == 0) frame_writer_cancel(&writer);
      if (strcmp(word, "encode") == 0) frame_writer_end(&writer);
    } else if (sscanf(line, "%15s %n", word, &at) == 1) {
      const size_t length = unhex(line + at);
      if (strcmp(word, "decode") == 0) feed(&parser, wire, length);
      if (strcmp(word, "trickle") == 0) {
        for (size_t i = 0; i < length; i++) feed(&parser, wire + i, 1);
      }
    }
    printf("\n");
    fflush(stdout);
  }
  return 0;
}

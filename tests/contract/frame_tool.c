/* Holds the firmware's frame code to text on standard input. A line is a command and hex bytes:
 *   decode HEX          feeds the bytes in one piece, prints "good TYPE SEQ PAYLOAD" or "damaged" a frame
 *   trickle HEX         the same, one byte at a time
 *   encode TYPE SEQ HEX prints the bytes on the wire
 *   unpack FILL COUNT HEX   prints the values, or "refused" */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/packed.h"
#include "protocol/frame.h"

static uint8_t wire[1 << 18];
static uint8_t buffer[4096];
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
      print_hex(NULL, frame.payload, frame.length);
      printf(";");
    }
  }
}

int main(void) {
  while (fgets(line, sizeof line, stdin) != NULL) {
    char word[16];
    unsigned first = 0;
    unsigned second = 0;
    int at = 0;
    frame_parser_t parser;
    frame_parser_init(&parser, buffer, sizeof buffer);
    if (sscanf(line, "encode %u %u %n", &first, &second, &at) == 2) {
      frame_writer_t writer;
      const size_t length = unhex(line + at);
      frame_writer_begin(&writer, print_hex, NULL, (uint8_t)first, second);
      frame_writer_put(&writer, wire, length);
      frame_writer_end(&writer);
    } else if (sscanf(line, "unpack %u %u %n", &first, &second, &at) == 2) {
      static int8_t values[4096];
      const size_t length = unhex(line + at);
      if (second <= sizeof values && packed_unpack(wire, length, (int8_t)(uint8_t)first, values, second)) {
        print_hex(NULL, (const uint8_t *)values, second);
      } else {
        printf("refused");
      }
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

/* A parser's sink that keeps the payload: for tests, which want to see it whole. */
#ifndef BOARDPROOF_TEST_FRAME_BUFFER_H
#define BOARDPROOF_TEST_FRAME_BUFFER_H

#include <string.h>

#include "protocol/frame.h"

/* `bytes` has room for as many as the parser's `longest`, and is the caller's. */
typedef struct {
  uint8_t *bytes;
  size_t length;
} frame_buffer_t;

static inline void frame_buffer_begin(void *to, uint8_t type) {
  (void)type;
  ((frame_buffer_t *)to)->length = 0;
}

static inline void frame_buffer_put(void *to, const uint8_t *bytes, size_t length) {
  frame_buffer_t *const buffer = (frame_buffer_t *)to;
  memcpy(buffer->bytes + buffer->length, bytes, length);
  buffer->length += length;
}

static inline frame_sink_t frame_buffer_sink(frame_buffer_t *buffer) {
  return (frame_sink_t){.begin = frame_buffer_begin, .put = frame_buffer_put, .to = buffer};
}

#endif

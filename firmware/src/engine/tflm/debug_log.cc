// The library's error messages. Stripped (-D TF_LITE_STRIP_ERROR_STRINGS, as platformio.ini builds) there are
// none. Kept, they go to the link as text: the host drops what stands between two frames and is none; a
// terminal, or a port spy://..., shows it. They come where something fails, never inside a frame that is
// good.
#ifndef TF_LITE_STRIP_ERROR_STRINGS

#include "tensorflow/lite/micro/debug_log.h"

#include <cstdarg>
#include <cstddef>
#include <cstdint>

#include "engine/tflm/format.h"
#include "engine/tflm/tflm.h"
#include "hal/hal.h"

namespace {

void PutToLink(void *, char character) {
  const uint8_t byte = static_cast<uint8_t>(character);
  hal_write(&byte, 1);
}

struct Buffer {
  char *next;
  size_t room;  // the final zero's place included
};

void PutToBuffer(void *to, char character) {
  Buffer *const buffer = static_cast<Buffer *>(to);
  if (buffer->room < 2) return;
  *buffer->next++ = character;
  *buffer->next = '\0';
  --buffer->room;
}

}  // namespace

extern "C" void DebugLog(const char *format, va_list arguments) {
  boardproof::Format(PutToLink, nullptr, format, arguments);
}

extern "C" int DebugVsnprintf(char *bytes, size_t capacity, const char *format, va_list arguments) {
  if (capacity > 0) bytes[0] = '\0';
  Buffer buffer = {bytes, capacity};
  return static_cast<int>(boardproof::Format(PutToBuffer, &buffer, format, arguments));
}

#endif

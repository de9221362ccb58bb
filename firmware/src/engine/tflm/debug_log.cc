// The library's error messages. Stripped (-D TF_LITE_STRIP_ERROR_STRINGS, as platformio.ini builds) there are none.
// Kept, they go to the link as text of its own line: the host takes what is between two frames and is none for foreign
// and drops it, a terminal or a spy:// port shows it. They come only where something fails, never inside a frame that
// is good.
#ifndef TF_LITE_STRIP_ERROR_STRINGS

#include <cstdarg>
#include <cstddef>
#include <cstdint>

#include "engine/tflm/tflm.h"
#include "hal/hal.h"
#include "tensorflow/lite/micro/debug_log.h"

namespace {

// Where characters go: to a buffer of `capacity`, or without one to the link. `count` is what was asked for.
struct Sink {
  char *buffer;
  size_t capacity;
  size_t count;
};

void Put(Sink *sink, char character) {
  if (sink->buffer == nullptr) {
    const uint8_t byte = static_cast<uint8_t>(character);
    hal_write(&byte, 1);
  } else if (sink->count + 1 < sink->capacity) {
    sink->buffer[sink->count] = character;
    sink->buffer[sink->count + 1] = '\0';
  }
  ++sink->count;
}

void PutText(Sink *sink, const char *text) {
  for (const char *next = text == nullptr ? "(null)" : text; *next != '\0'; ++next) {
    Put(sink, *next);
  }
}

void PutNumber(Sink *sink, uint64_t value, unsigned base) {
  char digits[20];  // 2^64 has no more
  size_t count = 0;
  do {
    digits[count++] = "0123456789abcdef"[value % base];
    value /= base;
  } while (value != 0);
  while (count > 0) {
    Put(sink, digits[--count]);
  }
}

void PutSigned(Sink *sink, int64_t value) {
  if (value < 0) Put(sink, '-');
  PutNumber(sink, value < 0 ? 0u - static_cast<uint64_t>(value) : static_cast<uint64_t>(value), 10);
}

// What follows a '%', without flags and widths, which messages do not need. A fraction is cut off.
struct Conversion {
  char kind;
  int longs;  // 'l' before it; 2 for 64 bits
};

const char *Parse(const char *format, Conversion *conversion) {
  conversion->longs = 0;
  while (*format == '.' || *format == '-' || (*format >= '0' && *format <= '9')) ++format;
  for (; *format == 'l' || *format == 'z' || *format == 'h' || *format == 't'; ++format) {
    if (*format == 'l') ++conversion->longs;
    if (*format == 'z' || *format == 't') conversion->longs = 1;
  }
  conversion->kind = *format;
  return *format == '\0' ? format : format + 1;
}

int64_t TakeSigned(va_list *arguments, int longs) {
  if (longs == 0) return va_arg(*arguments, int);
  return longs == 1 ? va_arg(*arguments, long) : va_arg(*arguments, long long);
}

uint64_t TakeUnsigned(va_list *arguments, int longs) {
  if (longs == 0) return va_arg(*arguments, unsigned);
  return longs == 1 ? va_arg(*arguments, unsigned long) : va_arg(*arguments, unsigned long long);
}

void PutConversion(Sink *sink, Conversion conversion, va_list *arguments) {
  switch (conversion.kind) {
    case 'd':
    case 'i':
      PutSigned(sink, TakeSigned(arguments, conversion.longs));
      break;
    case 'u':
      PutNumber(sink, TakeUnsigned(arguments, conversion.longs), 10);
      break;
    case 'x':
    case 'X':
      PutNumber(sink, TakeUnsigned(arguments, conversion.longs), 16);
      break;
    case 'p':
      PutNumber(sink, reinterpret_cast<uintptr_t>(va_arg(*arguments, void *)), 16);
      break;
    case 'c':
      Put(sink, static_cast<char>(va_arg(*arguments, int)));
      break;
    case 's':
      PutText(sink, va_arg(*arguments, const char *));
      break;
    case 'f':
    case 'g':
    case 'e':
      PutSigned(sink, static_cast<int64_t>(va_arg(*arguments, double)));
      break;
    default:
      Put(sink, conversion.kind);
      break;
  }
}

void PutFormat(Sink *sink, const char *format, va_list arguments) {
  va_list rest;
  va_copy(rest, arguments);
  while (*format != '\0') {
    if (*format != '%') {
      Put(sink, *format++);
      continue;
    }
    Conversion conversion;
    format = Parse(format + 1, &conversion);
    if (conversion.kind != '\0') PutConversion(sink, conversion, &rest);
  }
  va_end(rest);
}

}  // namespace

extern "C" void DebugLog(const char *format, va_list arguments) {
  Sink sink = {nullptr, 0, 0};
  PutFormat(&sink, format, arguments);
}

extern "C" int DebugVsnprintf(char *buffer, size_t capacity, const char *format, va_list arguments) {
  char none = '\0';
  Sink sink = {buffer == nullptr ? &none : buffer, buffer == nullptr ? 0 : capacity, 0};
  if (sink.capacity > 0) buffer[0] = '\0';
  PutFormat(&sink, format, arguments);
  return static_cast<int>(sink.count);
}

#endif

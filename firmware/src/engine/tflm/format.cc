#include "engine/tflm/format.h"

#include <cstdint>

namespace boardproof {
namespace {

struct Sink {
  Put put;
  void *to;
  size_t count;
};

// What follows a '%'.
struct Conversion {
  char kind;
  int longs;  // 1: long or size_t, 2: long long
};

void PutOne(Sink *sink, char character) {
  sink->put(sink->to, character);
  ++sink->count;
}

void PutText(Sink *sink, const char *text) {
  for (const char *next = text == nullptr ? "(null)" : text; *next != '\0'; ++next) {
    PutOne(sink, *next);
  }
}

void PutUnsigned(Sink *sink, uint64_t value, unsigned base) {
  char digits[20];  // 2^64 has no more
  size_t count = 0;
  do {
    digits[count++] = "0123456789abcdef"[value % base];
    value /= base;
  } while (value != 0);
  while (count > 0) {
    PutOne(sink, digits[--count]);
  }
}

void PutSigned(Sink *sink, int64_t value) {
  if (value < 0) PutOne(sink, '-');
  PutUnsigned(sink, value < 0 ? 0u - static_cast<uint64_t>(value) : static_cast<uint64_t>(value), 10);
}

int64_t TakeSigned(va_list *arguments, int longs) {
  if (longs == 0) return va_arg(*arguments, int);
  return longs == 1 ? va_arg(*arguments, long) : va_arg(*arguments, long long);
}

uint64_t TakeUnsigned(va_list *arguments, int longs) {
  if (longs == 0) return va_arg(*arguments, unsigned);
  return longs == 1 ? va_arg(*arguments, unsigned long) : va_arg(*arguments, unsigned long long);
}

bool IsFlagOrDigit(char character) {
  return character == '-' || character == '+' || character == ' ' || character == '#' || character == '.' ||
         (character >= '0' && character <= '9');
}

// Returns where the format goes on; the kind is '\0' where it ends within the conversion.
const char *Parse(const char *format, Conversion *conversion) {
  conversion->longs = 0;
  while (IsFlagOrDigit(*format)) ++format;
  for (; *format == 'l' || *format == 'z' || *format == 't' || *format == 'h'; ++format) {
    if (*format != 'h') ++conversion->longs;
  }
  conversion->kind = *format;
  return *format == '\0' ? format : format + 1;
}

void PutConversion(Sink *sink, const Conversion &conversion, va_list *arguments) {
  switch (conversion.kind) {
    case 'd':
    case 'i':
      return PutSigned(sink, TakeSigned(arguments, conversion.longs));
    case 'u':
      return PutUnsigned(sink, TakeUnsigned(arguments, conversion.longs), 10);
    case 'x':
    case 'X':
      return PutUnsigned(sink, TakeUnsigned(arguments, conversion.longs), 16);
    case 'p':
      return PutUnsigned(sink, reinterpret_cast<uintptr_t>(va_arg(*arguments, void *)), 16);
    case 'c':
      return PutOne(sink, static_cast<char>(va_arg(*arguments, int)));
    case 's':
      return PutText(sink, va_arg(*arguments, const char *));
    case 'f':
    case 'g':
    case 'e':
      return PutSigned(sink, static_cast<int64_t>(va_arg(*arguments, double)));
    default:
      return PutOne(sink, conversion.kind);
  }
}

}  // namespace

size_t Format(Put put, void *to, const char *format, va_list arguments) {
  Sink sink = {put, to, 0};
  va_list rest;
  va_copy(rest, arguments);
  while (*format != '\0') {
    if (*format != '%') {
      PutOne(&sink, *format++);
      continue;
    }
    Conversion conversion;
    format = Parse(format + 1, &conversion);
    if (conversion.kind != '\0') PutConversion(&sink, conversion, &rest);
  }
  va_end(rest);
  return sink.count;
}

}  // namespace boardproof

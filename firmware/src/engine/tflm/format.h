// A small vprintf: what the library's messages need, without a heap or the C library's printf.
#ifndef BOARDPROOF_ENGINE_TFLM_FORMAT_H
#define BOARDPROOF_ENGINE_TFLM_FORMAT_H

#include <cstdarg>
#include <cstddef>

namespace boardproof {

// Takes one character.
using Put = void (*)(void *to, char character);

// Writes `format` with its arguments: %d %i %u %x %p %c %s %% with the lengths l, ll, z, t and h; of %f, %g
// and %e the integer part. Flags, widths and precisions are skipped. Returns how many characters were put.
size_t Format(Put put, void *to, const char *format, va_list arguments);

}  // namespace boardproof

#endif

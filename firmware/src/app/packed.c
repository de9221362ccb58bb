#include "app/packed.h"

#include <string.h>

bool packed_unpack(const uint8_t *packed, size_t length, int8_t fill, int8_t *values, size_t count) {
  size_t in = 0;
  size_t out = 0;
  while (in < length) {
    const uint8_t token = packed[in++];
    const size_t run = (size_t)(token & 0x7fu) + 1u;
    if (run > count - out) return false;
    if ((token & 0x80u) != 0) {
      memset(values + out, fill, run);
    } else {
      if (run > length - in) return false;
      memcpy(values + out, packed + in, run);
      in += run;
    }
    out += run;
  }
  return out == count;
}

#include "app/packed.h"

bool packed_next(packed_t *packed, const uint8_t **bytes, size_t *length, packed_piece_t *piece) {
  if (packed->literals == 0) {
    if (*length == 0) return false;
    const uint8_t token = *(*bytes)++;
    const uint8_t run = (uint8_t)((token & 0x7fu) + 1u);
    (*length)--;
    if ((token & 0x80u) != 0) {
      piece->literals = NULL;
      piece->count = run;
      return true;
    }
    packed->literals = run;
  }
  if (*length == 0) return false;
  piece->literals = *bytes;
  piece->count = packed->literals < *length ? packed->literals : *length;
  packed->literals = (uint8_t)(packed->literals - piece->count);
  *bytes += piece->count;
  *length -= piece->count;
  return true;
}

/* Packed inputs: runs of one value, the input's zero point, told by their length. docs/PROTOCOL.md has the bytes.
 *   0x00..0x7f  n: n + 1 literal bytes follow
 *   0x80..0xff  n: n - 0x7f times the fill value */
#ifndef BOARDPROOF_APP_PACKED_H
#define BOARDPROOF_APP_PACKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Unpacks into exactly `count` values; false when `packed` holds more, fewer or is cut short. */
bool packed_unpack(const uint8_t *packed, size_t length, int8_t fill, int8_t *values, size_t count);

#endif

/* Packed inputs: runs of one byte, MODEL_PACKED_FILL, told by their length. docs/PROTOCOL.md has the bytes.
 *   0x00..0x7f  n: n + 1 literal bytes follow
 *   0x80..0xff  n: n - 0x7f times the fill byte
 * They are unpacked while they arrive, in whatever pieces. */
#ifndef BOARDPROOF_APP_PACKED_H
#define BOARDPROOF_APP_PACKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Between two pieces of packed bytes; all zero at the start. */
typedef struct {
  uint8_t literals; /* bytes of the present token still to come: 0 to 128 */
} packed_t;

/* The next unpacked bytes: `count` (at least 1) from `literals`, or as many fill bytes where that is NULL. */
typedef struct {
  const uint8_t *literals; /* reaches into the packed bytes */
  size_t count;
} packed_piece_t;

/* Takes packed bytes from the front of `*bytes`; false when there are none left to make a piece of. */
bool packed_next(packed_t *packed, const uint8_t **bytes, size_t *length, packed_piece_t *piece);

/* Did the packed bytes end with a whole token? */
static inline bool packed_is_whole(const packed_t *packed) { return packed->literals == 0; }

#endif

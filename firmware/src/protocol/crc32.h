/* CRC-32 (IEEE 802.3, as zlib): reflected polynomial 0xEDB88320, initial value and final XOR 0xFFFFFFFF. */
#ifndef BOARDPROOF_PROTOCOL_CRC32_H
#define BOARDPROOF_PROTOCOL_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* Continues `crc` over `bytes`, as zlib's crc32(): start with 0; crc32(crc32(0, a), b) is the CRC of a then b. */
uint32_t crc32_update(uint32_t crc, const uint8_t *bytes, size_t length);

#endif

/* A byte ring between one producer and one consumer: an interrupt handler and the main loop, or two threads.
 *
 * The caller owns the storage; its size is a power of two, all of which can be filled. The indices run freely
 * modulo 2^32, so that `written - read` is the fill level without a spare byte. Only the producer calls
 * ring_put(), only the consumer ring_take(); both may ask ring_count().
 * Neither side waits. */
#ifndef BOARDPROOF_RING_H
#define BOARDPROOF_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
  uint8_t *storage;
  uint32_t mask;            /* storage size - 1 */
  _Atomic uint32_t written; /* bytes ever put; only the producer stores it */
  _Atomic uint32_t read;    /* bytes ever taken; only the consumer stores it */
} ring_t;

/* An empty ring over `array`, whose size the caller has asserted to be a power of two up to 2^31. */
#define RING_OVER(array) {.storage = (array), .mask = (uint32_t)sizeof(array) - 1u, .written = 0, .read = 0}

#define RING_SIZE_IS_VALID(size) ((size) != 0u && ((size) & ((size) - 1u)) == 0u)

static inline uint32_t ring_capacity(const ring_t *ring) { return ring->mask + 1u; }

/* Bytes that wait. The other side may change it at once, but only in its own direction: the consumer may take
 * at least this many, the producer may put at least ring_capacity() minus this many. */
static inline uint32_t ring_count(const ring_t *ring) {
  const uint32_t read = atomic_load_explicit(&ring->read, memory_order_acquire);
  return atomic_load_explicit(&ring->written, memory_order_acquire) - read;
}

/* Producer: appends one byte; false, with nothing changed, when the ring is full. */
static inline bool ring_put(ring_t *ring, uint8_t byte) {
  const uint32_t written = atomic_load_explicit(&ring->written, memory_order_relaxed);
  if (written - atomic_load_explicit(&ring->read, memory_order_acquire) > ring->mask) {
    return false;
  }
  ring->storage[written & ring->mask] = byte;
  atomic_store_explicit(&ring->written, written + 1u, memory_order_release);
  return true;
}

/* Consumer: moves up to `capacity` of the oldest bytes into `bytes`; returns how many. */
static inline size_t ring_take(ring_t *ring, uint8_t *bytes, size_t capacity) {
  const uint32_t read = atomic_load_explicit(&ring->read, memory_order_relaxed);
  const uint32_t waiting = atomic_load_explicit(&ring->written, memory_order_acquire) - read;
  const uint32_t count = capacity < waiting ? (uint32_t)capacity : waiting;
  for (uint32_t i = 0; i < count; ++i) {
    bytes[i] = ring->storage[(read + i) & ring->mask];
  }
  atomic_store_explicit(&ring->read, read + count, memory_order_release);
  return count;
}

#endif

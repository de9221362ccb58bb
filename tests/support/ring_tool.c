/* The byte ring on the host. Two programs in one, by the first argument:
 *   lines             answers lines of commands: start INDEX (both indices), put HEX, take COUNT, count
 *   threads TOTAL     a producer and a consumer thread move TOTAL bytes of a known sequence */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hal/ring.h"

#define STORAGE_BYTES 16u
_Static_assert(RING_SIZE_IS_VALID(STORAGE_BYTES), "as a port would assert it");
_Static_assert(!RING_SIZE_IS_VALID(0u) && !RING_SIZE_IS_VALID(24u), "only powers of two");

static uint8_t storage[STORAGE_BYTES];
static ring_t ring = RING_OVER(storage);

static void put_hex(const char *text) {
  unsigned accepted = 0;
  for (unsigned octet = 0; sscanf(text, "%2x", &octet) == 1; text += 2) {
    if (!ring_put(&ring, (uint8_t)octet)) {
      break;
    }
    ++accepted;
  }
  printf("%u\n", accepted);
}

static void take(size_t count) {
  uint8_t bytes[2u * STORAGE_BYTES];
  const size_t taken = ring_take(&ring, bytes, count < sizeof(bytes) ? count : sizeof(bytes));
  for (size_t i = 0; i < taken; ++i) {
    printf("%02x", (unsigned)bytes[i]);
  }
  printf("\n");
}

static int lines(void) {
  char line[256];
  while (fgets(line, sizeof(line), stdin) != NULL) {
    if (strncmp(line, "start ", 6) == 0) {
      const uint32_t index = (uint32_t)strtoul(line + 6, NULL, 10);
      atomic_store(&ring.written, index);
      atomic_store(&ring.read, index);
      printf("ok\n");
    } else if (strncmp(line, "put ", 4) == 0) {
      put_hex(line + 4);
    } else if (strncmp(line, "take ", 5) == 0) {
      take(strtoul(line + 5, NULL, 10));
    } else {
      printf("%u\n", (unsigned)ring_count(&ring));
    }
    fflush(stdout);
  }
  return 0;
}

static uint8_t expected(uint32_t index) { return (uint8_t)((index * 2654435761u) >> 24); }

static void *produce(void *total) {
  for (uint32_t i = 0; i < *(const uint32_t *)total; ++i) {
    while (!ring_put(&ring, expected(i))) {
      sched_yield();
    }
  }
  return NULL;
}

static int threads(uint32_t total) {
  pthread_t producer;
  if (pthread_create(&producer, NULL, produce, &total) != 0) {
    return 2;
  }
  uint32_t seen = 0;
  while (seen < total) {
    uint8_t bytes[7];
    const size_t taken = ring_take(&ring, bytes, sizeof(bytes));
    for (size_t i = 0; i < taken; ++i, ++seen) {
      if (bytes[i] != expected(seen)) {
        printf("byte %u is wrong\n", (unsigned)seen);
        return 1;
      }
    }
    if (taken == 0u) {
      sched_yield();
    }
  }
  pthread_join(producer, NULL);
  printf("%u left\n", (unsigned)ring_count(&ring));
  return 0;
}

int main(int count, char **arguments) {
  if (count == 3) {
    return threads((uint32_t)strtoul(arguments[2], NULL, 10));
  }
  return lines();
}

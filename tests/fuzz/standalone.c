/* Runs a fuzz target without a fuzzer: all files that are named, then mutations of them from a seed.
 *
 *   PROGRAM SEED MUTATIONS FILE...
 *
 * A finding aborts; the input stands then in `finding.bin`, if it can be written. */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST 4096u
#define FILES_MOST 512u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct {
  uint8_t bytes[LONGEST];
  size_t length;
} input_t;

static input_t corpus[FILES_MOST];
static size_t count;
static input_t present;
static uint64_t state;

/* xorshift64*, Vigna 2014. */
static uint32_t dice(uint32_t sides) {
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return (uint32_t)((state * UINT64_C(2685821657736338717)) >> 33) % sides;
}

static void save(int number) {
  (void)number;
  FILE *file = fopen("finding.bin", "wb");
  if (file != NULL) {
    (void)fwrite(present.bytes, 1, present.length, file);
    (void)fclose(file);
  }
  _Exit(1);
}

static void load(const char *path) {
  FILE *file = fopen(path, "rb");
  if (file == NULL || count == FILES_MOST) {
    fprintf(stderr, "cannot use %s\n", path);
    exit(2);
  }
  corpus[count].length = fread(corpus[count].bytes, 1, LONGEST, file);
  (void)fclose(file);
  count++;
}

static void insert(size_t at, const uint8_t *bytes, size_t length) {
  if (length > LONGEST - present.length) length = LONGEST - present.length;
  memmove(present.bytes + at + length, present.bytes + at, present.length - at);
  memmove(present.bytes + at, bytes, length);
  present.length += length;
}

static void mutate(void) {
  static const uint8_t telling[] = {0, 1, 2, 3, 4, 5, 6, 7, 16, 20, 64, 127, 128, 130, 254, 255};
  const uint32_t at = dice((uint32_t)present.length + 1u);
  const uint32_t kind = dice(6);
  if (kind == 0 && at < present.length) {
    present.bytes[at] ^= (uint8_t)(1u << dice(8));
  } else if (kind == 1 && at < present.length) {
    present.bytes[at] = telling[dice(sizeof telling)];
  } else if (kind == 2 && at < present.length) {
    const size_t length = 1u + dice((uint32_t)(present.length - at));
    memmove(present.bytes + at, present.bytes + at + length, present.length - at - length);
    present.length -= length;
  } else if (kind == 3) {
    insert(at, &telling[dice(sizeof telling)], 1);
  } else if (kind == 4 && count > 0) {
    const input_t *other = &corpus[dice((uint32_t)count)];
    const uint32_t from = dice((uint32_t)other->length + 1u);
    insert(at, other->bytes + from, dice((uint32_t)(other->length - from) + 1u));
  } else {
    const uint8_t any = (uint8_t)dice(256);
    insert(at, &any, 1);
  }
}

int main(int arguments, char **argument) {
  if (arguments < 3) return 2;
  state = strtoull(argument[1], NULL, 10) * 2u + 1u;
  const unsigned long mutations = strtoul(argument[2], NULL, 10);
  (void)signal(SIGABRT, save);
  for (int i = 3; i < arguments; i++) load(argument[i]);
  for (size_t i = 0; i < count; i++) {
    present = corpus[i];
    (void)LLVMFuzzerTestOneInput(present.bytes, present.length);
  }
  for (unsigned long i = 0; i < mutations; i++) {
    present.length = 0;
    if (count > 0) present = corpus[dice((uint32_t)count)];
    const uint32_t steps = 1u + dice(8);
    for (uint32_t step = 0; step < steps; step++) mutate();
    (void)LLVMFuzzerTestOneInput(present.bytes, present.length);
  }
  printf("%lu inputs, no finding\n", (unsigned long)count + mutations);
  return 0;
}

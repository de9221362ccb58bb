/* Firmware that puts the HAL of the emulated boards to the test. A request is a letter and a u32,
 * little-endian: e N  returns the N bytes that follow              n N  measures N no-operations (1, 7 or
 * 100) l N  measures a loop of N times 2 instructions    z -  measures nothing d N  sums up the N bytes that
 * follow: sum, then the overruns m -  milliseconds    r -  restarts    f -  faults    s -  overflows the
 * stack Answers are u32, little-endian. At its start it says "probe". */
#include "hal/hal.h"

static void write_u32(uint32_t value) {
  const uint8_t bytes[4] = {(uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16),
                            (uint8_t)(value >> 24)};
  hal_write(bytes, sizeof(bytes));
}

static uint8_t read_byte(void) {
  uint8_t byte;
  while (hal_read(&byte, 1) == 0u) {
    hal_wait();
  }
  return byte;
}

static uint32_t read_u32(void) {
  uint32_t value = 0;
  for (unsigned shift = 0; shift < 32u; shift += 8u) {
    value |= (uint32_t)read_byte() << shift;
  }
  return value;
}

/* A function of its own for each count: what the compiler shares among several adds jumps between the two
 * calls. */
#define NO_INLINE __attribute__((noinline))

/* Not as the last call of a function: what it pops before would be measured too. */
static inline __attribute__((always_inline)) uint32_t measure_end(void) {
  uint32_t count = hal_measure_end();
  __asm volatile("" : "+r"(count));
  return count;
}

NO_INLINE static uint32_t measure_1(void) {
  hal_measure_begin();
  __asm volatile("nop");
  return measure_end();
}

NO_INLINE static uint32_t measure_7(void) {
  hal_measure_begin();
  __asm volatile(".rept 7\nnop\n.endr");
  return measure_end();
}

NO_INLINE static uint32_t measure_100(void) {
  hal_measure_begin();
  __asm volatile(".rept 100\nnop\n.endr");
  return measure_end();
}

NO_INLINE static uint32_t measure_loop(uint32_t count) {
  register uint32_t left __asm("r4") = count;
  __asm volatile("" : "+r"(left));
  hal_measure_begin();
  __asm volatile("1: subs %0, #1\nbne 1b" : "+r"(left)::"cc");
  return measure_end();
}

NO_INLINE static uint32_t measure_nothing(void) {
  hal_measure_begin();
  return measure_end();
}

static void echo(uint32_t count) {
  while (count-- > 0u) {
    const uint8_t byte = read_byte();
    hal_write(&byte, 1);
  }
}

static void sum_up(uint32_t count) {
  uint32_t sum = 0;
  while (count > 0u) {
    uint8_t bytes[64];
    const size_t got = hal_read(bytes, count < sizeof(bytes) ? count : sizeof(bytes));
    for (size_t i = 0; i < got; ++i) {
      sum = sum * 31u + bytes[i];
    }
    count -= (uint32_t)got;
    if (got == 0u) {
      hal_wait();
    }
  }
  write_u32(sum);
  write_u32(hal_overruns());
}

NO_INLINE static uint32_t overflow_stack(volatile uint32_t *above) {
  volatile uint32_t frame[64];
  frame[0] = *above + 1u;
  return overflow_stack(frame) + frame[0];
}

static void answer(uint8_t request, uint32_t argument) {
  switch (request) {
    case 'e':
      echo(argument);
      break;
    case 'n':
      write_u32(argument == 1u ? measure_1() : argument == 7u ? measure_7() : measure_100());
      break;
    case 'l':
      write_u32(measure_loop(argument));
      break;
    case 'z':
      write_u32(measure_nothing());
      break;
    case 'd':
      sum_up(argument);
      break;
    case 'm':
      write_u32(hal_millis());
      break;
    case 'r':
      hal_reset();
      break;
    case 'f':
      __asm volatile("udf #0");
      break;
    case 's':
      write_u32(overflow_stack(&argument));
      break;
    default:
      break;
  }
}

int main(void) {
  hal_init();
  hal_write((const uint8_t *)"probe", 5);
  for (;;) {
    const uint8_t request = read_byte();
    answer(request, read_u32());
  }
}

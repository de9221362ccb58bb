/* The HAL of the emulated Arm MPS2 boards: CMSDK UART with an interrupt-driven receive ring, and an exact
 * instruction count from the CMSDK timer (QEMU's -icount makes one instruction HAL_ICOUNT_NS of virtual
 * time). */
#include "hal/hal.h"

#include <stddef.h>

#include "hal/mps2/registers.h"
#include "hal/mps2/startup.h"
#include "hal/ring.h"

#ifndef HAL_ICOUNT_NS
#error "HAL_ICOUNT_NS is 1 << the emulator's icount shift; the board's JSON sets it"
#endif

/* Received bytes: holds 16 requests of a 28 x 28 model, so that the link never waits for the main loop. */
#define RECEIVE_BYTES 16384u
_Static_assert(RING_SIZE_IS_VALID(RECEIVE_BYTES), "the ring masks its indices");

/* The UART's rate is not emulated: any valid divider does. */
#define UART_BAUD 115200u
_Static_assert(MPS2_CLOCK_HZ / UART_BAUD >= UART_DIVIDER_LEAST, "the UART refuses smaller dividers");

#define TICK_NS (1000000000u / MPS2_CLOCK_HZ)
/* The count is rounded to whole instructions: exact as long as the timer's grain stays below half of one. */
_Static_assert(2u * TICK_NS < HAL_ICOUNT_NS, "the timer is too coarse to tell instructions apart");

static uint8_t received_storage[RECEIVE_BYTES];
static ring_t received = RING_OVER(received_storage);
static volatile uint32_t overruns;
static uint32_t measure_overhead; /* instructions from one timer read to the other when nothing is measured */
static uint32_t fine_start;
static uint32_t coarse_start;

/* A byte, and the state after it was taken, in one instruction: under -icount QEMU leaves its translated code
 * for every instruction that touches a device, so that one instead of two is what the link's speed hangs on.
 */
static uint32_t take_byte(mps2_uart_t *uart, uint8_t *byte) {
  uint32_t data;
  uint32_t state;
  _Static_assert(offsetof(mps2_uart_t, state) == offsetof(mps2_uart_t, data) + 4u, "ldrd reads neighbours");
  __asm volatile("ldrd %0, %1, [%2]" : "=&r"(data), "=&r"(state) : "r"(&uart->data) : "memory");
  *byte = (uint8_t)data;
  return state;
}

/* Takes all that is there: QEMU hands over the next byte while this one is read, so that a burst costs one
 * interrupt. The request is cleared first: a byte that comes after the last look raises it again. A byte that
 * finds the ring full is lost and counted. */
void uart0_receive_handler(void) {
  mps2_uart_t *const uart = MPS2_UART0;
  uart->interrupts = UART_INTERRUPT_RX;
  uint32_t state = uart->state;
  while ((state & UART_STATE_RX_FULL) != 0u) {
    uint8_t byte;
    state = take_byte(uart, &byte);
    if (!ring_put(&received, byte)) {
      overruns = overruns + 1u;
    }
  }
  if ((state & UART_STATE_RX_OVERRUN) != 0u) {
    overruns = overruns + 1u;
    uart->state = UART_STATE_RX_OVERRUN;
  }
}

static void calibrate(void) {
  hal_measure_begin();
  measure_overhead = hal_measure_end();
}

void hal_init(void) {
  MPS2_TIMER0->reload = UINT32_MAX;
  MPS2_TIMER0->value = UINT32_MAX;
  MPS2_TIMER0->control = TIMER_CONTROL_ENABLE;
  MPS2_DUAL_TIMER->control =
      DUAL_TIMER_CONTROL_ENABLE | DUAL_TIMER_CONTROL_32_BIT | DUAL_TIMER_CONTROL_DIVIDE_256;
  MPS2_UART0->divider = MPS2_CLOCK_HZ / UART_BAUD;
  MPS2_UART0->control = UART_CONTROL_TX_ENABLE | UART_CONTROL_RX_ENABLE | UART_CONTROL_RX_INTERRUPT;
  calibrate();
  NVIC_ISER0 = 1u << MPS2_UART0_RX_IRQ;
}

size_t hal_read(uint8_t *bytes, size_t capacity) { return ring_take(&received, bytes, capacity); }

void hal_write(const uint8_t *bytes, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    while ((MPS2_UART0->state & UART_STATE_TX_FULL) != 0u) {
    }
    MPS2_UART0->data = bytes[i];
  }
}

void hal_flush(void) {
  while ((MPS2_UART0->state & UART_STATE_TX_FULL) != 0u) {
  }
}

/* With interrupts masked, a byte that arrives after the check still ends the wfi. */
void hal_wait(void) {
  __asm volatile("cpsid i" ::: "memory");
  if (ring_count(&received) == 0u) {
    __asm volatile("wfi" ::: "memory");
  }
  __asm volatile("cpsie i" ::: "memory");
}

uint32_t hal_receive_capacity(void) { return RECEIVE_BYTES; }

uint32_t hal_overruns(void) { return overruns; }

/* Neither is inlined: calibrate() would else measure another path than the callers take. */
__attribute__((noinline)) void hal_measure_begin(void) {
  __asm volatile("cpsid i" ::: "memory");
  coarse_start = MPS2_DUAL_TIMER->value;
  fine_start = MPS2_TIMER0->value;
  __asm volatile("" ::: "memory"); /* nothing that is measured moves before the read */
}

/* The fine timer wraps every 171 s of virtual time; the coarse one, 256 times slower, says how often it did.
 */
__attribute__((noinline)) uint32_t hal_measure_end(void) {
  __asm volatile("" ::: "memory");
  const uint32_t fine = fine_start - MPS2_TIMER0->value;
  const uint64_t coarse = (uint64_t)(coarse_start - MPS2_DUAL_TIMER->value) * DUAL_TIMER_DIVIDER;
  __asm volatile("cpsie i" ::: "memory");
  const uint64_t wraps = (coarse - fine + (UINT64_C(1) << 31)) >> 32;
  const uint64_t ticks = (wraps << 32) + fine;
  const uint64_t instructions = (ticks * TICK_NS + HAL_ICOUNT_NS / 2u) / HAL_ICOUNT_NS;
  const uint64_t net = instructions - measure_overhead;
  return net < UINT32_MAX ? (uint32_t)net : UINT32_MAX;
}

hal_unit_t hal_unit(void) { return HAL_UNIT_INSTRUCTIONS; }

uint32_t hal_clock_hz(void) { return 0; }

uint32_t hal_safe_baud(void) { return 0; }

bool hal_set_baud(uint32_t baud) {
  (void)baud;
  return false;
}

/* The dual timer wraps every 12 hours of virtual time; the sum goes on as long as it is asked more often. */
uint32_t hal_millis(void) {
  static uint32_t seen;
  static uint64_t elapsed;
  const uint32_t now = ~MPS2_DUAL_TIMER->value;
  elapsed += now - seen;
  seen = now;
  return (uint32_t)(elapsed * DUAL_TIMER_DIVIDER / (MPS2_CLOCK_HZ / 1000u));
}

void hal_reset(void) { mps2_reset(); }

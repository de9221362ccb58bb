/* The HAL of every Arduino-framework board: the link is `Serial`, whatever the board puts behind it. */
#include "hal/hal.h"

#include "app/app.h"
#include "hal/arduino/core.h"
#include "hal/arduino/counter.h"
#include "hal/arduino/link.h"

#define SAFE_BAUD UINT32_C(115200)
#define BAUD_ERROR_PER_MILLE \
  25 /* a UART samples 10 bits from one edge: with 5 % between both ends they drift apart */

static uint32_t counter_started;
static uint32_t millis_started;

void hal_init(void) {
#if defined(__AVR__)
  MCUSR = 0; /* or the watchdog of hal_reset() goes on */
  wdt_disable();
#endif
  link_open(SAFE_BAUD);
  counter_init();
}

/* Byte by byte: read() is the only call that is safe on every core library while bytes arrive (AVR reads the
 * indices of a ring beyond 256 bytes in two halves: available() may then count wrong, while read() never
 * takes a byte too early). */
size_t hal_read(uint8_t *bytes, size_t capacity) {
  size_t count = 0;
  while (count < capacity) {
    const int received = Serial.read();
    if (received < 0) break;
    bytes[count++] = (uint8_t)received;
  }
  return count;
}

/* A core library's USB takes nothing while no host is there: then there is nobody to wait for. */
void hal_write(const uint8_t *bytes, size_t count) {
  while (count > 0) {
    const size_t taken = Serial.write(bytes, count);
    if (taken == 0 && !Serial) return;
    bytes += taken;
    count -= taken;
  }
}

void hal_flush(void) { Serial.flush(); }

void hal_wait(void) {
#if defined(__AVR__)
  cli(); /* a byte that arrives after the check still ends the sleep: sei takes effect behind the next
            instruction */
  if (Serial.available() == 0) { /* the sleep mode is the one after a reset: idle */
    sleep_enable();
    sei();
    sleep_cpu();
    sleep_disable();
  }
  sei();
#else
  yield();
#endif
}

uint32_t hal_receive_capacity(void) { return LINK_RECEIVE_BYTES; }

uint32_t hal_overruns(void) { return 0; } /* no core library counts them */

void hal_measure_begin(void) {
  millis_started = millis();
  counter_started = counter_now();
  __asm volatile("" ::: "memory"); /* nothing that is measured moves before the read */
}

uint32_t hal_measure_end(void) {
  __asm volatile("" ::: "memory");
  const uint32_t ticks = counter_now() - counter_started;
  const uint32_t per_milli = COUNTER_UNIT == HAL_UNIT_CYCLES ? counter_hz() / 1000u : 1000u;
  const uint32_t wraps_after = UINT32_MAX / per_milli; /* milliseconds */
  return millis() - millis_started < wraps_after ? ticks : UINT32_MAX;
}

hal_unit_t hal_unit(void) { return COUNTER_UNIT; }

uint32_t hal_clock_hz(void) {
#ifdef HAL_EMULATED
  return 0;
#else
  return counter_hz();
#endif
}

uint32_t hal_safe_baud(void) { return LINK_HAS_RATE ? SAFE_BAUD : 0; }

#if LINK_HAS_RATE

/* Can the UART make this rate? AVR divides its clock by multiples of 8; the others have finer dividers. */
static bool can_make(uint32_t baud) {
#if defined(__AVR__)
  const uint32_t divider = (F_CPU / 4u / baud - 1u) / 2u; /* HardwareSerial::begin() sets this one */
  const uint32_t made = F_CPU / (8u * (divider + 1u));
  const uint32_t error = made > baud ? made - baud : baud - made;
  return divider < 4096u && error <= baud / 1000u * BAUD_ERROR_PER_MILLE;
#else
  (void)baud;
  return true;
#endif
}

bool hal_set_baud(uint32_t baud) {
  if (!can_make(baud)) return false;
#if defined(ARDUINO_ARCH_ESP32)
  Serial.updateBaudRate(baud);
#else
  Serial.end();
  link_open(baud);
#endif
  return true;
}

#else

bool hal_set_baud(uint32_t baud) {
  (void)baud;
  return false;
}

#endif

uint32_t hal_millis(void) { return millis(); }

void hal_reset(void) {
#if defined(__AVR__)
  wdt_enable(WDTO_15MS);
  for (;;) {
  }
#elif defined(ARDUINO_ARCH_ESP32)
  ESP.restart();
#else
  *(volatile uint32_t *)0xE000ED0Cu = (UINT32_C(0x5FA) << 16) | (1u << 2); /* AIRCR: the key, SYSRESETREQ */
  for (;;) {
  }
#endif
}

void setup() {
  hal_init();
  app_init();
}

void loop() { app_poll(); }

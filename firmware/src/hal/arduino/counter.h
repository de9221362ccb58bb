/* What counts the cost of an inference on an Arduino board: a counter of 32 bits that wraps.
 *
 *   counter_init()   starts it
 *   counter_now()    reads it
 *   COUNTER_UNIT     what it counts
 *   counter_hz()     the core clock in Hz
 *
 * The core's own cycle counter where it has one; a timer at the core's clock on AVR; else micros(). */
#ifndef BOARDPROOF_HAL_ARDUINO_COUNTER_H
#define BOARDPROOF_HAL_ARDUINO_COUNTER_H

#include "hal/arduino/core.h"
#include "hal/hal.h"

#if defined(__AVR__)

#define COUNTER_UNIT HAL_UNIT_CYCLES

static volatile uint16_t counter_wraps;

ISR(TIMER1_OVF_vect) { counter_wraps = (uint16_t)(counter_wraps + 1u); }

/* Timer 1 counts core cycles; the core library had it do PWM. */
static inline void counter_init(void) {
  TCCR1A = 0;
  TCCR1B = _BV(CS10);
  TIMSK1 = _BV(TOIE1);
}

static inline uint32_t counter_now(void) {
  const uint8_t status = SREG;
  cli();
  const uint16_t low = TCNT1;
  uint16_t high = counter_wraps;
  if ((TIFR1 & _BV(TOV1)) != 0 && low < 0x8000u) high = (uint16_t)(high + 1u); /* wrapped, not yet counted */
  SREG = status;
  return ((uint32_t)high << 16) | low;
}

static inline uint32_t counter_hz(void) { return F_CPU; }

#elif defined(ARDUINO_ARCH_ESP32)

#define COUNTER_UNIT HAL_UNIT_CYCLES

static inline void counter_init(void) {}
static inline uint32_t counter_now(void) { return ESP.getCycleCount(); }
static inline uint32_t counter_hz(void) { return getCpuFrequencyMhz() * UINT32_C(1000000); }

#elif defined(__ARM_ARCH_7M__) || defined(__ARM_ARCH_7EM__) || defined(__ARM_ARCH_8M_MAIN__)

/* The Data Watchpoint and Trace unit (Armv7-M architecture reference manual, C1.8). */
#define COUNTER_UNIT HAL_UNIT_CYCLES
#define COUNTER_REGISTER(address) (*(volatile uint32_t *)(address))
#define COUNTER_DEMCR COUNTER_REGISTER(0xE000EDFCu)
#define COUNTER_DEMCR_TRACE (UINT32_C(1) << 24)
#define COUNTER_DWT_CONTROL COUNTER_REGISTER(0xE0001000u)
#define COUNTER_DWT_CYCLES COUNTER_REGISTER(0xE0001004u)
#define COUNTER_DWT_LOCK COUNTER_REGISTER(0xE0001FB0u)
#define COUNTER_DWT_KEY 0xC5ACCE55u /* opens the lock that Cortex-M7 has */

static inline void counter_init(void) {
  COUNTER_DEMCR |= COUNTER_DEMCR_TRACE;
  COUNTER_DWT_LOCK = COUNTER_DWT_KEY;
  COUNTER_DWT_CONTROL |= 1u;
}

static inline uint32_t counter_now(void) { return COUNTER_DWT_CYCLES; }

#if defined(TEENSYDUINO)
static inline uint32_t counter_hz(void) { return F_CPU_ACTUAL; }
#else
static inline uint32_t counter_hz(void) { return SystemCoreClock; }
#endif

#else

#define COUNTER_UNIT HAL_UNIT_MICROSECONDS

static inline void counter_init(void) {}
static inline uint32_t counter_now(void) { return micros(); }

#if defined(F_CPU)
static inline uint32_t counter_hz(void) { return (uint32_t)(F_CPU); }
#else
static inline uint32_t counter_hz(void) { return SystemCoreClock; }
#endif

#endif
#endif

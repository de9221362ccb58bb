/* The hardware abstraction: all that a port has to write. One implementation is linked:
 *   mps2     the emulated Arm MPS2 boards (CMSDK UART and timer);
 *   arduino  every Arduino-framework board (Serial);
 *   native   a process on the host, for tests and fuzzing.
 *
 * One context calls these functions (the main loop); only hal_init() may be called first. */
#ifndef BOARDPROOF_HAL_H
#define BOARDPROOF_HAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What hal_measure_end() counts. The numbers are on the wire (protocol.toml, enum tick_unit). */
typedef enum {
  HAL_UNIT_CYCLES = 0,       /* core clock cycles at hal_clock_hz() */
  HAL_UNIT_MICROSECONDS = 1, /* where the core has no cycle counter */
  HAL_UNIT_INSTRUCTIONS = 2, /* an emulator's count: never a time */
} hal_unit_t;

/* Brings up the clock, the link and the counter. The link starts at hal_safe_baud(). */
void hal_init(void);

/* Reads up to `capacity` received bytes without waiting; returns how many. */
size_t hal_read(uint8_t *bytes, size_t capacity);

/* Writes all `count` bytes, waiting while the transmitter is full. */
void hal_write(const uint8_t *bytes, size_t count);

/* Sends what hal_write() may have buffered; returns when the last bit has left. */
void hal_flush(void);

/* Sleeps until a byte may have arrived; may return early. */
void hal_wait(void);

/* Bytes that can arrive unread without loss: the receive buffer's true capacity. The host keeps no more than
 * this in flight behind the frame that the board is working on. That one may be longer: it is decoded while it arrives. */
uint32_t hal_receive_capacity(void);

/* Received bytes that were lost since the start, as far as the hardware tells. */
uint32_t hal_overruns(void);

/* A measured section: hal_measure_end() returns the units since hal_measure_begin(), saturating.
 * The emulated boards hold interrupts off in between, so that the count is exact (their UART loses nothing);
 * silicon boards leave them on, so that no byte is lost. */
void hal_measure_begin(void);
uint32_t hal_measure_end(void);
hal_unit_t hal_unit(void);

/* The core clock in Hz; 0 for an emulator. */
uint32_t hal_clock_hz(void);

/* The rate that every board and cable takes, in baud; 0 where the link has no rate (USB CDC, a pipe). */
uint32_t hal_safe_baud(void);

/* Changes the rate once all output has left; false, with nothing changed, where the board cannot. */
bool hal_set_baud(uint32_t baud);

/* Milliseconds since the start, wrapping; only for the fall-back of a baud change. */
uint32_t hal_millis(void);

/* Restarts the board. Does not return on hardware. */
void hal_reset(void);

#ifdef __cplusplus
}
#endif
#endif

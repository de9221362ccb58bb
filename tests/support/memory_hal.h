/* A board in memory: the HAL of firmware/src/hal/hal.h over queues of bytes, with a clock of its own.
 *
 * Time is virtual, in nanoseconds since the board was made, and passes only where the caller lets it: in
 * board_run(), and while the board computes or transmits, by the options below. So one run is the same every
 * time. */
#ifndef BOARDPROOF_TEST_MEMORY_HAL_H
#define BOARDPROOF_TEST_MEMORY_HAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
  uint32_t receive_bytes; /* size of the receive buffer, a power of two up to 65536; what overflows is lost */
  uint32_t safe_baud;     /* hal_safe_baud(); 0: the link has no rate */
  uint64_t inference_ns;  /* time that one inference takes */
  uint64_t transmit_ns;   /* time that the board waits for each byte that it sends; 0: it never waits */
  uint64_t boot_ns;       /* time from power-on to the first byte that is received; earlier ones are lost */
  uint64_t power_lost_at; /* power is lost when this many bytes were received, counted from 1; 0: never */
  const uint8_t *boot_text; /* sent at power-on; the caller's, outlives the board */
  size_t boot_text_length;
} board_options_t;

/* Makes a new board and powers it on, at time 0 with empty queues. */
void board_make(const board_options_t *options);

/* Takes the power away and gives it back: the firmware and the receive buffer lose their state, what was sent
 * stays sent. */
void board_lose_power(void);

/* Hands over bytes that reach the board at time `at`, not before those handed over earlier. False, with
 * nothing taken, when more than the queue's size is on its way. */
bool board_feed(const uint8_t *bytes, size_t count, uint64_t at);

/* Runs the firmware until its time reaches `until` or it has sent something; returns its time, which may be
 * later when it was busy. */
uint64_t board_run(uint64_t until);

/* When the oldest byte that was not taken yet was sent; UINT64_MAX when there is none. */
uint64_t board_sent_at(void);

/* The line rate at which that byte was sent; 0 when there is none. */
uint32_t board_sent_baud(void);

/* Takes up to `capacity` bytes that were sent no later than `until`, and at one rate; returns how many. */
size_t board_take(uint8_t *bytes, size_t capacity, uint64_t until);

/* The line rate that the firmware has set. */
uint32_t board_baud(void);

uint32_t board_overruns(void);
uint32_t board_inferences(void); /* engine runs since board_make(), power losses included */
uint32_t board_power_losses(void);

/* The firmware's statics, as at power-on. In board_app.c. */
void board_clear_statics(void);

#endif

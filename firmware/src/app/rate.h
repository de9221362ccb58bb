/* The line rate: changed on request, and back to the old one unless the host is heard at the new one. */
#ifndef BOARDPROOF_APP_RATE_H
#define BOARDPROOF_APP_RATE_H

#include <stdbool.h>
#include <stdint.h>

/* Milliseconds that an unconfirmed rate lasts. */
#define RATE_TRIAL_MS 500u

/* Milliseconds of bytes without a good frame, after which the host is taken to be at the safe rate again: it
 * was started anew, or gave this rate up while its echo was still on the way. */
#define RATE_LOST_MS 1000u

/* The present rate in baud; 0 where the link has none. */
uint32_t rate_present(void);

/* Can this link run at `baud`? */
bool rate_possible(uint32_t baud);

/* Changes the rate once all output has left; it lasts RATE_TRIAL_MS unless rate_confirm() follows. */
void rate_change(uint32_t baud);

/* The host was heard at the present rate. */
void rate_confirm(void);

/* Bytes came. */
void rate_noise(void);

/* They ended a good frame. */
void rate_good(void);

/* Falls back when a trial has run out, or the host is lost. Call it often. */
void rate_poll(void);

#endif

/* The line rate: changed on request, and back to the old one unless the host is heard at the new one. */
#ifndef BOARDPROOF_APP_RATE_H
#define BOARDPROOF_APP_RATE_H

#include <stdbool.h>
#include <stdint.h>

/* Milliseconds that an unconfirmed rate lasts. */
#define RATE_TRIAL_MS 500u

/* After bytes without a good frame for this many milliseconds, and the time that two frames of the longest request
 * take at the present rate, the host is taken to be at the safe rate again: it was started anew, or gave this rate up
 * while its echo was still on the way. Two frames: one that was damaged, and the good one behind it. So whatever
 * passes at a rate, passes however long it takes; what follows is the bound on how long a host that comes back at
 * the safe rate has to wait: at 9,600 baud and 10 KB a request 22 s, at 115,200 3 s. */
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

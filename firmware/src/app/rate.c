#include "app/rate.h"

#include "app/config.h"
#include "hal/hal.h"
#include "protocol/frame.h"

#define RATE_MAX 4000000u
#define RATE_MIN 9600u

static struct {
  uint32_t present; /* 0: still the HAL's safe rate */
  uint32_t former;
  uint32_t since;
  uint32_t noise_at; /* when the first byte after the last good frame came */
  bool noise;        /* one came */
  bool trial;
} rate;

uint32_t rate_present(void) { return rate.present != 0 ? rate.present : hal_safe_baud(); }

bool rate_possible(uint32_t baud) { return hal_safe_baud() != 0 && baud >= RATE_MIN && baud <= RATE_MAX; }

void rate_change(uint32_t baud) {
  const uint32_t former = rate_present();
  hal_flush();
  if (!hal_set_baud(baud)) return; /* the host hears nothing at the new rate and goes back by itself */
  rate.former = rate.trial ? rate.former : former;
  rate.present = baud;
  rate.since = hal_millis();
  rate.trial = true;
}

void rate_confirm(void) { rate.trial = false; }

void rate_noise(void) {
  if (!rate.noise) rate.noise_at = hal_millis();
  rate.noise = true;
}

void rate_good(void) { rate.noise = false; }

static void go_back(uint32_t baud) {
  rate.trial = false;
  if (hal_set_baud(baud)) rate.present = baud;
}

/* Milliseconds that two frames of the longest request take at `baud`, rounded up: 10 bits a byte. */
static uint32_t two_frames_ms(uint32_t baud) {
  const uint32_t bits = 2u * 10u * (uint32_t)FRAME_LONGEST_ON_WIRE(APP_LONGEST_REQUEST);
  return bits / baud * 1000u + bits % baud * 1000u / baud + 1u;
}

void rate_poll(void) {
  if (rate_present() == hal_safe_baud()) return;
  const uint32_t now = hal_millis();
  if (rate.trial && now - rate.since >= RATE_TRIAL_MS) {
    go_back(rate.former);
  } else if (rate.noise && now - rate.noise_at >= RATE_LOST_MS + two_frames_ms(rate_present())) {
    go_back(hal_safe_baud());
  }
}

#include "app/rate.h"

#include "hal/hal.h"

#define RATE_MAX 4000000u
#define RATE_MIN 9600u

static struct {
  uint32_t present; /* 0: still the HAL's safe rate */
  uint32_t former;
  uint32_t since;
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

void rate_poll(void) {
  if (!rate.trial || hal_millis() - rate.since < RATE_TRIAL_MS) return;
  rate.trial = false;
  if (hal_set_baud(rate.former)) rate.present = rate.former;
}

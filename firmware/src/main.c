/* The program of every board whose HAL does not bring a main() of its own. */
#include "app/app.h"
#include "hal/hal.h"

int main(void) {
  hal_init();
  app_init();
  for (;;) app_poll();
}

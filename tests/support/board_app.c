/* The firmware's application in one translation unit, unchanged, so that losing power can clear its statics.
 */
#include <string.h>

#include "app/answers.c"
#include "app/app.c"
#include "app/rate.c"
#include "memory_hal.h"

void board_clear_statics(void) {
  memset(&app, 0, sizeof app);
  memset(&rate, 0, sizeof rate);
  answers_clear();
}

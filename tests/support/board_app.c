/* The firmware's application in one translation unit, unchanged, so that losing power can clear its statics.
 */
#include <string.h>

#include "app/answers.c"
#include "app/app.c"
#include "app/handlers/identity.c"
#include "app/handlers/infer.c"
#include "app/handlers/link.c"
#include "app/handlers/look.c"
#include "app/packed.c"
#include "app/rate.c"
#include "app/reply.c"
#include "app/request.c"
#include "memory_hal.h"

void board_clear_statics(void) {
  memset(&app, 0, sizeof app);
  memset(&wire, 0, sizeof wire);
  memset(&request, 0, sizeof request);
  memset(&rate, 0, sizeof rate);
  answers_clear();
}

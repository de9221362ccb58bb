/* Start-up of the MPS2 boards: what startup.c and hal.c share. */
#ifndef BOARDPROOF_MPS2_STARTUP_H
#define BOARDPROOF_MPS2_STARTUP_H

#include <stdnoreturn.h>

/* Restarts the core and its peripherals; RAM is not cleared by it. */
noreturn void mps2_reset(void);

/* UART 0 has received (hal.c). */
void uart0_receive_handler(void);

#endif

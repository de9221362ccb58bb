/* Vector table, reset and faults of the MPS2 boards; the symbols come from mps2.ld. */
#include "hal/mps2/startup.h"

#include <stddef.h>
#include <stdint.h>

#include "hal/mps2/registers.h"

extern uint32_t linker_ram_start[];
extern uint32_t linker_stack_top[];
extern uint32_t linker_data_load[];
extern uint32_t linker_data_start[];
extern uint32_t linker_data_end[];
extern uint32_t linker_bss_start[];
extern uint32_t linker_bss_end[];
extern void (*linker_init_start[])(void);
extern void (*linker_init_end[])(void);

int main(void);
noreturn void reset_handler(void);
void fault_handler(void);
noreturn void fault_report(void);

typedef void (*vector_t)(void);

#define SYSTEM_VECTORS 16u
#define IRQ_VECTORS 32u
#define STACK_GUARD_BYTES 65536u /* as MPU_RASR_64_KB says; RAM starts at a multiple of it */

typedef struct {
  uint32_t *stack_top;
  vector_t system[SYSTEM_VECTORS - 1u];
  vector_t irq[IRQ_VECTORS];
} vector_table_t;

/* Only the UART's interrupt is ever enabled; any other exception is a fault. */
__attribute__((section(".vectors"), used)) static const vector_table_t vector_table = {
    .stack_top = linker_stack_top,
    .system = {reset_handler, fault_handler, fault_handler, fault_handler, fault_handler, fault_handler,
               fault_handler, fault_handler, fault_handler, fault_handler, fault_handler, fault_handler,
               fault_handler, fault_handler, fault_handler},
    .irq = {[MPS2_UART0_RX_IRQ] = uart0_receive_handler},
};

/* The stack ends where the RAM begins. What lies below has no memory, but not every board faults there. */
static void guard_stack(void) {
  MPU_RNR = 0;
  MPU_RBAR = (uint32_t)linker_ram_start - STACK_GUARD_BYTES;
  MPU_RASR = MPU_RASR_64_KB | MPU_RASR_ENABLE;
  MPU_CTRL = MPU_CTRL_ENABLE_OVER_DEFAULT_MAP;
  /* As faults of their own they can be followed by one more, when a stack that overflowed cannot take the
   * frame; escalated to a hard fault at once, they would lock up the core. */
  SCB_SHCSR = SCB_SHCSR_FAULTS_ENABLE;
  __asm volatile("dsb\nisb" ::: "memory");
}

noreturn void reset_handler(void) {
  guard_stack();
  const uint32_t *load = linker_data_load;
  for (uint32_t *word = linker_data_start; word < linker_data_end; ++word) {
    *word = *load++;
  }
  for (uint32_t *word = linker_bss_start; word < linker_bss_end; ++word) {
    *word = 0;
  }
  for (void (**init)(void) = linker_init_start; init < linker_init_end; ++init) {
    (*init)();
  }
  (void)main();
  mps2_reset();
}

noreturn void mps2_reset(void) {
  __asm volatile("dsb" ::: "memory");
  SCB_AIRCR = SCB_AIRCR_RESET;
  __asm volatile("dsb" ::: "memory");
  for (;;) {
  }
}

/* The stack may be what failed: take a fresh one before anything is pushed. */
__attribute__((naked)) void fault_handler(void) {
  __asm volatile(
      "ldr r0, =linker_stack_top\n"
      "mov sp, r0\n"
      "b fault_report\n");
}

/* Says so in words that no frame contains, then restarts: a board that hangs would only be seen as silent. */
noreturn void fault_report(void) {
  static const char text[] = "\r\nboardproof: fault, restarting\r\n";
  MPS2_UART0->divider = UART_DIVIDER_LEAST;
  MPS2_UART0->control = UART_CONTROL_TX_ENABLE;
  for (size_t i = 0; i < sizeof(text) - 1u; ++i) {
    while ((MPS2_UART0->state & UART_STATE_TX_FULL) != 0u) {
    }
    MPS2_UART0->data = (uint8_t)text[i];
  }
  mps2_reset();
}

/* What the HAL uses of the Arm MPS2 boards (application notes AN385, AN386, AN500): the first CMSDK APB UART
 * and timer, the dual timer, and the Cortex-M system control space. Offsets are those of the Cortex-M System
 * Design Kit's technical reference manual (DDI 0479) and of the Armv7-M architecture reference manual. */
#ifndef BOARDPROOF_MPS2_REGISTERS_H
#define BOARDPROOF_MPS2_REGISTERS_H

#include <stdint.h>

/* System and peripheral clock. */
#define MPS2_CLOCK_HZ 25000000u

typedef struct {
  volatile uint32_t data;
  volatile uint32_t state;      /* UART_STATE_* */
  volatile uint32_t control;    /* UART_CONTROL_* */
  volatile uint32_t interrupts; /* UART_INTERRUPT_*: read what is pending, write ones to clear */
  volatile uint32_t divider;    /* peripheral clock / baud, 16 at least */
} mps2_uart_t;

#define UART_STATE_TX_FULL (1u << 0)
#define UART_STATE_RX_FULL (1u << 1)
#define UART_STATE_RX_OVERRUN (1u << 3) /* write one to clear */
#define UART_CONTROL_TX_ENABLE (1u << 0)
#define UART_CONTROL_RX_ENABLE (1u << 1)
#define UART_CONTROL_RX_INTERRUPT (1u << 3)
#define UART_INTERRUPT_RX (1u << 1)
#define UART_DIVIDER_LEAST 16u

/* Counts down from `reload` to 0 and again, once a peripheral clock. */
typedef struct {
  volatile uint32_t control; /* TIMER_CONTROL_* */
  volatile uint32_t value;
  volatile uint32_t reload;
  volatile uint32_t interrupts;
} mps2_timer_t;

#define TIMER_CONTROL_ENABLE (1u << 0)

/* One half of the dual timer: counts down, free-running, once every 1, 16 or 256 peripheral clocks. */
typedef struct {
  volatile uint32_t load;
  volatile uint32_t value;
  volatile uint32_t control; /* DUAL_TIMER_CONTROL_* */
} mps2_dual_timer_t;

#define DUAL_TIMER_CONTROL_32_BIT (1u << 1)
#define DUAL_TIMER_CONTROL_DIVIDE_256 (2u << 2)
#define DUAL_TIMER_CONTROL_ENABLE (1u << 7)
#define DUAL_TIMER_DIVIDER 256u

#define MPS2_TIMER0 ((mps2_timer_t *)0x40000000u)
#define MPS2_DUAL_TIMER ((mps2_dual_timer_t *)0x40002000u)
#define MPS2_UART0 ((mps2_uart_t *)0x40004000u)
#define MPS2_UART0_RX_IRQ 0u

#define NVIC_ISER0 (*(volatile uint32_t *)0xE000E100u)
#define SCB_SHCSR (*(volatile uint32_t *)0xE000ED24u)
#define SCB_SHCSR_FAULTS_ENABLE (7u << 16) /* usage, bus and memory management faults */
#define SCB_AIRCR (*(volatile uint32_t *)0xE000ED0Cu)
#define MPU_CTRL (*(volatile uint32_t *)0xE000ED94u)
#define MPU_CTRL_ENABLE_OVER_DEFAULT_MAP ((1u << 0) | (1u << 2))
#define MPU_RNR (*(volatile uint32_t *)0xE000ED98u)  /* region number */
#define MPU_RBAR (*(volatile uint32_t *)0xE000ED9Cu) /* region base */
#define MPU_RASR (*(volatile uint32_t *)0xE000EDA0u) /* region attributes: no access right is 0 */
#define MPU_RASR_64_KB (15u << 1)
#define MPU_RASR_ENABLE (1u << 0)
#define SCB_AIRCR_RESET ((0x5FAu << 16) | (1u << 2)) /* the write key and SYSRESETREQ */

#endif

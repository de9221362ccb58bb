/* The innermost loop of dense.c, for AVR cores with ELPM and MUL.
 *
 *   void aot_avr_block(uint32_t rows, const int8_t *input, uint16_t depth, int8_t zero_point, uint32_t sums[4]);
 *
 * `depth` is 1 to AOT_AVR_ROWS. An input equal to the zero point adds nothing and is skipped: 13 or 14 cycles instead of
 * 46 or 47 (four multiply-accumulates). The others lie 1 to 255 away from it, which fits an unsigned byte: what lies below
 * it is subtracted.
 * The C beside the call computes the same; the host tests that C, the simulated board this. */
#ifdef __AVR__

#include <avr/io.h>

/* Registers: r2 to r17 hold the four sums; the others are named. X walks the inputs, RAMPZ:Z the weights. */
#define product_low r0
#define product_high r1
#define weight r18
#define value r19
#define zero_point r20
#define zero r21
#define left r24 /* and r25: inputs still to come */

.macro ACCUMULATE first, rest, sum0, sum1, sum2, sum3
  elpm weight, Z+
  mul weight, value
  \first \sum0, product_low
  \rest \sum1, product_high
  \rest \sum2, zero
  \rest \sum3, zero
.endm

.macro ROW first, rest
  ACCUMULATE \first, \rest, r2, r3, r4, r5
  ACCUMULATE \first, \rest, r6, r7, r8, r9
  ACCUMULATE \first, \rest, r10, r11, r12, r13
  ACCUMULATE \first, \rest, r14, r15, r16, r17
.endm

  .section .text.aot_avr_block, "ax", @progbits
  .global aot_avr_block
  .type aot_avr_block, @function
aot_avr_block:
  .irp register, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17
  push r\register
  .endr
  push r15 ; sums, wanted again at the end
  push r14
  out _SFR_IO_ADDR(RAMPZ), r24
  movw r26, r20 ; X = input
  mov zero_point, r16
  movw left, r18
  clr zero
  movw r30, r14
  .irp register, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17
  ld r\register, Z+
  .endr
  movw r30, r22

1:
  ld value, X+
  sub value, zero_point
  breq 4f
  brlt 3f
  ROW add, adc
2:
  sbiw left, 1
  brne 1b
  rjmp 5f
3:
  neg value
  ROW sub, sbc
  sbiw left, 1
  breq 5f
  rjmp 1b
4:
  adiw r30, 4
  brcc 2b
  in weight, _SFR_IO_ADDR(RAMPZ)
  inc weight
  out _SFR_IO_ADDR(RAMPZ), weight
  rjmp 2b

5:
  pop r30
  pop r31
  .irp register, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17
  st Z+, r\register
  .endr
  clr product_high ; the compiler's zero register
  .irp register, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2
  pop r\register
  .endr
  ret
  .size aot_avr_block, . - aot_avr_block

#endif

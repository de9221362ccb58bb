/* The DSP instructions that the dsp pack uses, as functions: the instructions on a core that has them
 * (Armv7E-M, Armv8-M with DSP), and the same arithmetic in C elsewhere, so that the host tests the very same
 * kernel. */
#ifndef BOARDPROOF_ENGINE_AOT_DSP_H
#define BOARDPROOF_ENGINE_AOT_DSP_H

#include <stdint.h>

#ifdef __ARM_FEATURE_DSP
#include <arm_acle.h>
#endif

/* Two signed 16-bit lanes from bytes 0 and 2 of `bytes` (SXTB16). */
static inline uint32_t dsp_even(uint32_t bytes) {
#ifdef __ARM_FEATURE_DSP
  return (uint32_t)__sxtb16((int8x4_t)bytes);
#else
  const uint32_t low = (uint32_t)(int32_t)(int8_t)(bytes & 0xffu) & 0xffffu;
  const uint32_t high = (uint32_t)(int32_t)(int8_t)((bytes >> 16) & 0xffu) << 16;
  return high | low;
#endif
}

/* Two signed 16-bit lanes from bytes 1 and 3 of `bytes` (SXTB16 with a rotation). */
static inline uint32_t dsp_odd(uint32_t bytes) {
#ifdef __ARM_FEATURE_DSP
  uint32_t lanes; /* in one instruction, for which there is no intrinsic function */
  __asm__("sxtb16 %0, %1, ror #8" : "=r"(lanes) : "r"(bytes));
  return lanes;
#else
  return dsp_even((bytes >> 8) | (bytes << 24));
#endif
}

/* sum + a.low * b.low + a.high * b.high, modulo 2^32 (SMLAD). */
static inline uint32_t dsp_dot(uint32_t a, uint32_t b, uint32_t sum) {
#ifdef __ARM_FEATURE_DSP
  return (uint32_t)__smlad((int16x2_t)a, (int16x2_t)b, (int32_t)sum);
#else
  const int32_t low = (int32_t)(int16_t)(a & 0xffffu) * (int16_t)(b & 0xffffu);
  const int32_t high = (int32_t)(int16_t)(a >> 16) * (int16_t)(b >> 16);
  return sum + (uint32_t)low + (uint32_t)high;
#endif
}

/* Both lanes of `a` minus those of `b`, each modulo 2^16 (SSUB16). */
static inline uint32_t dsp_subtract(uint32_t a, uint32_t b) {
#ifdef __ARM_FEATURE_DSP
  return (uint32_t)__ssub16((int16x2_t)a, (int16x2_t)b);
#else
  return ((a - b) & 0xffffu) | ((a & 0xffff0000u) - (b & 0xffff0000u));
#endif
}

/* The lower 16-bit lanes of `a` and `b`, those of `a` first (PKHBT). */
static inline uint32_t dsp_low_halves(uint32_t a, uint32_t b) {
#ifdef __ARM_FEATURE_DSP
  uint32_t lanes;
  __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(lanes) : "r"(a), "r"(b));
  return lanes;
#else
  return (a & 0xffffu) | (b << 16);
#endif
}

/* The upper ones (PKHTB). */
static inline uint32_t dsp_high_halves(uint32_t a, uint32_t b) {
#ifdef __ARM_FEATURE_DSP
  uint32_t lanes;
  __asm__("pkhtb %0, %1, %2, asr #16" : "=r"(lanes) : "r"(b), "r"(a));
  return lanes;
#else
  return (a >> 16) | (b & 0xffff0000u);
#endif
}

#endif

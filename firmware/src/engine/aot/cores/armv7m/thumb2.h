/* The two inner loops for Thumb-2 cores (Cortex-M3 and up), where a compiler spends 20 instructions a
 * listed unit and 18.5 (portable) or 16.5 (dsp) are enough: post-indexed loads, and the zero behind each run
 * ends the loop, which is unrolled twice. The C beside each use computes the same; the host tests that C, the
 * emulated boards these. */
#ifndef BOARDPROOF_ENGINE_AOT_THUMB2_H
#define BOARDPROOF_ENGINE_AOT_THUMB2_H

#if defined(__GNUC__) && defined(__thumb2__) && defined(__OPTIMIZE__)
#define AOT_THUMB2

/* cbz saves an instruction and takes r0 to r7 only. For a core with an FPU the compiler finds none of them
 * free in the larger loop, so there the run's end is left by a compare and a branch. */
#ifdef __ARM_FP
#define THUMB2_VALUE "=&r"
#define THUMB2_LEAVE "cmp %[x], #0\nbeq 2f\n"
#else
#define THUMB2_VALUE "=&l"
#define THUMB2_LEAVE "cbz %[x], 2f\n"
#endif

#define THUMB2_ROW                 \
  "ldrsb %[u], [%[r], #1]\n"       \
  "ldrsb %[w], [%[r], #2]\n"       \
  "mla %[s1], %[x], %[u], %[s1]\n" \
  "mla %[s2], %[x], %[w], %[s2]\n" \
  "ldrsb %[u], [%[r], #3]\n"       \
  "ldrsb %[w], [%[r], #4]\n"       \
  "mla %[s3], %[x], %[u], %[s3]\n" \
  "mla %[s4], %[x], %[w], %[s4]\n" \
  "ldrsb %[u], [%[r], #5]\n"       \
  "ldrsb %[w], [%[r], #6]\n"       \
  "mla %[s5], %[x], %[u], %[s5]\n" \
  "mla %[s6], %[x], %[w], %[s6]\n" \
  "ldrsb %[u], [%[r], #7]\n"       \
  "ldrsb %[w], [%[r]], #8\n"       \
  "mla %[s7], %[x], %[u], %[s7]\n" \
  "mla %[s0], %[x], %[w], %[s0]\n"

/* All runs of the portable kernel: `list` (const int16_t *) is behind its first element, `row` (const int8_t
 * *) at the weights of the first run. */
#define THUMB2_RUNS(list, row, sum0, sum1, sum2, sum3, sum4, sum5, sum6, sum7)                            \
  do {                                                                                                    \
    int32_t value_, weight_, other_;                                                                      \
    __asm__ volatile(                                                                                     \
        "0: ldrsh %[x], [%[v]], #2\n"                                                                     \
        "1:\n" THUMB2_ROW "ldrsh %[x], [%[v]], #2\n" THUMB2_LEAVE THUMB2_ROW                              \
        "ldrsh %[x], [%[v]], #2\n"                                                                        \
        "cmp %[x], #0\n"                                                                                  \
        "bne 1b\n"                                                                                        \
        "2: ldrh %[x], [%[v]], #2\n"                                                                      \
        "cmp %[x], #0\n"                                                                                  \
        "add %[r], %[r], %[x], lsl #3\n"                                                                  \
        "bne 0b\n"                                                                                        \
        : [v] "+r"(list), [r] "+r"(row), [x] THUMB2_VALUE(value_), [u] "=&r"(weight_), [w] "=&r"(other_), \
          [s0] "+r"(sum0), [s1] "+r"(sum1), [s2] "+r"(sum2), [s3] "+r"(sum3), [s4] "+r"(sum4),            \
          [s5] "+r"(sum5), [s6] "+r"(sum6), [s7] "+r"(sum7)                                               \
        :                                                                                                 \
        : "cc", "memory");                                                                                \
  } while (0)

#ifdef __ARM_FEATURE_DSP
#define THUMB2_PAIRED_ROW            \
  "ldrd %[u], %[w], [%[r]], #8\n"    \
  "smlad %[t0], %[u], %[x], %[t0]\n" \
  "sxtb16 %[u], %[u]\n"              \
  "smlad %[a0], %[u], %[x], %[a0]\n" \
  "smlad %[t1], %[w], %[x], %[t1]\n" \
  "sxtb16 %[w], %[w]\n"              \
  "smlad %[a1], %[w], %[x], %[a1]\n" \
  "ldrd %[u], %[w], [%[r]], #8\n"    \
  "smlad %[t2], %[u], %[x], %[t2]\n" \
  "sxtb16 %[u], %[u]\n"              \
  "smlad %[a2], %[u], %[x], %[a2]\n" \
  "smlad %[t3], %[w], %[x], %[t3]\n" \
  "sxtb16 %[w], %[w]\n"              \
  "smlad %[a3], %[w], %[x], %[a3]\n"

/* All runs of the dsp kernel with paired weights: `list` (const uint32_t *) is behind its first element,
 * `row` (const uint32_t *) at the weights of the first run. */
#define THUMB2_PAIRED_RUNS(list, row, lower0, total0, lower1, total1, lower2, total2, lower3, total3)     \
  do {                                                                                                    \
    uint32_t value_, weight_, other_;                                                                     \
    __asm__ volatile(                                                                                     \
        "0: ldr %[x], [%[v]], #4\n"                                                                       \
        "1:\n" THUMB2_PAIRED_ROW "ldr %[x], [%[v]], #4\n" THUMB2_LEAVE THUMB2_PAIRED_ROW                  \
        "ldr %[x], [%[v]], #4\n"                                                                          \
        "cmp %[x], #0\n"                                                                                  \
        "bne 1b\n"                                                                                        \
        "2: ldr %[x], [%[v]], #4\n"                                                                       \
        "cmp %[x], #0\n"                                                                                  \
        "add %[r], %[r], %[x], lsl #4\n"                                                                  \
        "bne 0b\n"                                                                                        \
        : [v] "+r"(list), [r] "+r"(row), [x] THUMB2_VALUE(value_), [u] "=&r"(weight_), [w] "=&r"(other_), \
          [a0] "+r"(lower0), [t0] "+r"(total0), [a1] "+r"(lower1), [t1] "+r"(total1), [a2] "+r"(lower2),  \
          [t2] "+r"(total2), [a3] "+r"(lower3), [t3] "+r"(total3)                                         \
        :                                                                                                 \
        : "cc", "memory");                                                                                \
  } while (0)
#endif
#endif

#endif

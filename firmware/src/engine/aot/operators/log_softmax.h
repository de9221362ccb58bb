/* LOG_SOFTMAX, int8 to int8 (scale 1/16, zero point 127), bit-exact with TensorFlow Lite Micro's reference kernel. */
#ifndef BOARDPROOF_ENGINE_AOT_OPERATORS_LOG_SOFTMAX_H
#define BOARDPROOF_ENGINE_AOT_OPERATORS_LOG_SOFTMAX_H

#include <stdint.h>

#include "../flash.h"

typedef struct {
  uint32_t rows;
  int32_t multiplier;       /* 2^30 to 2^31 - 1 */
  int32_t least_difference; /* <= 0: what lies further below the row's largest value counts as zero */
  int32_t back;             /* from scaled differences back: see aot_channel_t */
  int32_t back_right_shift; /* likewise, 0 to 31 */
  uint16_t depth;           /* values a row, 1 to 4095 */
  uint8_t left_shift;       /* a difference times 2^left_shift fits int32 where it counts */
} aot_log_softmax_t;

/* Input and output hold rows * depth values and may not overlap. */
void aot_log_softmax(const MODEL_FLASH aot_log_softmax_t *op, const int8_t *input, int8_t *output);

#endif

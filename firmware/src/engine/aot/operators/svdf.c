/* SVDF for any core. A filter's activation, its history and its share of the output follow each other, so that no sums
 * are stored between. */
#include "svdf.h"

#include <stddef.h>

#include "../arithmetic/fixed_point.h"

static int32_t clamp(int32_t value, int32_t least, int32_t most) {
  return value < least ? least : value > most ? most : value;
}

static uint32_t step_int8(const MODEL_FLASH aot_svdf_t *op, uint32_t at, int32_t newest, void *state) {
  const MODEL_FLASH int8_t *const weights = op->time_int8 + at;
  int8_t *const history = (int8_t *)state + at;
  const int32_t zero = op->state_zero;
  const uint16_t last = (uint16_t)(op->memory - 1u);
  uint32_t sum = 0;
  for (uint16_t i = 0; i < last; ++i) {
    history[i] = history[i + 1];
    sum += (uint32_t)((int32_t)weights[i] * (history[i] - zero));
  }
  history[last] =
      (int8_t)(uint8_t)(clamp(newest, INT8_MIN, INT8_MAX) + zero); /* it wraps, as the oracle's does */
  return sum + (uint32_t)((int32_t)weights[last] * (history[last] - zero));
}

static uint32_t step_int16(const MODEL_FLASH aot_svdf_t *op, uint32_t at, int32_t newest, void *state) {
  const MODEL_FLASH int16_t *const weights = op->time_int16 + at;
  int16_t *const history = (int16_t *)state + at;
  const int32_t zero = op->state_zero;
  const uint16_t last = (uint16_t)(op->memory - 1u);
  uint32_t sum = 0;
  for (uint16_t i = 0; i < last; ++i) {
    history[i] = history[i + 1];
    sum += (uint32_t)(int32_t)weights[i] * (uint32_t)(history[i] - zero);
  }
  history[last] = (int16_t)(uint16_t)(clamp(newest, INT16_MIN, INT16_MAX) + zero);
  return sum + (uint32_t)(int32_t)weights[last] * (uint32_t)(history[last] - zero);
}

/* The state of a batch begins at `state`; the time weights of a filter lie as far in as its history. */
typedef uint32_t (*step_t)(const MODEL_FLASH aot_svdf_t *op, uint32_t at, int32_t newest, void *state);

static inline void filters(const MODEL_FLASH aot_svdf_t *op, const int8_t *input, int8_t *output,
                           uint8_t *state, uint8_t width, step_t step, aot_dot_t dot) {
  const uint16_t batches = op->batches;
  const uint16_t outputs = op->outputs;
  const uint16_t inputs = op->inputs;
  const uint16_t rank = op->rank;
  for (uint16_t batch = 0; batch < batches; ++batch) {
    const MODEL_FLASH int8_t *weights = op->features;
    const MODEL_FLASH int32_t *constant = op->constants;
    uint32_t at = 0;
    for (uint16_t unit = 0; unit < outputs; ++unit) {
      uint32_t sum = (uint32_t)op->bias[unit];
      for (uint16_t filter = 0; filter < rank; ++filter) {
        const int32_t activation = aot_signed(dot(weights, input, inputs, (uint32_t)*constant++));
        sum += step(op, at, aot_scale(activation, op->into_state, op->into_state_shift), state);
        weights += inputs;
        at += op->memory;
      }
      const int32_t scaled = aot_scale(aot_signed(sum), op->into_output, op->into_output_shift);
      *output++ = (int8_t)clamp(aot_signed((uint32_t)scaled + (uint32_t)(int32_t)op->output_zero), INT8_MIN,
                                INT8_MAX);
    }
    input += inputs;
    state += (size_t)at * width;
  }
}

void aot_svdf_int8(const MODEL_FLASH aot_svdf_t *op, const int8_t *input, int8_t *output, void *state,
                   aot_dot_t dot) {
  filters(op, input, output, state, sizeof(int8_t), step_int8, dot);
}

void aot_svdf_int16(const MODEL_FLASH aot_svdf_t *op, const int8_t *input, int8_t *output, void *state,
                    aot_dot_t dot) {
  filters(op, input, output, state, sizeof(int16_t), step_int16, dot);
}

void aot_svdf_int8_portable(const MODEL_FLASH aot_svdf_t *op, const int8_t *input, int8_t *output,
                            void *state) {
  aot_svdf_int8(op, input, output, state, aot_dot);
}

void aot_svdf_int16_portable(const MODEL_FLASH aot_svdf_t *op, const int8_t *input, int8_t *output,
                             void *state) {
  aot_svdf_int16(op, input, output, state, aot_dot);
}

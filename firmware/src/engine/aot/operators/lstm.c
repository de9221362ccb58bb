/* An LSTM for any core. A unit's four gates, its cell and its output follow each other: the outputs of a step go to their
 * place at once, and become the state when all units have read the former one. So there are no buffers between. */
#include "lstm.h"

#include <stddef.h>
#include <string.h>

#include "../arithmetic/fixed_point.h"

enum { INPUT, FORGET, CELL, OUTPUT };
enum { KEPT, ADDED, GIVEN };

static int32_t clamp(int32_t value, int32_t least, int32_t most) {
  return value < least ? least : value > most ? most : value;
}

static int32_t saturate(int32_t value) { return clamp(value, INT16_MIN, INT16_MAX); }

/* The table at `size`, which has `bits` bits below an entry; `most` from entry 255 on. */
static int32_t interpolate(const MODEL_FLASH uint16_t *table, uint32_t size, uint8_t bits, int32_t most) {
  const uint32_t place = size >> bits;
  if (place >= 255u) {
    return most;
  }
  const uint32_t entry = table[place];
  const uint32_t part = size & (((uint32_t)1 << bits) - 1u);
  return (int32_t)((entry << bits) + part * (table[place + 1u] - entry));
}

static uint32_t size_of(int32_t value) { return value < 0 ? 0u - (uint32_t)value : (uint32_t)value; }

/* From 1/4096 to 1/32768, as reference_integer_ops::Logistic. */
static int32_t sigmoid(const MODEL_FLASH aot_lstm_t *op, int32_t value) {
  const int32_t found = interpolate(op->sigmoid, size_of(3 * value), 9, (int32_t)0x7fff << 10);
  const int32_t half = (int32_t)1 << 9;
  return (value >= 0 ? found + half : ((int32_t)1 << 25) - found + half - 1) >> 10;
}

/* `value` is three times what it stands for; from 1/4096 to 1/32768, as reference_integer_ops::Tanh. */
static int32_t hyperbolic_tangent(const MODEL_FLASH aot_lstm_t *op, int32_t value) {
  const int32_t found = interpolate(op->sigmoid, size_of(value), 8, (int32_t)0xffff << 8);
  const int32_t half = (int32_t)1 << 7;
  const int32_t one = (int32_t)1 << 23;
  return (value >= 0 ? found - one + half : one - found + half - 1) >> 8;
}

/* The sum of a gate, in 1/4096. `weights` are those of the unit and gate. */
static int32_t gate_sum(const MODEL_FLASH aot_lstm_t *op, uint8_t gate, const MODEL_FLASH int8_t *weights,
                        const MODEL_FLASH int32_t *constants, const int8_t *input, const int8_t *hidden,
                        aot_dot_t dot) {
  const uint16_t inputs = op->inputs;
  const uint32_t from_input = dot(weights, input, inputs, (uint32_t)constants[0]);
  const uint32_t from_state = dot(weights + inputs, hidden, op->units, (uint32_t)constants[1]);
  const uint8_t at = (uint8_t)(2u * gate);
  const int32_t first = aot_scale(aot_signed(from_input), op->gates[at], op->gate_shifts[at]);
  const int32_t second = aot_scale(aot_signed(from_state), op->gates[at + 1], op->gate_shifts[at + 1]);
  return saturate(saturate(first) + saturate(second));
}

static int32_t product(const MODEL_FLASH aot_lstm_t *op, uint8_t which, int32_t a, int32_t b) {
  return aot_scale(a * b, op->products[which], op->product_shifts[which]);
}

static int32_t shifted(int32_t value, int16_t left) {
  if (left >= 0) {
    return value * ((int32_t)3 << left);
  }
  return (3 * value + ((int32_t)1 << (-left - 1))) >> -left;
}

/* The output of a unit, whose cell goes on by a step. */
static int8_t unit_step(const MODEL_FLASH aot_lstm_t *op, uint16_t unit, const int8_t *input,
                        const int8_t *hidden, int16_t *cell, aot_dot_t dot) {
  const size_t row = (size_t)op->inputs + op->units;
  const MODEL_FLASH int8_t *weights = op->weights + AOT_LSTM_GATES * row * unit;
  const MODEL_FLASH int32_t *constants = op->constants + (size_t)2 * AOT_LSTM_GATES * unit;
  int32_t gates[AOT_LSTM_GATES];
  for (uint8_t gate = 0; gate < AOT_LSTM_GATES; ++gate) {
    const int32_t sum = gate_sum(op, gate, weights, constants, input, hidden, dot);
    gates[gate] = gate == CELL ? hyperbolic_tangent(op, 3 * sum) : sigmoid(op, sum);
    weights += row;
    constants += 2;
  }
  const int32_t kept = saturate(product(op, KEPT, gates[FORGET], *cell));
  const int32_t sum = saturate(kept + saturate(product(op, ADDED, gates[INPUT], gates[CELL])));
  const int32_t clip = op->cell_clip;
  *cell = (int16_t)clamp(sum, -clip, clip);
  const int32_t given =
      product(op, GIVEN, hyperbolic_tangent(op, shifted(*cell, op->cell_shift)), gates[OUTPUT]);
  return (int8_t)clamp(aot_signed((uint32_t)given + (uint32_t)(int32_t)op->output_zero), INT8_MIN, INT8_MAX);
}

void aot_lstm(const MODEL_FLASH aot_lstm_t *op, const int8_t *input, int8_t *output, void *hidden, void *cell,
              aot_dot_t dot) {
  const uint16_t batches = op->batches;
  const uint16_t steps = op->steps;
  const size_t inputs = op->inputs;
  const size_t units = op->units;
  for (uint16_t batch = 0; batch < batches; ++batch) {
    int8_t *const state = (int8_t *)hidden + batch * units;
    int16_t *const cells = (int16_t *)cell + batch * units;
    size_t row = (size_t)batch * op->batch_rows;
    for (uint16_t step = 0; step < steps; ++step) {
      int8_t *const outputs = output + row * units;
      for (uint16_t unit = 0; unit < units; ++unit) {
        outputs[unit] = unit_step(op, unit, input + row * inputs, state, cells + unit, dot);
      }
      memcpy(state, outputs, units);
      row += op->step_rows;
    }
  }
}

void aot_lstm_portable(const MODEL_FLASH aot_lstm_t *op, const int8_t *input, int8_t *output, void *hidden,
                       void *cell) {
  aot_lstm(op, input, output, hidden, cell, aot_dot);
}

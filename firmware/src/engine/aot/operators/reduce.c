/* Reductions for any core: the loops once, and what becomes of the values of an output. */
#include "reduce.h"

#include <stddef.h>

#include "../arithmetic/fixed_point.h"

typedef struct {
  int32_t sum;
  int32_t index; /* of the value that is kept, among those of the output */
  int8_t value;
} found_t;

static inline found_t reduce(const MODEL_FLASH aot_reduce_t *op, const int8_t *input, int8_t sign) {
  const uint32_t count = op->reduced[2];
  const int32_t stride = op->reduced_strides[2];
  found_t found = {0, 0, *input};
  int32_t index = 0;
  for (uint32_t outer = 0; outer < op->reduced[0]; ++outer) {
    const int8_t *middle = input + (int32_t)outer * op->reduced_strides[0];
    for (uint32_t row = 0; row < op->reduced[1]; ++row) {
      const int8_t *value = middle;
      for (uint32_t i = 0; i < count; ++i) {
        if (sign == 0) {
          found.sum += *value;
        } else if (sign > 0 ? *value > found.value : *value < found.value) {
          found.value = *value;
          found.index = index;
        }
        value += stride;
        ++index;
      }
      middle += op->reduced_strides[1];
    }
  }
  return found;
}

/* What of an output is written, and where. */
typedef void (*write_t)(const MODEL_FLASH aot_reduce_t *op, found_t found, void *output, size_t at);

static inline void walk(const MODEL_FLASH aot_reduce_t *op, const int8_t *input, void *output, int8_t sign,
                        write_t write) {
  size_t at = 0;
  for (uint32_t outer = 0; outer < op->kept[0]; ++outer) {
    for (uint32_t middle = 0; middle < op->kept[1]; ++middle) {
      const int8_t *first =
          input + (int32_t)outer * op->kept_strides[0] + (int32_t)middle * op->kept_strides[1];
      for (uint32_t i = 0; i < op->kept[2]; ++i) {
        write(op, reduce(op, first, sign), output, at++);
        first += op->kept_strides[2];
      }
    }
  }
}

static void write_sum(const MODEL_FLASH aot_reduce_t *op, found_t found, void *output, size_t at) {
  const int32_t scaled = aot_scale(found.sum - op->input_zero, op->multiplier, op->right_shift);
  int32_t result = aot_signed((uint32_t)scaled + (uint32_t)(int32_t)op->output_zero);
  result = result < INT8_MIN ? INT8_MIN : result;
  ((int8_t *)output)[at] = (int8_t)(result > INT8_MAX ? INT8_MAX : result);
}

static void write_value(const MODEL_FLASH aot_reduce_t *op, found_t found, void *output, size_t at) {
  (void)op;
  ((int8_t *)output)[at] = found.value;
}

static void write_index(const MODEL_FLASH aot_reduce_t *op, found_t found, void *output, size_t at) {
  (void)op;
  ((int32_t *)output)[at] = found.index;
}

void aot_mean(const MODEL_FLASH aot_reduce_t *op, const int8_t *input, int8_t *output) {
  walk(op, input, output, 0, write_sum);
}

void aot_sum(const MODEL_FLASH aot_reduce_t *op, const int8_t *input, int8_t *output) {
  walk(op, input, output, 0, write_sum);
}

void aot_reduce_max(const MODEL_FLASH aot_reduce_t *op, const int8_t *input, int8_t *output) {
  walk(op, input, output, 1, write_value);
}

void aot_reduce_min(const MODEL_FLASH aot_reduce_t *op, const int8_t *input, int8_t *output) {
  walk(op, input, output, -1, write_value);
}

void aot_arg_max(const MODEL_FLASH aot_reduce_t *op, const int8_t *input, void *output) {
  walk(op, input, output, 1, write_index);
}

void aot_arg_min(const MODEL_FLASH aot_reduce_t *op, const int8_t *input, void *output) {
  walk(op, input, output, -1, write_index);
}

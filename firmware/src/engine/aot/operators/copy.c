/* Copies for any core. */
#include "copy.h"

#include <stddef.h>
#include <string.h>

static void fill(const MODEL_FLASH aot_copy_t *op, uint8_t *output) {
  const size_t size = op->fill_bytes;
  if (size == 1) {
    memset(output, op->fill[0], (size_t)op->fill_count);
    return;
  }
  for (uint32_t i = 0; i < op->fill_count; ++i) {
    for (size_t byte = 0; byte < size; ++byte) {
      *output++ = op->fill[byte];
    }
  }
}

/* One run, from RAM or, where `source` is NULL, from the constant at `offset`. */
static inline void copy_run(const MODEL_FLASH aot_copy_t *op, const uint8_t *source, int32_t offset,
                            uint8_t *output, size_t run) {
  if (source == NULL) {
    const MODEL_FLASH uint8_t *from = op->constant + offset;
    for (size_t i = 0; i < run; ++i) {
      output[i] = from[i];
    }
  } else if (run == 1) {
    *output = source[offset];
  } else {
    memcpy(output, source + offset, run);
  }
}

static void copy(const MODEL_FLASH aot_copy_t *op, const uint8_t *source, uint8_t *output) {
  const size_t run = (size_t)op->run;
  const uint32_t inner = op->extents[AOT_COPY_LOOPS - 1];
  const int32_t inner_source = op->source_strides[AOT_COPY_LOOPS - 1];
  const int32_t inner_output = op->output_strides[AOT_COPY_LOOPS - 1];
  uint32_t at[AOT_COPY_LOOPS - 1] = {0};
  int32_t from = (int32_t)op->source_offset;
  int32_t to = (int32_t)op->output_offset;
  for (;;) {
    int32_t inner_from = from;
    int32_t inner_to = to;
    for (uint32_t i = 0; i < inner; ++i) {
      copy_run(op, source, inner_from, output + inner_to, run);
      inner_from += inner_source;
      inner_to += inner_output;
    }
    uint8_t loop = AOT_COPY_LOOPS - 1;
    do { /* the odometer: the last loop that is not at its end goes on, those within begin again */
      if (loop == 0) {
        return;
      }
      --loop;
      from += op->source_strides[loop];
      to += op->output_strides[loop];
      if (++at[loop] < op->extents[loop]) {
        break;
      }
      from -= op->source_strides[loop] * (int32_t)op->extents[loop];
      to -= op->output_strides[loop] * (int32_t)op->extents[loop];
      at[loop] = 0;
    } while (1);
  }
}

void aot_copy(const MODEL_FLASH aot_copy_t *op, const void *source, void *output) {
  if (op->fill_count != 0) {
    fill(op, output);
  }
  if (op->run != 0) {
    copy(op, source, output);
  }
}

void aot_copy_constant(const MODEL_FLASH aot_copy_t *op, void *output) {
  if (op->fill_count != 0) {
    fill(op, output);
  }
  if (op->run != 0) {
    copy(op, NULL, output);
  }
}

#include "app/config.h"
#include "app/handlers/handlers.h"
#include "app/reply.h"
#include "app/request.h"
#include "app/state.h"
#include "hal/hal.h"
#include "model_config.h"
#include "protocol/crc32.h"
#include "protocol/messages.h"

/* Ends an answer that was written while the engine ran. Where an operator failed, what was written is no answer,
 * and the error is the only one. */
static void end_answer(frame_writer_t *writer, uint32_t seq, engine_status_t status,
                       const engine_fault_t *fault) {
  if (status == ENGINE_OK) {
    frame_writer_end(writer);
  } else {
    frame_writer_cancel(writer);
    reply_engine_error(seq, status, fault);
  }
}

/* Closes the operator's measured section, writes the output's entry, opens the next section. */
static void write_entry(void *context, uint16_t op, uint8_t output, const void *data, size_t bytes) {
  const uint32_t ticks = hal_measure_end();
  const message_profile_entry_t entry = {
      .op = op,
      .output = output,
      .ticks = output == 0 ? ticks : 0,
      .size = (uint32_t)bytes,
      .crc = crc32_update(0, (const uint8_t *)data, bytes),
  };
  message_write_profile_entry(&entry, frame_writer_put, context);
  hal_flush(); /* what is sent by interrupts would count as the next operator's */
  hal_measure_begin();
}

/* A look inside begins at the model's start. Where the session keeps state it is refused: it would change that. */
static bool may_look(const frame_t *frame) {
  if (!app.keeps) return true;
  reply_error(frame->seq, PROTOCOL_ERROR_CODE_KEEPS_STATE, 0, 0);
  return false;
}

void handle_profile(const frame_t *frame) {
  if (!may_look(frame)) return;
  if (!request_has_inputs()) {
    reply_error(frame->seq, PROTOCOL_ERROR_CODE_BAD_LENGTH, MODEL_INPUT_BYTES, (uint32_t)frame->length);
    return;
  }
  frame_writer_t writer;
  engine_fault_t fault = {0, 0};
  const engine_hook_t hook = {.after_op = write_entry, .context = &writer};
  reply_begin(&writer, MESSAGE_PROFILE_ANSWER, frame->seq);
  engine_reset();
  hal_measure_begin();
  const engine_status_t status = engine_invoke(&hook, &fault);
  (void)hal_measure_end();
  end_answer(&writer, frame->seq, status, &fault);
}

typedef struct {
  frame_writer_t writer;
  message_layer_t wanted;
  uint32_t seq;
  bool found; /* the answer is begun */
} layer_t;

static void write_part(void *context, uint16_t op, uint8_t output, const void *data, size_t bytes) {
  layer_t *const layer = (layer_t *)context;
  const message_layer_t *const wanted = &layer->wanted;
  if (layer->found || op != wanted->op || output != wanted->output) return;
  layer->found = true;
  reply_begin(&layer->writer, MESSAGE_LAYER_ANSWER, layer->seq);
  if (wanted->offset >= bytes) return;
  size_t length = bytes - (size_t)wanted->offset;
  if (length > wanted->length) length = (size_t)wanted->length;
  if (length > APP_LONGEST_ANSWER) length = APP_LONGEST_ANSWER;
  frame_writer_put(&layer->writer, (const uint8_t *)data + wanted->offset, length);
}

void handle_layer(const frame_t *frame) {
  layer_t layer = {.seq = frame->seq, .found = false};
  if (!may_look(frame)) return;
  if (!message_read_layer(request_head(), frame->length, &layer.wanted) || !request_has_inputs()) {
    reply_error(frame->seq, PROTOCOL_ERROR_CODE_BAD_LENGTH, APP_LAYER_REQUEST_BYTES, (uint32_t)frame->length);
    return;
  }
  engine_fault_t fault = {0, 0};
  const engine_hook_t hook = {.after_op = write_part, .context = &layer};
  engine_reset();
  const engine_status_t status = engine_invoke(&hook, &fault);
  if (layer.found) {
    end_answer(&layer.writer, frame->seq, status, &fault);
  } else if (status != ENGINE_OK) {
    reply_engine_error(frame->seq, status, &fault);
  } else {
    reply_error(frame->seq, PROTOCOL_ERROR_CODE_BAD_PAYLOAD, 0, 0);
  }
}

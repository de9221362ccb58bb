/* Rendered by firmware/generate_protocol.py from firmware/protocol.toml; edit that. */
#ifndef BOARDPROOF_PROTOCOL_MESSAGES_H
#define BOARDPROOF_PROTOCOL_MESSAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define PROTOCOL_VERSION 2u
/* Bytes of a frame beside its payload, before COBS. */
#define PROTOCOL_FRAME_OVERHEAD 9u
/* Longest text field, in bytes. */
#define PROTOCOL_TEXT_MAX 32u
/* Most answers that a board remembers; it says in hello how many. */
#define PROTOCOL_ANSWERS_KEPT 16u
/* Bytes of an operator's output that every board gives in one answer: it keeps no copy of them. */
#define PROTOCOL_LAYER_BYTES 2048u
/* Longest payload of an echo, in bytes: every board takes as much. */
#define PROTOCOL_ECHO_MAX 64u

/* What `ticks` counts. */
enum {
  PROTOCOL_TICK_UNIT_CYCLES = 0, /* Core clock cycles at clock_hz. */
  PROTOCOL_TICK_UNIT_MICROSECONDS = 1, /* Microseconds of the board's clock. */
  PROTOCOL_TICK_UNIT_INSTRUCTIONS = 2, /* Instructions counted by an emulator: never a time. */
};

/* Bits of hello's `features`. */
enum {
  PROTOCOL_FEATURE_PACKED_INPUT = 1, /* The board takes infer_packed. */
  PROTOCOL_FEATURE_PROFILE = 2, /* The board takes profile and layer. */
  PROTOCOL_FEATURE_BAUD = 4, /* The link has a rate and the board can change it. */
  PROTOCOL_FEATURE_STATE = 8, /* The model keeps state from one inference to the next, and the board takes keep_state. */
};

/* Which edge of the model a tensor is. */
enum {
  PROTOCOL_TENSOR_ROLE_INPUT = 0, /* Written before an inference. */
  PROTOCOL_TENSOR_ROLE_OUTPUT = 1, /* Read after it. */
};

/* Element types, with the numbers of the .tflite schema; little-endian. */
enum {
  PROTOCOL_TENSOR_TYPE_FLOAT32 = 0, /* IEEE 754 single. */
  PROTOCOL_TENSOR_TYPE_INT32 = 2, /* Four bytes, signed. */
  PROTOCOL_TENSOR_TYPE_UINT8 = 3, /* One byte, unsigned. */
  PROTOCOL_TENSOR_TYPE_BOOL = 6, /* One byte, 0 or 1. */
  PROTOCOL_TENSOR_TYPE_INT16 = 7, /* Two bytes, signed. */
  PROTOCOL_TENSOR_TYPE_INT8 = 9, /* One byte, signed. */
};

/* Why a request failed. */
enum {
  PROTOCOL_ERROR_CODE_UNKNOWN_TYPE = 1, /* The board does not know this message type (detail: the type). */
  PROTOCOL_ERROR_CODE_BAD_LENGTH = 2, /* The payload's length is wrong (detail: expected, got). */
  PROTOCOL_ERROR_CODE_BAD_PAYLOAD = 3, /* A packed input does not unpack to the inputs' size, or there is no such operator or output. */
  PROTOCOL_ERROR_CODE_NO_SESSION = 4, /* No hello since the board started: say hello, then ask again. */
  PROTOCOL_ERROR_CODE_VERSION_MISMATCH = 5, /* Another protocol version (detail: board's, host's). */
  PROTOCOL_ERROR_CODE_BAUD_REFUSED = 6, /* The board cannot take this rate (detail: rate). */
  PROTOCOL_ERROR_CODE_KEEPS_STATE = 7, /* The session keeps state, which a look inside would change. */
  PROTOCOL_ERROR_CODE_OUT_OF_ORDER = 8, /* The session keeps state, and an infer before this one is missing (detail: expected seq, got). */
  PROTOCOL_ERROR_CODE_ENGINE_ARENA = 17, /* The arena is too small (detail: needed, given, in bytes). */
  PROTOCOL_ERROR_CODE_ENGINE_OP = 18, /* An operator is not registered (detail: builtin code, index). */
  PROTOCOL_ERROR_CODE_ENGINE_SCHEMA = 19, /* The model's schema version differs (detail: needed, given). */
  PROTOCOL_ERROR_CODE_ENGINE_MODEL = 20, /* The model is not what the firmware was configured for. */
  PROTOCOL_ERROR_CODE_ENGINE_INVOKE = 21, /* An operator failed (detail: 0, index). */
};

/* Message types. */
enum {
  MESSAGE_HELLO = 0x01, /* Opens a session: clears the answers kept, the digest and the counters. */
  MESSAGE_HELLO_ANSWER = 0x81, /* Who the board is. */
  MESSAGE_INFER = 0x02, /* Runs the model once on inputs as they are. */
  MESSAGE_INFER_PACKED = 0x03, /* Runs the model once on packed inputs (docs/PROTOCOL.md, 'Packed inputs'). Answered by infer_answer. */
  MESSAGE_INFER_ANSWER = 0x82, /* The outputs, what they cost, and which inputs they belong to. */
  MESSAGE_PROFILE = 0x04, /* Runs the model once and looks behind every operator. Not kept for repetition. */
  MESSAGE_PROFILE_ANSWER = 0x84, /* An entry for each output of each operator, in execution order. */
  MESSAGE_STATUS = 0x05, /* Asks for the session's counters. */
  MESSAGE_STATUS_ANSWER = 0x85, /* What the board counted since hello. */
  MESSAGE_ECHO = 0x06, /* Returns its payload: the self-test of a line rate. */
  MESSAGE_ECHO_ANSWER = 0x86, /* The payload of the request. */
  MESSAGE_SET_BAUD = 0x07, /* Answers at the present rate, then changes; falls back unless an echo arrives within 500 ms. */
  MESSAGE_SET_BAUD_ANSWER = 0x87, /* The board changes its rate when this answer has left. */
  MESSAGE_OPS = 0x08, /* Asks which operators the model has. */
  MESSAGE_OPS_ANSWER = 0x88, /* As many operators as fit into the longest answer. */
  MESSAGE_LAYER = 0x09, /* Runs the model once and shows values of one operator's output. Not kept for repetition. */
  MESSAGE_LAYER_ANSWER = 0x89, /* Bytes of an operator's output, cut at its end and at the longest answer. */
  MESSAGE_KEEP_STATE = 0x0a, /* Puts the model's state back to the start and keeps it from infer to infer, until hello. A repeated one does nothing. */
  MESSAGE_KEEP_STATE_ANSWER = 0x8a, /* The next infer is the first of a sequence. */
  MESSAGE_ERROR = 0xff, /* The answer to a request that failed, with the request's seq. */
};

/* Takes the next `length` bytes of a payload. */
typedef void (*message_put_t)(void *to, const uint8_t *bytes, size_t length);

/* MESSAGE_..._FIXED_BYTES: bytes that every such message or record has, without a `rest` and what texts and lists hold
 * beside their counts. */

/* Writes a list: its u8 count, then its records. */
typedef void (*message_list_t)(message_put_t put, void *to);

static inline void message_put_u8(message_put_t put, void *to, uint8_t value) { put(to, &value, 1u); }

static inline void message_put_u16(message_put_t put, void *to, uint16_t value) {
  const uint8_t bytes[2] = {(uint8_t)(value & 0xffu), (uint8_t)(value >> 8)};
  put(to, bytes, 2u);
}

static inline void message_put_u32(message_put_t put, void *to, uint32_t value) {
  const uint8_t bytes[4] = {(uint8_t)(value & 0xffu), (uint8_t)((value >> 8) & 0xffu),
                            (uint8_t)((value >> 16) & 0xffu), (uint8_t)(value >> 24)};
  put(to, bytes, 4u);
}

static inline void message_put_i32(message_put_t put, void *to, int32_t value) {
  message_put_u32(put, to, (uint32_t)value);
}

static inline void message_put_f32(message_put_t put, void *to, float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  message_put_u32(put, to, bits);
}

static inline void message_put_u32s(message_put_t put, void *to, const uint32_t *values, uint8_t count) {
  message_put_u8(put, to, count);
  for (uint8_t i = 0; i < count; i++) message_put_u32(put, to, values[i]);
}

/* Texts longer than PROTOCOL_TEXT_MAX are cut there. */
static inline void message_put_text(message_put_t put, void *to, const char *text) {
  size_t length = strlen(text);
  if (length > PROTOCOL_TEXT_MAX) length = PROTOCOL_TEXT_MAX;
  message_put_u8(put, to, (uint8_t)length);
  put(to, (const uint8_t *)text, length);
}

static inline uint8_t message_get_u8(const uint8_t *p) { return p[0]; }

static inline uint16_t message_get_u16(const uint8_t *p) {
  return (uint16_t)((uint16_t)p[0] | (uint16_t)((uint16_t)p[1] << 8));
}

static inline uint32_t message_get_u32(const uint8_t *p) {
  return (uint32_t)p[0] | ((uint32_t)p[1] << 8) | ((uint32_t)p[2] << 16) | ((uint32_t)p[3] << 24);
}

/* An input or output of the model. */
#define MESSAGE_TENSOR_FIXED_BYTES 12u
typedef struct {
  uint8_t role; /* Enum tensor_role. */
  uint8_t type; /* Enum tensor_type. */
  const uint32_t *dims; /* Shape, batch included. */
  uint8_t dims_count;
  uint8_t quantized; /* 1: real value = scale * (q - zero_point); 0: the next two are 0. */
  float scale; /* Scale. */
  int32_t zero_point; /* Zero point. */
} message_tensor_t;

/* Hands one tensor to `put`, piece by piece. */
static inline void message_write_tensor(const message_tensor_t *m, message_put_t put, void *to) {
  message_put_u8(put, to, m->role);
  message_put_u8(put, to, m->type);
  message_put_u32s(put, to, m->dims, m->dims_count);
  message_put_u8(put, to, m->quantized);
  message_put_f32(put, to, m->scale);
  message_put_i32(put, to, m->zero_point);
}

/* An output of an operator in a profiled inference. */
#define MESSAGE_PROFILE_ENTRY_FIXED_BYTES 15u
typedef struct {
  uint16_t op; /* The operator's index in the model, from 0. */
  uint8_t output; /* Which of its outputs, from 0. */
  uint32_t ticks; /* Cost of the operator in tick_unit; 0 but for its first output. */
  uint32_t size; /* Bytes of the output. */
  uint32_t crc; /* CRC-32 of the output. */
} message_profile_entry_t;

/* Hands one profile_entry to `put`, piece by piece. */
static inline void message_write_profile_entry(const message_profile_entry_t *m, message_put_t put, void *to) {
  message_put_u16(put, to, m->op);
  message_put_u8(put, to, m->output);
  message_put_u32(put, to, m->ticks);
  message_put_u32(put, to, m->size);
  message_put_u32(put, to, m->crc);
}

/* Opens a session: clears the answers kept, the digest and the counters. */
#define MESSAGE_HELLO_FIXED_BYTES 5u
typedef struct {
  uint32_t nonce; /* Random; the answer returns it, so that an old answer is not taken for a new one. */
  uint8_t version; /* The host's protocol version. */
} message_hello_t;

/* Reads the payload of hello; false when its length is wrong. Pointers reach into `p`. */
static inline bool message_read_hello(const uint8_t *p, size_t length, message_hello_t *m) {
  if (length != 5u) return false;
  m->nonce = message_get_u32(p + 0);
  m->version = message_get_u8(p + 4);
  return true;
}

/* Who the board is. */
#define MESSAGE_HELLO_ANSWER_FIXED_BYTES 88u
typedef struct {
  uint32_t nonce; /* From the request. */
  uint8_t version; /* The board's protocol version. */
  uint8_t features; /* Bits of enum feature. */
  uint8_t tick_unit; /* Enum tick_unit. */
  uint8_t answers_kept; /* Requests in flight at most: the board repeats this many answers. */
  uint32_t receive_bytes; /* Bytes on the wire that may wait behind the oldest request in flight. */
  uint32_t clock_hz; /* Core clock in Hz; 0 for an emulator. */
  uint32_t baud; /* Present line rate in baud; 0 where the link has none. */
  const uint8_t *model_sha256; /* 32 bytes. SHA-256 of the .tflite file. */
  const uint8_t *build_id; /* 8 bytes. First 8 bytes of the SHA-256 over the firmware's sources and configuration. */
  uint32_t longest_request; /* Bytes of the longest payload that the board takes. */
  uint32_t longest_answer; /* Bytes of the longest payload that it sends. */
  uint32_t inference_ms; /* Milliseconds that an inference may take, generously; 0 where that is not known. */
  uint16_t op_count; /* Operators of the model. */
  uint32_t ram_used; /* Tensor RAM used by the engine, in bytes. */
  uint32_t ram_given; /* Tensor RAM given to the engine, in bytes. */
  uint8_t packed_fill; /* The byte that packed inputs tell runs of: the first input's zero point where its elements are bytes, else 0. */
  const char *target; /* PlatformIO environment that built the firmware. */
  const char *core; /* Processor core, e.g. cortex-m4. */
  const char *engine; /* aot or tflm. */
  const char *kernels; /* Kernels that were linked. */
  message_list_t tensors; /* The inputs in their order, then the outputs. */
} message_hello_answer_t;

/* Hands the payload of hello_answer to `put`, piece by piece. */
static inline void message_write_hello_answer(const message_hello_answer_t *m, message_put_t put, void *to) {
  message_put_u32(put, to, m->nonce);
  message_put_u8(put, to, m->version);
  message_put_u8(put, to, m->features);
  message_put_u8(put, to, m->tick_unit);
  message_put_u8(put, to, m->answers_kept);
  message_put_u32(put, to, m->receive_bytes);
  message_put_u32(put, to, m->clock_hz);
  message_put_u32(put, to, m->baud);
  put(to, m->model_sha256, 32u);
  put(to, m->build_id, 8u);
  message_put_u32(put, to, m->longest_request);
  message_put_u32(put, to, m->longest_answer);
  message_put_u32(put, to, m->inference_ms);
  message_put_u16(put, to, m->op_count);
  message_put_u32(put, to, m->ram_used);
  message_put_u32(put, to, m->ram_given);
  message_put_u8(put, to, m->packed_fill);
  message_put_text(put, to, m->target);
  message_put_text(put, to, m->core);
  message_put_text(put, to, m->engine);
  message_put_text(put, to, m->kernels);
  m->tensors(put, to);
}

/* Runs the model once on inputs as they are. */
#define MESSAGE_INFER_FIXED_BYTES 0u
typedef struct {
  const uint8_t *input; /* The inputs, one behind the other. */
  size_t input_length;
} message_infer_t;

/* Reads the payload of infer; false when its length is wrong. Pointers reach into `p`. */
static inline bool message_read_infer(const uint8_t *p, size_t length, message_infer_t *m) {
  m->input = p + 0;
  m->input_length = length - 0u;
  return true;
}

/* Runs the model once on packed inputs (docs/PROTOCOL.md, 'Packed inputs'). Answered by infer_answer. */
#define MESSAGE_INFER_PACKED_FIXED_BYTES 0u
typedef struct {
  const uint8_t *packed; /* Unpacks to the inputs, one behind the other. */
  size_t packed_length;
} message_infer_packed_t;

/* Reads the payload of infer_packed; false when its length is wrong. Pointers reach into `p`. */
static inline bool message_read_infer_packed(const uint8_t *p, size_t length, message_infer_packed_t *m) {
  m->packed = p + 0;
  m->packed_length = length - 0u;
  return true;
}

/* The outputs, what they cost, and which inputs they belong to. */
#define MESSAGE_INFER_ANSWER_FIXED_BYTES 8u
typedef struct {
  uint32_t input_crc; /* CRC-32 over the inputs that the engine saw, one behind the other. */
  uint32_t ticks; /* Cost of the inference in tick_unit. */
  const uint8_t *output; /* The outputs, one behind the other. */
  size_t output_length;
} message_infer_answer_t;

/* Hands the payload of infer_answer to `put`, piece by piece. */
static inline void message_write_infer_answer(const message_infer_answer_t *m, message_put_t put, void *to) {
  message_put_u32(put, to, m->input_crc);
  message_put_u32(put, to, m->ticks);
  put(to, m->output, m->output_length);
}

/* Runs the model once and looks behind every operator. Not kept for repetition. */
#define MESSAGE_PROFILE_FIXED_BYTES 0u
typedef struct {
  const uint8_t *input; /* The inputs, one behind the other. */
  size_t input_length;
} message_profile_t;

/* Reads the payload of profile; false when its length is wrong. Pointers reach into `p`. */
static inline bool message_read_profile(const uint8_t *p, size_t length, message_profile_t *m) {
  m->input = p + 0;
  m->input_length = length - 0u;
  return true;
}

/* An entry for each output of each operator, in execution order. */
#define MESSAGE_PROFILE_ANSWER_FIXED_BYTES 0u
typedef struct {
  const uint8_t *entries; /* Records of the name profile_entry, without a count. */
  size_t entries_length;
} message_profile_answer_t;

/* Hands the payload of profile_answer to `put`, piece by piece. */
static inline void message_write_profile_answer(const message_profile_answer_t *m, message_put_t put, void *to) {
  put(to, m->entries, m->entries_length);
}

/* Asks for the session's counters. */
#define MESSAGE_STATUS_FIXED_BYTES 0u
typedef struct {
  uint8_t unused; /* C has no empty struct. */
} message_status_t;

/* Reads the payload of status; false when its length is wrong. Pointers reach into `p`. */
static inline bool message_read_status(const uint8_t *p, size_t length, message_status_t *m) {
  if (length != 0u) return false;
  (void)p;
  (void)m;
  return true;
}

/* What the board counted since hello. */
#define MESSAGE_STATUS_ANSWER_FIXED_BYTES 24u
typedef struct {
  uint32_t frames; /* Good frames received. */
  uint32_t damaged; /* Frames dropped: CRC, length or COBS. */
  uint32_t repeated; /* Requests answered again without computing. */
  uint32_t inferences; /* Inferences computed. */
  uint32_t overruns; /* Received bytes lost. */
  uint32_t digest; /* Sum modulo 2^32 over all inferences of CRC-32(input_crc, then the outputs). */
} message_status_answer_t;

/* Hands the payload of status_answer to `put`, piece by piece. */
static inline void message_write_status_answer(const message_status_answer_t *m, message_put_t put, void *to) {
  message_put_u32(put, to, m->frames);
  message_put_u32(put, to, m->damaged);
  message_put_u32(put, to, m->repeated);
  message_put_u32(put, to, m->inferences);
  message_put_u32(put, to, m->overruns);
  message_put_u32(put, to, m->digest);
}

/* Returns its payload: the self-test of a line rate. */
#define MESSAGE_ECHO_FIXED_BYTES 0u
typedef struct {
  const uint8_t *data; /* At most echo_max bytes. */
  size_t data_length;
} message_echo_t;

/* Reads the payload of echo; false when its length is wrong. Pointers reach into `p`. */
static inline bool message_read_echo(const uint8_t *p, size_t length, message_echo_t *m) {
  m->data = p + 0;
  m->data_length = length - 0u;
  return true;
}

/* The payload of the request. */
#define MESSAGE_ECHO_ANSWER_FIXED_BYTES 0u
typedef struct {
  const uint8_t *data; /* As received. */
  size_t data_length;
} message_echo_answer_t;

/* Hands the payload of echo_answer to `put`, piece by piece. */
static inline void message_write_echo_answer(const message_echo_answer_t *m, message_put_t put, void *to) {
  put(to, m->data, m->data_length);
}

/* Answers at the present rate, then changes; falls back unless an echo arrives within 500 ms. */
#define MESSAGE_SET_BAUD_FIXED_BYTES 4u
typedef struct {
  uint32_t baud; /* The new rate in baud. */
} message_set_baud_t;

/* Reads the payload of set_baud; false when its length is wrong. Pointers reach into `p`. */
static inline bool message_read_set_baud(const uint8_t *p, size_t length, message_set_baud_t *m) {
  if (length != 4u) return false;
  m->baud = message_get_u32(p + 0);
  return true;
}

/* The board changes its rate when this answer has left. */
#define MESSAGE_SET_BAUD_ANSWER_FIXED_BYTES 4u
typedef struct {
  uint32_t baud; /* The new rate in baud. */
} message_set_baud_answer_t;

/* Hands the payload of set_baud_answer to `put`, piece by piece. */
static inline void message_write_set_baud_answer(const message_set_baud_answer_t *m, message_put_t put, void *to) {
  message_put_u32(put, to, m->baud);
}

/* Asks which operators the model has. */
#define MESSAGE_OPS_FIXED_BYTES 2u
typedef struct {
  uint16_t first; /* Index of the first operator wanted. */
} message_ops_t;

/* Reads the payload of ops; false when its length is wrong. Pointers reach into `p`. */
static inline bool message_read_ops(const uint8_t *p, size_t length, message_ops_t *m) {
  if (length != 2u) return false;
  m->first = message_get_u16(p + 0);
  return true;
}

/* As many operators as fit into the longest answer. */
#define MESSAGE_OPS_ANSWER_FIXED_BYTES 4u
typedef struct {
  uint16_t first; /* From the request. */
  uint16_t total; /* Operators of the model. */
  const uint8_t *codes; /* A u16 each: builtin operator codes of the .tflite schema, in execution order. */
  size_t codes_length;
} message_ops_answer_t;

/* Hands the payload of ops_answer to `put`, piece by piece. */
static inline void message_write_ops_answer(const message_ops_answer_t *m, message_put_t put, void *to) {
  message_put_u16(put, to, m->first);
  message_put_u16(put, to, m->total);
  put(to, m->codes, m->codes_length);
}

/* Runs the model once and shows values of one operator's output. Not kept for repetition. */
#define MESSAGE_LAYER_FIXED_BYTES 11u
typedef struct {
  uint16_t op; /* The operator's index in the model, from 0. */
  uint8_t output; /* Which of its outputs, from 0. */
  uint32_t offset; /* First byte wanted. */
  uint32_t length; /* Bytes wanted. */
  const uint8_t *input; /* The inputs, one behind the other. */
  size_t input_length;
} message_layer_t;

/* Reads the payload of layer; false when its length is wrong. Pointers reach into `p`. */
static inline bool message_read_layer(const uint8_t *p, size_t length, message_layer_t *m) {
  if (length < 11u) return false;
  m->op = message_get_u16(p + 0);
  m->output = message_get_u8(p + 2);
  m->offset = message_get_u32(p + 3);
  m->length = message_get_u32(p + 7);
  m->input = p + 11;
  m->input_length = length - 11u;
  return true;
}

/* Bytes of an operator's output, cut at its end and at the longest answer. */
#define MESSAGE_LAYER_ANSWER_FIXED_BYTES 0u
typedef struct {
  const uint8_t *values; /* As they lie in the tensor. */
  size_t values_length;
} message_layer_answer_t;

/* Hands the payload of layer_answer to `put`, piece by piece. */
static inline void message_write_layer_answer(const message_layer_answer_t *m, message_put_t put, void *to) {
  put(to, m->values, m->values_length);
}

/* Puts the model's state back to the start and keeps it from infer to infer, until hello. A repeated one does nothing. */
#define MESSAGE_KEEP_STATE_FIXED_BYTES 0u
typedef struct {
  uint8_t unused; /* C has no empty struct. */
} message_keep_state_t;

/* Reads the payload of keep_state; false when its length is wrong. Pointers reach into `p`. */
static inline bool message_read_keep_state(const uint8_t *p, size_t length, message_keep_state_t *m) {
  if (length != 0u) return false;
  (void)p;
  (void)m;
  return true;
}

/* The next infer is the first of a sequence. */
#define MESSAGE_KEEP_STATE_ANSWER_FIXED_BYTES 0u
typedef struct {
  uint8_t unused; /* C has no empty struct. */
} message_keep_state_answer_t;

/* Hands the payload of keep_state_answer to `put`, piece by piece. */
static inline void message_write_keep_state_answer(const message_keep_state_answer_t *m, message_put_t put, void *to) {
  (void)m;
  (void)put;
  (void)to;
}

/* The answer to a request that failed, with the request's seq. */
#define MESSAGE_ERROR_FIXED_BYTES 9u
typedef struct {
  uint8_t code; /* Enum error_code. */
  uint32_t detail_a; /* First number of the error's detail, else 0. */
  uint32_t detail_b; /* Second number of the error's detail, else 0. */
} message_error_t;

/* Hands the payload of error to `put`, piece by piece. */
static inline void message_write_error(const message_error_t *m, message_put_t put, void *to) {
  message_put_u8(put, to, m->code);
  message_put_u32(put, to, m->detail_a);
  message_put_u32(put, to, m->detail_b);
}

#endif

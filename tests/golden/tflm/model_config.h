/* tiny: what the firmware knows of the model. Rendered by boardproof; do not edit. */
#ifndef BOARDPROOF_MODEL_CONFIG_H
#define BOARDPROOF_MODEL_CONFIG_H

#define MODEL_NAME "tiny"
#define MODEL_BYTES 712u
/* SHA-256 of the .tflite file. */
#define MODEL_SHA256_BYTES \
  { \
    0x92, 0x4b, 0xc2, 0xc9, 0x91, 0xc1, 0x94, 0x3e, \
    0x2e, 0x27, 0xd8, 0xb8, 0xd2, 0xf5, 0x37, 0x9f, \
    0x46, 0x8e, 0xce, 0x60, 0x7f, 0xdd, 0x83, 0x7b, \
    0xe2, 0xbd, 0x9c, 0x50, 0x94, 0x8b, 0xc1, 0x9e, \
  }
#define MODEL_SCHEMA_VERSION 3

/* The operators' builtin codes, in execution order; their multiply-accumulates; their outputs, and these in bytes. */
#define MODEL_OP_COUNT 1
#define MODEL_OP_CODES \
  { \
    9, \
  }
#define MODEL_MACS 6u
#define MODEL_OP_OUTPUT_COUNT 1
#define MODEL_OP_OUTPUT_BYTES 2u

/* The tensors at the model's edges, in bytes: all together, and each. */
#define MODEL_INPUT_COUNT 1
#define MODEL_INPUT_BYTES 3
#define MODEL_INPUT_SIZES {3}
#define MODEL_OUTPUT_COUNT 1
#define MODEL_OUTPUT_BYTES 2
#define MODEL_OUTPUT_SIZES {2}

/* The same as a table, inputs first, an initializer of message_tensor_t[]: role, type, dimensions, how many, quantized,
 * scale, zero point. `dims` is an array of uint32_t that MODEL_DIMS initializes: the dimensions of all. */
#define MODEL_DIM_COUNT 4
#define MODEL_DIMS {1, 3, 1, 2}
#define MODEL_TENSORS(dims) \
  { \
    {0, 9, (dims) + 0, 2, 1, 0x1.0000000000000p-1f, -1}, /* input 1x3, scale 0.5 */ \
    {1, 9, (dims) + 2, 2, 1, 0x1.0000000000000p+0f, -3}, /* output 1x2, scale 1 */ \
  }
/* The byte that packed inputs tell runs of: what stands for zero in the first input. */
#define MODEL_PACKED_FILL 255

/* TensorFlow Lite Micro: RAM for its arena, as measured when this was rendered, and as given. The board says in hello
 * how much it uses; give it as much with -D MODEL_TFLM_ARENA_BYTES=... */
#if defined(__ARM_FEATURE_MVE) /* CMSIS-NN's dense layers ask for scratch there */
#define MODEL_TFLM_ARENA_NEEDED 2560
#else
#define MODEL_TFLM_ARENA_NEEDED 2048
#endif
#ifndef MODEL_TFLM_ARENA_BYTES
#define MODEL_TFLM_ARENA_BYTES MODEL_TFLM_ARENA_NEEDED
#endif

#endif

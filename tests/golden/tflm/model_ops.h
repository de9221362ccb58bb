/* tiny: its operators, for TensorFlow Lite Micro. Rendered by boardproof; do not edit. */
#ifndef BOARDPROOF_MODEL_OPS_H
#define BOARDPROOF_MODEL_OPS_H

#include "engine/tflm/tflm.h"

#define MODEL_TFLM_OP_KINDS 1
/* Whether a dense layer has a scale for each of its outputs. */
#define MODEL_TFLM_PER_CHANNEL_DENSE 1

using ModelOps = tflite::MicroMutableOpResolver<MODEL_TFLM_OP_KINDS>;

/* Registers the model's operators and no other. False where the resolver refuses one. */
inline bool AddModelOps(ModelOps *ops) {
  if (ops->AddFullyConnected(tflite::Register_FULLY_CONNECTED_INT8()) != kTfLiteOk) return false;
  return true;
}

#endif

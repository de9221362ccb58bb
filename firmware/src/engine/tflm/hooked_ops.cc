#include "engine/tflm/hooked_ops.h"

namespace boardproof {

static_assert(
    kDenseIsPerChannel || !MODEL_TFLM_PER_CHANNEL_DENSE,
    "this TensorFlow Lite Micro is too old for the exported model's per-channel dense layers: "
    "boardproof export models/fashion_mnist_int8_per_tensor.tflite, or your model's int8_per_tensor "
    "rung, or give a newer library (docs/BOARDS.md)");

namespace {

// Operators run in the graph's order, so that counting them gives their index.
struct {
  const Registration *registrations[MODEL_OP_COUNT];
  const engine_hook_t *hook;
  uint16_t next;
  uint16_t failed;  // MODEL_OP_COUNT: none
} run;

TfLiteStatus Checked(TfLiteStatus status, uint16_t index) {
  if (status != kTfLiteOk) run.failed = index;
  return status;
}

TfLiteStatus Prepare(TfLiteContext *context, TfLiteNode *node) {
  const uint16_t index = run.next++;
  const Registration *const registration = run.registrations[index];
  return registration->prepare == nullptr ? kTfLiteOk : Checked(registration->prepare(context, node), index);
}

void CallHook(TfLiteContext *context, const TfLiteNode *node, uint16_t index) {
  const int outputs = node->outputs == nullptr ? 0 : node->outputs->size;
  for (int output = 0; output < outputs; ++output) {
    const TfLiteEvalTensor *const tensor = context->GetEvalTensor(context, node->outputs->data[output]);
    size_t bytes = 0;
    if (tflite::TfLiteEvalTensorByteLength(tensor, &bytes) != kTfLiteOk) {
      bytes = 0;
    }
    run.hook->after_op(run.hook->context, index, static_cast<uint8_t>(output), tensor->data.data, bytes);
  }
}

TfLiteStatus Invoke(TfLiteContext *context, TfLiteNode *node) {
  const uint16_t index = run.next++;
  const TfLiteStatus status = Checked(run.registrations[index]->invoke(context, node), index);
  if (run.hook != nullptr && status == kTfLiteOk) {
    CallHook(context, node, index);
  }
  return status;
}

}  // namespace

engine_status_t HookedOps::Bind(const tflite::Model &model, const tflite::SubGraph &graph,
                                engine_fault_t *fault) {
  if (!AddModelOps(&ops_) || graph.operators()->size() != MODEL_OP_COUNT) {
    return ENGINE_MODEL_INVALID;
  }
  for (uint16_t index = 0; index < MODEL_OP_COUNT; ++index) {
    const tflite::OperatorCode &code =
        *model.operator_codes()->Get(graph.operators()->Get(index)->opcode_index());
    const Registration *const original = Registered(code);
    if (original == nullptr) {
      fault->needed = static_cast<uint32_t>(tflite::GetBuiltinCode(&code));
      fault->given = index;
      return ENGINE_OP_MISSING;
    }
    run.registrations[index] = original;
    if (Hooked(original) == nullptr) {
      Wrap(original);
    }
  }
  return ENGINE_OK;
}

void HookedOps::Wrap(const Registration *original) {
  originals_[kinds_] = original;
  hooked_[kinds_] = *original;
  hooked_[kinds_].prepare = Prepare;
  hooked_[kinds_].invoke = Invoke;
  ++kinds_;
}

void HookedOps::Begin(const engine_hook_t *hook) {
  run.hook = hook;
  run.next = 0;
  run.failed = MODEL_OP_COUNT;
}

uint16_t HookedOps::failed_op() { return run.failed; }

const Registration *HookedOps::Registered(const tflite::OperatorCode &code) const {
  const tflite::BuiltinOperator builtin = tflite::GetBuiltinCode(&code);
  if (builtin != tflite::BuiltinOperator_CUSTOM) {
    return ops_.FindOp(builtin);
  }
  return code.custom_code() == nullptr ? nullptr : ops_.FindOp(code.custom_code()->c_str());
}

const Registration *HookedOps::Hooked(const Registration *original) const {
  for (size_t kind = 0; kind < kinds_; ++kind) {
    if (originals_[kind] == original) {
      return &hooked_[kind];
    }
  }
  return nullptr;
}

const Registration *HookedOps::FindOp(tflite::BuiltinOperator op) const { return Hooked(ops_.FindOp(op)); }

const Registration *HookedOps::FindOp(const char *op) const { return Hooked(ops_.FindOp(op)); }

ParseFunction HookedOps::GetOpDataParser(tflite::BuiltinOperator op) const {
  return ops_.GetOpDataParser(op);
}

}  // namespace boardproof

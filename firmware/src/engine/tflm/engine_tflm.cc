// engine.h over the TensorFlow Lite Micro interpreter and the model as a C array. No heap: the interpreter
// and what it needs lie in static storage, are made once and never destroyed.
#include <csetjmp>
#include <new>
#include <utility>

#include "engine/engine.h"
#include "engine/tflm/arena.h"
#include "engine/tflm/hooked_ops.h"
#include "engine/tflm/kernels.h"
#include "engine/tflm/tflm.h"
#include "model_config.h"
#include "model_data.h"

namespace {

// Room for one object, made when it is asked for: a static object would want a guard or a place in the
// start-up's order.
template <typename T>
class Slot {
 public:
  template <typename... Arguments>
  T *Emplace(Arguments &&...arguments) {
    return new (bytes_) T(std::forward<Arguments>(arguments)...);
  }

 private:
  alignas(T) unsigned char bytes_[sizeof(T)];
};

alignas(16) uint8_t arena_bytes[MODEL_TFLM_ARENA_BYTES];
Slot<boardproof::Arena> arena_slot;
Slot<boardproof::Planner> planner_slot;
Slot<boardproof::HookedOps> ops_slot;
Slot<tflite::MicroInterpreter> interpreter_slot;
std::jmp_buf out_of_memory;

boardproof::Arena *arena;
tflite::MicroInterpreter *interpreter;

bool IsAsConfigured(const TfLiteTensor *tensor, size_t bytes, float scale, int32_t zero_point) {
  return tensor != nullptr && tensor->type == kTfLiteInt8 && tensor->bytes == bytes &&
         tensor->params.scale == scale && tensor->params.zero_point == zero_point;
}

// What was compiled is what was configured: the array is no file from outside, and is not verified byte by
// byte.
engine_status_t CheckModel(const tflite::Model &model, engine_fault_t *fault) {
  if (!tflite::ModelBufferHasIdentifier(model_data)) {
    return ENGINE_MODEL_INVALID;
  }
  if (model.version() != TFLITE_SCHEMA_VERSION) {
    fault->needed = TFLITE_SCHEMA_VERSION;
    fault->given = static_cast<uint32_t>(model.version());
    return ENGINE_SCHEMA_MISMATCH;
  }
  if (model.subgraphs() == nullptr || model.subgraphs()->size() != 1) {
    return ENGINE_MODEL_INVALID;
  }
  return ENGINE_OK;
}

// The arena's need as measured at export time, unless it is known to be more. 0: it should have been enough.
engine_status_t ArenaTooSmall(engine_fault_t *fault) {
  const size_t needed = arena->needed() > MODEL_TFLM_ARENA_NEEDED ? arena->needed() : MODEL_TFLM_ARENA_NEEDED;
  fault->needed = needed > sizeof arena_bytes ? static_cast<uint32_t>(needed) : 0u;
  fault->given = sizeof arena_bytes;
  return ENGINE_ARENA_TOO_SMALL;
}

engine_status_t OpFailed(engine_fault_t *fault) {
  fault->given = boardproof::HookedOps::failed_op();
  return ENGINE_INVOKE_FAILED;
}

// Everything that allocates. Called under setjmp(): nothing here outlives a jump but what lies in static
// storage.
engine_status_t Prepare(const tflite::Model &model, engine_fault_t *fault) {
  boardproof::HookedOps *const ops = ops_slot.Emplace();
  const engine_status_t status = ops->Bind(model, *model.subgraphs()->Get(0), fault);
  if (status != ENGINE_OK) {
    return status;
  }
  tflite::MicroAllocator *const allocator =
      tflite::MicroAllocator::Create(arena, planner_slot.Emplace(arena));
  interpreter = interpreter_slot.Emplace(&model, *ops, allocator);
  boardproof::HookedOps::Begin(nullptr);
  if (interpreter->AllocateTensors() != kTfLiteOk) {
    return boardproof::HookedOps::failed_op() < MODEL_OP_COUNT ? OpFailed(fault) : ENGINE_MODEL_INVALID;
  }
  const bool as_configured =
      interpreter->inputs_size() == 1 && interpreter->outputs_size() == 1 &&
      IsAsConfigured(interpreter->input(0), MODEL_INPUT_BYTES, MODEL_INPUT_SCALE, MODEL_INPUT_ZERO_POINT) &&
      IsAsConfigured(interpreter->output(0), MODEL_OUTPUT_BYTES, MODEL_OUTPUT_SCALE, MODEL_OUTPUT_ZERO_POINT);
  return as_configured ? ENGINE_OK : ENGINE_MODEL_INVALID;
}

}  // namespace

engine_status_t engine_init(engine_fault_t *fault) {
  fault->needed = 0;
  fault->given = 0;
  const tflite::Model &model = *tflite::GetModel(model_data);
  const engine_status_t status = CheckModel(model, fault);
  if (status != ENGINE_OK) {
    return status;
  }
  arena = arena_slot.Emplace(arena_bytes, sizeof arena_bytes, &out_of_memory);
  if (setjmp(out_of_memory) != 0) {
    return ArenaTooSmall(fault);
  }
  return Prepare(model, fault);
}

int8_t *engine_input(void) { return interpreter->input(0)->data.int8; }

engine_status_t engine_invoke(const engine_hook_t *hook, engine_fault_t *fault) {
  boardproof::HookedOps::Begin(hook);
  return interpreter->Invoke() == kTfLiteOk ? ENGINE_OK : OpFailed(fault);
}

const int8_t *engine_output(void) { return interpreter->output(0)->data.int8; }

const char *engine_name(void) { return "tflm"; }

const char *engine_kernels(void) { return boardproof::LinkedKernels(); }

uint32_t engine_ram_used(void) { return static_cast<uint32_t>(interpreter->arena_used_bytes()); }

uint32_t engine_ram_given(void) { return sizeof arena_bytes; }

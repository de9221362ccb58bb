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
#include "protocol/messages.h"

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

constexpr size_t kEdges = MODEL_INPUT_COUNT + MODEL_OUTPUT_COUNT;
const uint32_t edge_dims[] = MODEL_DIMS;
const message_tensor_t edges[kEdges] = MODEL_TENSORS(edge_dims);
const size_t edge_bytes[2][kEdges] = {MODEL_INPUT_SIZES, MODEL_OUTPUT_SIZES};

// The interpreter numbers types as the file does, but for one.
bool IsOfType(const TfLiteTensor *tensor, uint8_t type) {
  return tensor->type ==
         (type == PROTOCOL_TENSOR_TYPE_FLOAT32 ? kTfLiteFloat32 : static_cast<TfLiteType>(type));
}

bool IsAsConfigured(const TfLiteTensor *tensor, const message_tensor_t &edge, size_t bytes) {
  return tensor != nullptr && IsOfType(tensor, edge.type) && tensor->bytes == bytes &&
         (edge.quantized == 0 ||
          (tensor->params.scale == edge.scale && tensor->params.zero_point == edge.zero_point));
}

bool EdgesAreAsConfigured() {
  if (interpreter->inputs_size() != MODEL_INPUT_COUNT || interpreter->outputs_size() != MODEL_OUTPUT_COUNT) {
    return false;
  }
  for (size_t i = 0; i < MODEL_INPUT_COUNT; ++i) {
    if (!IsAsConfigured(interpreter->input(i), edges[i], edge_bytes[0][i])) return false;
  }
  for (size_t i = 0; i < MODEL_OUTPUT_COUNT; ++i) {
    if (!IsAsConfigured(interpreter->output(i), edges[MODEL_INPUT_COUNT + i], edge_bytes[1][i])) return false;
  }
  return true;
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
  return EdgesAreAsConfigured() ? ENGINE_OK : ENGINE_MODEL_INVALID;
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

void *engine_input(uint8_t index) { return interpreter->input(index)->data.data; }

void engine_reset() {
#ifdef MODEL_HAS_VARIABLES
  (void)interpreter->Reset();  // fails for types only that AllocateTensors() has refused
#endif
}

engine_status_t engine_invoke(const engine_hook_t *hook, engine_fault_t *fault) {
  boardproof::HookedOps::Begin(hook);
  return interpreter->Invoke() == kTfLiteOk ? ENGINE_OK : OpFailed(fault);
}

const void *engine_output(uint8_t index) { return interpreter->output(index)->data.data; }

const char *engine_name(void) { return "tflm"; }

const char *engine_kernels(void) { return boardproof::LinkedKernels(); }

uint32_t engine_ram_used(void) { return static_cast<uint32_t>(interpreter->arena_used_bytes()); }

uint32_t engine_ram_given(void) { return sizeof arena_bytes; }

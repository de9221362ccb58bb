// The model's operators, each wrapped: so that an operator that fails is known by its index, and so that the
// engine's hook sees every output while it is in place. The library's profiler would do neither: it is
// compiled out together with the error strings, and is not told which tensors an operator wrote.
#ifndef BOARDPROOF_ENGINE_TFLM_HOOKED_OPS_H
#define BOARDPROOF_ENGINE_TFLM_HOOKED_OPS_H

#include <cstddef>
#include <cstdint>

#include "engine/engine.h"
#include "engine/tflm/tflm.h"
#include "model_config.h"
#include "model_ops.h"

namespace boardproof {

// One instance, for a model with one subgraph: its state is reached from functions without a context.
class HookedOps final : public tflite::MicroOpResolver {
 public:
  // Registers the operators that were rendered and wraps those that `graph` uses. Returns ENGINE_OP_MISSING,
  // with
  // `*fault` filled in, or ENGINE_MODEL_INVALID where the graph has not MODEL_OP_COUNT operators.
  engine_status_t Bind(const tflite::Model &model, const tflite::SubGraph &graph, engine_fault_t *fault);

  // To be called before the graph's operators are prepared or invoked. `hook` may be null.
  static void Begin(const engine_hook_t *hook);

  // The index of the operator that failed since, MODEL_OP_COUNT if none did.
  static uint16_t failed_op();

  const Registration *FindOp(tflite::BuiltinOperator op) const override;
  const Registration *FindOp(const char *op) const override;
  ParseFunction GetOpDataParser(tflite::BuiltinOperator op) const override;

  // Never called, as nothing is destroyed. Public: with exceptions on, placement new refers to it.
  void operator delete(void *) {}

 private:
  const Registration *Registered(const tflite::OperatorCode &code) const;
  const Registration *Hooked(const Registration *original) const;
  void Wrap(const Registration *original);

  ModelOps ops_;
  const Registration *originals_[MODEL_TFLM_OP_KINDS] = {};
  Registration hooked_[MODEL_TFLM_OP_KINDS] = {};
  size_t kinds_ = 0;
};

}  // namespace boardproof

#endif

// TensorFlow Lite Micro, as the engine uses it. The library is not ours: its warnings do not count.
#ifndef BOARDPROOF_ENGINE_TFLM_TFLM_H
#define BOARDPROOF_ENGINE_TFLM_TFLM_H

#pragma GCC system_header  // holds for what is included from here, too

// The library's structures depend on TF_LITE_STATIC_MEMORY. What PlatformIO compiles has the environment's flags,
// as this has; what comes compiled has to be met.
#if defined(ARDUINO_ARCH_ESP32) && !defined(TF_LITE_STATIC_MEMORY)
#error "build with -D TF_LITE_STATIC_MEMORY, as Espressif has built the library"
#endif

#if !__has_include("tensorflow/lite/micro/micro_interpreter.h")
#error "TensorFlow Lite Micro is not among the libraries: docs/ENGINE_TFLM.md says how to give one"
#endif

#include <type_traits>
#include <utility>

#include "tensorflow/lite/micro/arena_allocator/single_arena_buffer_allocator.h"
#include "tensorflow/lite/micro/memory_helpers.h"
#include "tensorflow/lite/micro/memory_planner/greedy_memory_planner.h"
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/schema/schema_generated.h"
#include "tensorflow/lite/schema/schema_utils.h"

namespace boardproof {

// Libraries generated before the summer of 2023 (Chirale_TensorFLowLite 2.0.0) have other names for these.
using Registration =
    std::remove_const_t<std::remove_pointer_t<decltype(std::declval<const tflite::MicroOpResolver &>().FindOp(
        tflite::BuiltinOperator_CUSTOM))>>;
using ParseFunction =
    decltype(std::declval<const tflite::MicroOpResolver &>().GetOpDataParser(tflite::BuiltinOperator_CUSTOM));

// Whether the library's dense layers know per-channel weights. Those of 2023 take the first channel's scale
// for all and say nothing.
template <typename Data, typename = void>
struct HasPerChannel : std::false_type {};
template <typename Data>
struct HasPerChannel<Data, std::void_t<decltype(Data::is_per_channel)>> : std::true_type {};
constexpr bool kDenseIsPerChannel = HasPerChannel<tflite::OpDataFullyConnected>::value;

}  // namespace boardproof

#endif

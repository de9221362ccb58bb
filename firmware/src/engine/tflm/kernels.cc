// The answer comes from the linker: a weak name has an address only where a kernel has pulled its function
// in, as libraries are archives. A build flag would say what was wanted, not what was linked.
#include "engine/tflm/kernels.h"

#include <cstddef>

// What the kernels of tensorflow/lite/micro/kernels/cmsis_nn call for int8.
#define CMSIS_NN_FUNCTIONS(NAME)       \
  NAME(arm_avgpool_s8)                 \
  NAME(arm_batch_matmul_s8)            \
  NAME(arm_convolve_wrapper_s8)        \
  NAME(arm_depthwise_conv_wrapper_s8)  \
  NAME(arm_elementwise_add_s8)         \
  NAME(arm_elementwise_mul_s8)         \
  NAME(arm_fully_connected_s8)         \
  NAME(arm_fully_connected_wrapper_s8) \
  NAME(arm_lstm_unidirectional_s8)     \
  NAME(arm_max_pool_s8)                \
  NAME(arm_maximum_s8)                 \
  NAME(arm_minimum_s8)                 \
  NAME(arm_pad_s8)                     \
  NAME(arm_softmax_s8)                 \
  NAME(arm_svdf_s8)                    \
  NAME(arm_transpose_conv_wrapper_s8)  \
  NAME(arm_transpose_s8)

// What the kernels of esp-tflite-micro call: there, esp_nn_… is a macro for one of these.
#define ESP_NN_FUNCTIONS(NAME)                   \
  NAME(esp_nn_add_elementwise_s8_ansi)           \
  NAME(esp_nn_add_elementwise_s8_esp32s3)        \
  NAME(esp_nn_avg_pool_s8_ansi)                  \
  NAME(esp_nn_avg_pool_s8_esp32s3)               \
  NAME(esp_nn_conv_s8_esp32s3)                   \
  NAME(esp_nn_conv_s8_opt)                       \
  NAME(esp_nn_depthwise_conv_s8_esp32s3)         \
  NAME(esp_nn_depthwise_conv_s8_opt)             \
  NAME(esp_nn_fully_connected_per_ch_s8_ansi)    \
  NAME(esp_nn_fully_connected_per_ch_s8_esp32s3) \
  NAME(esp_nn_fully_connected_s8_ansi)           \
  NAME(esp_nn_fully_connected_s8_esp32s3)        \
  NAME(esp_nn_max_pool_s8_ansi)                  \
  NAME(esp_nn_max_pool_s8_esp32s3)               \
  NAME(esp_nn_mul_elementwise_s8_ansi)           \
  NAME(esp_nn_mul_elementwise_s8_esp32s3)        \
  NAME(esp_nn_softmax_s8_ansi)                   \
  NAME(esp_nn_softmax_s8_opt)

#define WEAK_NAME(name) void name(void) __attribute__((weak));
#define ADDRESS(name) name,

extern "C" {
CMSIS_NN_FUNCTIONS(WEAK_NAME)
ESP_NN_FUNCTIONS(WEAK_NAME)
}

namespace boardproof {
namespace {

using Function = void (*)(void);

constexpr Function kCmsisNn[] = {CMSIS_NN_FUNCTIONS(ADDRESS)};
constexpr Function kEspNn[] = {ESP_NN_FUNCTIONS(ADDRESS)};

template <size_t count>
bool AnyLinked(const Function (&functions)[count]) {
  for (const Function function : functions) {
    if (function != nullptr) return true;
  }
  return false;
}

}  // namespace

const char *LinkedKernels() {
  if (AnyLinked(kCmsisNn)) return "cmsis-nn";
  if (AnyLinked(kEspNn)) return "esp-nn";
  return "reference";
}

}  // namespace boardproof

// Which of TensorFlow Lite Micro's kernel sets this program got.
#ifndef BOARDPROOF_ENGINE_TFLM_KERNELS_H
#define BOARDPROOF_ENGINE_TFLM_KERNELS_H

namespace boardproof {

// "cmsis-nn" or "esp-nn" where a function of that library is in the program, else "reference".
const char *LinkedKernels();

}  // namespace boardproof

#endif

// What the library asks of a C++ runtime, where none is: bare metal without a heap or an operating system.
// Arduino cores bring theirs.
#ifndef ARDUINO

#include <cstddef>
#include <cstdint>

#include "hal/hal.h"

// The library's checks that stay in release builds end here, and so does a call of a method that is none. As
// for a fault, the board says so in words that no frame contains, and restarts.
extern "C" [[noreturn]] void abort() {
  static const char text[] = "\r\nboardproof: TensorFlow Lite Micro gave up, restarting\r\n";
  hal_write(reinterpret_cast<const uint8_t *>(text), sizeof text - 1);
  hal_flush();
  hal_reset();
  for (;;) {
  }
}

extern "C" [[noreturn]] void __cxa_pure_virtual();

extern "C" void __cxa_pure_virtual() { abort(); }

#endif

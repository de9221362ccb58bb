// The arena: all memory that TensorFlow Lite Micro asks for, out of one buffer.
#ifndef BOARDPROOF_ENGINE_TFLM_ARENA_H
#define BOARDPROOF_ENGINE_TFLM_ARENA_H

#include <csetjmp>
#include <cstddef>
#include <cstdint>

#include "engine/tflm/tflm.h"

namespace boardproof {

// The library's allocator, except that an allocation that does not fit never returns: many kernels write through
// what they were given without a look (e.g. the per-channel multipliers of a dense layer). Control goes back to the
// setjmp() on `out_of_memory`, over frames of the library alone; none of them owns anything that would leak.
class Arena final : public tflite::SingleArenaBufferAllocator {
 public:
  // `bytes` is aligned to 16 and outlives the arena; so does `*out_of_memory`, armed before anything is allocated.
  Arena(uint8_t *bytes, size_t size, std::jmp_buf *out_of_memory)
      : SingleArenaBufferAllocator(bytes, size), size_(size), out_of_memory_(out_of_memory) {}

  uint8_t *AllocatePersistentBuffer(size_t size, size_t alignment) override;
  uint8_t *AllocateTemp(size_t size, size_t alignment) override;
  TfLiteStatus ResizeBuffer(uint8_t *buffer, size_t size, size_t alignment) override;

  // After the jump: bytes that would have let the failed allocation succeed. What comes after it is not in there.
  size_t needed() const { return needed_; }

 private:
  [[noreturn]] void Fail(size_t needed);
  void operator delete(void *) {}  // never called: no heap

  size_t size_;
  size_t needed_ = 0;
  std::jmp_buf *out_of_memory_;
};

// The library's planner, except that running out of room for its own lists counts as out of memory, too: they lie in
// what is left of the arena.
class Planner final : public tflite::GreedyMemoryPlanner {
 public:
  explicit Planner(std::jmp_buf *out_of_memory) : out_of_memory_(out_of_memory) {}

  TfLiteStatus AddBuffer(int size, int first_time_used, int last_time_used) override;

 private:
  void operator delete(void *) {}

  std::jmp_buf *out_of_memory_;
};

}  // namespace boardproof

#endif

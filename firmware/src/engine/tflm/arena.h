// The arena: all memory that TensorFlow Lite Micro asks for, out of one buffer.
#ifndef BOARDPROOF_ENGINE_TFLM_ARENA_H
#define BOARDPROOF_ENGINE_TFLM_ARENA_H

#include <csetjmp>
#include <cstddef>
#include <cstdint>

#include "engine/tflm/tflm.h"

namespace boardproof {

// The library's allocator, except that an allocation that does not fit never returns: many kernels write
// through what they were given without a look (a dense layer its per-channel multipliers). Control goes back
// to the setjmp() on `out_of_memory`, over frames of the library alone; none of them owns anything.
class Arena final : public tflite::SingleArenaBufferAllocator {
 public:
  // `bytes` is aligned to 16 and outlives the arena; so does `*out_of_memory`, armed before anything is
  // allocated.
  Arena(uint8_t *bytes, size_t size, std::jmp_buf *out_of_memory)
      : SingleArenaBufferAllocator(bytes, size), out_of_memory_(out_of_memory) {}

  uint8_t *AllocatePersistentBuffer(size_t size, size_t alignment) override;
  uint8_t *AllocateTemp(size_t size, size_t alignment) override;
  TfLiteStatus ResizeBuffer(uint8_t *buffer, size_t size, size_t alignment) override;

  // Gives up: an arena of `needed` bytes would have gone on.
  [[noreturn]] void Exhausted(size_t needed);

  // After the jump: the bytes without which no more could be allocated. Later allocations are not in there.
  size_t needed() const { return needed_; }

  // Never called, as nothing is destroyed. Public: with exceptions on, placement new refers to it.
  void operator delete(void *) {}

 private:
  size_t free() const { return static_cast<size_t>(tail() - low()); }
  uint8_t *low() const { return GetOverlayMemoryAddress() + GetNonPersistentUsedBytes(); }

  size_t needed_ = 0;
  std::jmp_buf *out_of_memory_;
};

// The library's planner, except that running out of room for its own lists, in what is left of the arena,
// counts as out of memory and not as a model that is wrong.
class Planner final : public tflite::GreedyMemoryPlanner {
 public:
  explicit Planner(Arena *arena) : arena_(arena) {}

  using GreedyMemoryPlanner::AddBuffer;
  TfLiteStatus AddBuffer(int size, int first_time_used, int last_time_used) override;

  // Never called, as nothing is destroyed. Public: with exceptions on, placement new refers to it.
  void operator delete(void *) {}

 private:
  Arena *arena_;
};

}  // namespace boardproof

#endif

#include "engine/tflm/arena.h"

namespace boardproof {

void Arena::Exhausted(size_t needed) {
  needed_ = needed;
  std::longjmp(*out_of_memory_, 1);
}

// From the top downwards. The library looks at what lies below only as far as it stays: what is there for the
// moment (AllocateTemp) must not be overwritten either.
uint8_t *Arena::AllocatePersistentBuffer(size_t size, size_t alignment) {
  const size_t padding = (reinterpret_cast<uintptr_t>(tail()) - size) % alignment;
  if (size > free() || padding > free() - size) {
    Exhausted(GetUsedBytes() + size + padding);
  }
  return SingleArenaBufferAllocator::AllocatePersistentBuffer(size, alignment);
}

uint8_t *Arena::AllocateTemp(size_t size, size_t alignment) {
  const size_t padding = (0u - reinterpret_cast<uintptr_t>(low())) % alignment;
  if (size > free() || padding > free() - size) {
    Exhausted(GetUsedBytes() + size + padding);
  }
  return SingleArenaBufferAllocator::AllocateTemp(size, alignment);
}

// The one buffer at the bottom: the planned tensors in the end, lists before.
TfLiteStatus Arena::ResizeBuffer(uint8_t *buffer, size_t size, size_t alignment) {
  if (size > static_cast<size_t>(tail() - GetOverlayMemoryAddress())) {
    Exhausted(GetPersistentUsedBytes() + size);
  }
  return SingleArenaBufferAllocator::ResizeBuffer(buffer, size, alignment);
}

TfLiteStatus Planner::AddBuffer(int size, int first_time_used, int last_time_used) {
  const TfLiteStatus status = GreedyMemoryPlanner::AddBuffer(size, first_time_used, last_time_used);
  if (status != kTfLiteOk) {  // there is no other reason
    arena_->Exhausted(arena_->GetUsedBytes() + per_buffer_size());
  }
  return status;
}

}  // namespace boardproof

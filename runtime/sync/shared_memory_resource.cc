#include "runtime/sync/shared_memory_resource.h"

#include <cstdint>
#include <new>
#include <utility>

#include "absl/strings/str_cat.h"

namespace farpage::internal {

absl::Status SharedMemoryResource::Check(const void* base, size_t bytes) {
  if (bytes < PageHeap::kMinimumBytes) {
    return absl::InvalidArgumentError(absl::StrCat("a memory resource needs at least ",
                                                   PageHeap::kMinimumBytes, " bytes, not ", bytes));
  }
  if (reinterpret_cast<uintptr_t>(base) % kHeapPageBytes != 0) {
    return absl::InvalidArgumentError("a memory resource has to begin at the beginning of a page");
  }
  return absl::OkStatus();
}

SharedMemoryResource::SharedMemoryResource(void* base, size_t bytes, Mutex mutex, NodeId self,
                                           uint32_t nodes, Counters* counters)
    : lock_(std::move(mutex)), counters_(counters), heap_(base, bytes, lock_, self, nodes) {}

void* SharedMemoryResource::do_allocate(size_t bytes, size_t alignment) {
  void* const memory = heap_.Allocate(bytes, alignment);
  if (memory == nullptr) throw std::bad_alloc();
  if (counters_ != nullptr) counters_->Add(Counter::chunk_allocations);
  return memory;
}

void SharedMemoryResource::do_deallocate(void* memory, size_t bytes, size_t alignment) {
  heap_.Free(memory, bytes, alignment);
}

bool SharedMemoryResource::do_is_equal(const std::pmr::memory_resource& other) const noexcept {
  return this == &other;
}

}  // namespace farpage::internal

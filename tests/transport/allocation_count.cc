#include "tests/transport/allocation_count.h"

#include <cstdlib>
#include <new>

namespace farpage {
namespace {
thread_local uint64_t allocations = 0;
}  // namespace

uint64_t AllocationCount() { return allocations; }

}  // namespace farpage

void* operator new(size_t bytes) {
  ++farpage::allocations;
  void* const memory = std::malloc(bytes);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }

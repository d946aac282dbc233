// What Node::MakeMemoryResource() returns.
#ifndef FARPAGE_RUNTIME_SYNC_SHARED_MEMORY_RESOURCE_H_
#define FARPAGE_RUNTIME_SYNC_SHARED_MEMORY_RESOURCE_H_

#include <cstddef>
#include <memory_resource>
#include <utility>

#include "absl/status/status.h"
#include "farpage/mutex.h"
#include "runtime/counters.h"
#include "runtime/sync/shared_heap.h"

namespace farpage::internal {

// A std::pmr::memory_resource over a range of shared memory. Containers keep a pointer to their
// resource, so the object is made at the same address on every node, in memory private to the
// process; it and its virtual table are each process's own, and what the nodes share is in the
// range.
//
// allocate() throws std::bad_alloc when there is no room, and std::system_error when the mutex
// fails; deallocate() as SharedHeap::Free(). Any thread. Not to be called from a signal handler.
class SharedMemoryResource final : public std::pmr::memory_resource {
 public:
  // INVALID_ARGUMENT with the smallest size, or if `base` is not at the beginning of a page.
  static absl::Status Check(const void* base, size_t bytes);

  // `base` and `bytes` have passed Check() and are the same on all nodes. Touches no shared memory.
  // `counters`, if given, count allocations.
  SharedMemoryResource(void* base, size_t bytes, Mutex mutex, NodeId self, uint32_t nodes,
                       Counters* counters = nullptr);

  // By node 0, after all nodes can access the range (zeroed) and before any of them uses the
  // resource: between two barriers.
  void Initialize() { heap_.Initialize(); }

 private:
  class MutexLock final : public HeapLock {
   public:
    explicit MutexLock(Mutex mutex) : mutex_(std::move(mutex)) {}
    void lock() override { mutex_.lock(); }
    void unlock() override { mutex_.unlock(); }

   private:
    Mutex mutex_;
  };

  void* do_allocate(size_t bytes, size_t alignment) override;
  void do_deallocate(void* memory, size_t bytes, size_t alignment) override;
  bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override;

  MutexLock lock_;
  Counters* const counters_;
  SharedHeap heap_;
};
// It fits the page that is reserved for it.
static_assert(sizeof(SharedMemoryResource) <= kHeapPageBytes);

}  // namespace farpage::internal

#endif  // FARPAGE_RUNTIME_SYNC_SHARED_MEMORY_RESOURCE_H_

// Objects of any size out of one range of shared memory, allocated and freed on any node.
#ifndef FARPAGE_RUNTIME_SYNC_SHARED_HEAP_H_
#define FARPAGE_RUNTIME_SYNC_SHARED_HEAP_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "runtime/sync/page_heap.h"
#include "runtime/sync/size_class.h"
#include "runtime/sync/slab.h"
#include "transport/lock.h"
#include "transport/types.h"

namespace farpage::internal {

// What excludes all other nodes from a heap. lock() may throw, when a node has died.
class ABSL_LOCKABLE HeapLock {
 public:
  virtual ~HeapLock() = default;
  virtual void lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() = 0;
  virtual void unlock() ABSL_UNLOCK_FUNCTION() = 0;
};

// One node's end of a heap. Objects above kMaxSmallBytes are runs of whole pages; small ones come
// out of slabs, each for one size.
//
// A slab belongs to the node that takes objects from it (its user) or to all. Each node uses at
// most one slab per size, and takes from it and gives back to it under a lock among its own threads
// only: no message, no fabric, and no other node's objects on its pages. A used-up slab is given to
// all, and the next one is a slab of all with room, or new pages. Objects of other slabs are freed
// in batches. All that happens under the heap's lock. An empty slab's pages are for any use again.
//
// Bounds: what a node may keep from the others is one slab per size and freed objects of 64 KiB. A
// slab has at most 64 KiB, and so much less in a small heap that all nodes' slabs together do not
// take more than a quarter of it, or two pages each.
//
// Any thread; not signal-safe. An object goes from one thread to another, and between nodes, by a
// synchronisation of the caller's, as everywhere.
class SharedHeap {
 public:
  // `base` and `bytes` as for PageHeap, the same on all nodes. Touches nothing.
  SharedHeap(void* base, size_t bytes, HeapLock& lock, NodeId self, uint32_t nodes);
  SharedHeap(const SharedHeap&) = delete;
  SharedHeap& operator=(const SharedHeap&) = delete;

  // Once, by one node, on zeroed memory, before any other call anywhere.
  void Initialize() { pages_.Initialize(); }

  // Null if there is no room. `alignment` is a power of two. Throws what lock.lock() throws.
  void* Allocate(size_t bytes, size_t alignment);

  // `bytes` and `alignment` as for Allocate(). Ends the process with a message if the object is not
  // one of this heap's, is free already (found now or when its batch is freed), or has another
  // size. If the heap's lock fails, objects are not freed.
  void Free(void* object, size_t bytes, size_t alignment) noexcept;

 private:
  static constexpr size_t kMaxPending = 128;
  static constexpr size_t kMaxPendingBytes = 64 * 1024;

  void* AllocateSmallSlow(uint32_t size_class) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void* AllocateRun(size_t bytes, size_t alignment);
  void FreeSmall(void* object, const PageInfo& info);
  void FreeRun(void* object, size_t bytes);

  Slab* NextSlab(uint32_t size_class) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_, heap_lock_);
  Slab* Adopt(uint32_t size_class, bool roomy) ABSL_EXCLUSIVE_LOCKS_REQUIRED(heap_lock_);
  Slab* NewSlab(uint32_t size_class) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_, heap_lock_);
  void Use(Slab* slab, uint32_t size_class) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_, heap_lock_);
  void GiveUp(uint32_t size_class) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_, heap_lock_);
  void GiveUpEmpty() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_, heap_lock_);
  void FreePending() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_, heap_lock_);
  void FreeOne(void* object) ABSL_EXCLUSIVE_LOCKS_REQUIRED(heap_lock_);
  void List(Slab* slab) ABSL_EXCLUSIVE_LOCKS_REQUIRED(heap_lock_);
  void CheckGiven(Slab::Given given, const void* object) const;

  [[noreturn]] void Die(const void* object, std::string_view what) const;

  PageHeap pages_;
  HeapLock& heap_lock_;
  const uint16_t ticket_;  // this node in PageInfo::user
  const uint32_t max_slab_pages_;

  ThreadMutex mutex_ ABSL_ACQUIRED_BEFORE(heap_lock_);
  std::array<Slab*, kSizeClasses> used_ ABSL_GUARDED_BY(mutex_){};
  std::array<uint32_t, kSizeClasses> new_slabs_ ABSL_GUARDED_BY(mutex_){};  // made by this node
  std::array<void*, kMaxPending> pending_ ABSL_GUARDED_BY(mutex_){};
  size_t pending_count_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t pending_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace farpage::internal

#endif  // FARPAGE_RUNTIME_SYNC_SHARED_HEAP_H_

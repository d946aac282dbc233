// The order in which cached pages were installed: first in, first out.
#ifndef FARPAGE_RUNTIME_ENGINE_CACHE_QUEUE_H_
#define FARPAGE_RUNTIME_ENGINE_CACHE_QUEUE_H_

#include <atomic>
#include <bit>
#include <cstdint>
#include <memory>
#include <optional>

#include "runtime/engine/region.h"
#include "runtime/spin_lock.h"
#include "transport/lock.h"

namespace farpage::internal {

// The processor tells nobody which pages are read, so first in, first out is what can be had
// without taking faults for it. Entries of pages that have gone meanwhile are skipped when they
// come up; a page is in the queue at most once (PageRecord::queued), and stale entries are let go
// before they fill it, so twice the capacity is enough. Thread-safe, signal-safe.
class CacheQueue {
 public:
  explicit CacheQueue(uint64_t capacity)
      : capacity_(capacity),
        ring_size_(std::bit_ceil(2 * capacity)),
        ring_(new PageId[ring_size_]) {}

  uint64_t capacity() const { return capacity_; }

  // Pages present now. One load.
  uint64_t present() const { return present_.load(std::memory_order_relaxed); }
  void AddPresent(int64_t pages) {
    present_.fetch_add(static_cast<uint64_t>(pages), std::memory_order_relaxed);
  }

  // Appends pages. Holds the queue's lock while it lives, which the analysis cannot follow.
  class Pusher {
   public:
    explicit Pusher(CacheQueue& queue) : queue_(queue), lock_(queue.lock_) {}
    // False if the ring is full: the page is then not considered for eviction until installed anew.
    bool Push(PageId page) ABSL_NO_THREAD_SAFETY_ANALYSIS {
      const uint64_t count = queue_.count_.load(std::memory_order_relaxed);
      if (count == queue_.ring_size_) return false;
      queue_.ring_[(queue_.head_ + count) & (queue_.ring_size_ - 1)] = page;
      queue_.count_.store(count + 1, std::memory_order_relaxed);
      return true;
    }

   private:
    CacheQueue& queue_;
    Hold<SpinLock> lock_;
  };

  std::optional<PageId> Pop() {
    Hold lock(lock_);
    const uint64_t count = count_.load(std::memory_order_relaxed);
    if (count == 0) return std::nullopt;
    const PageId page = ring_[head_];
    head_ = (head_ + 1) & (ring_size_ - 1);
    count_.store(count - 1, std::memory_order_relaxed);
    return page;
  }

  // True if stale entries are about to fill the ring. One load.
  bool NearlyFull() const {
    return count_.load(std::memory_order_relaxed) > ring_size_ - ring_size_ / 8;
  }

 private:
  const uint64_t capacity_;
  const uint64_t ring_size_;
  std::atomic<uint64_t> present_{0};
  SpinLock lock_;
  // Memory is touched as far as it is used.
  const std::unique_ptr<PageId[]> ring_ ABSL_GUARDED_BY(lock_);
  uint64_t head_ ABSL_GUARDED_BY(lock_) = 0;
  std::atomic<uint64_t> count_{0};  // written with the lock held
};

}  // namespace farpage::internal

#endif  // FARPAGE_RUNTIME_ENGINE_CACHE_QUEUE_H_

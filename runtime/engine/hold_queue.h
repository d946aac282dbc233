// Pages whose minimum hold will be over, in the order in which that happens.
#ifndef FARPAGE_RUNTIME_ENGINE_HOLD_QUEUE_H_
#define FARPAGE_RUNTIME_ENGINE_HOLD_QUEUE_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>

#include "runtime/engine/region.h"
#include "runtime/spin_lock.h"
#include "transport/lock.h"

namespace farpage::internal {

// All holds last equally long, so first in is first due. Bounded. Thread-safe, signal-safe.
class HoldQueue {
 public:
  // False if it is full: the hold is then over at once.
  bool Push(PageId page, int64_t due_ns) {
    Hold lock(lock_);
    const uint32_t count = count_.load(std::memory_order_relaxed);
    if (count == kCapacity) return false;
    items_[(head_ + count) % kCapacity] = {page, due_ns};
    count_.store(count + 1, std::memory_order_release);
    return true;
  }

  // The first page that is due at `now_ns`, if any.
  std::optional<PageId> Pop(int64_t now_ns) {
    Hold lock(lock_);
    const uint32_t count = count_.load(std::memory_order_relaxed);
    if (count == 0 || items_[head_].due_ns > now_ns) return std::nullopt;
    const PageId page = items_[head_].page;
    head_ = (head_ + 1) % kCapacity;
    count_.store(count - 1, std::memory_order_release);
    return page;
  }

  // One load.
  bool empty() const { return count_.load(std::memory_order_acquire) == 0; }

 private:
  static constexpr uint32_t kCapacity = 4096;
  struct Item {
    PageId page;
    int64_t due_ns = 0;
  };

  SpinLock lock_;
  uint32_t head_ ABSL_GUARDED_BY(lock_) = 0;
  std::atomic<uint32_t> count_{0};
  std::array<Item, kCapacity> items_ ABSL_GUARDED_BY(lock_);
};

}  // namespace farpage::internal

#endif  // FARPAGE_RUNTIME_ENGINE_HOLD_QUEUE_H_

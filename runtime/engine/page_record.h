// What this node knows of one page of a region: 16 bytes, lazily touched.
#ifndef FARPAGE_RUNTIME_ENGINE_PAGE_RECORD_H_
#define FARPAGE_RUNTIME_ENGINE_PAGE_RECORD_H_

#include <atomic>
#include <cstdint>

#include "directory/protocol.h"
#include "runtime/futex.h"
#include "runtime/spin_lock.h"

namespace farpage::internal {

inline constexpr uint16_t kNoSlot = 0xFFFF;

// All zero is a page that is not here. The lock guards everything else; it is held for
// microseconds, never while waiting for a peer and never while application memory may fault.
class PageRecord {
 public:
  void Lock() {
    SpinWait wait;
    while (!TryLock()) wait.Pause();
  }
  bool TryLock() {
    uint32_t word = word_.load(std::memory_order_relaxed);
    return (word & kLocked) == 0 &&
           word_.compare_exchange_strong(word, word | kLocked, std::memory_order_acquire,
                                         std::memory_order_relaxed);
  }
  // Both return the version after unlocking.
  uint32_t Unlock() { return word_.fetch_and(~kLocked, std::memory_order_release) & ~kFlags; }
  // Wakes those who sleep in SleepUntilChange().
  uint32_t UnlockChanged() {
    uint32_t word = word_.load(std::memory_order_relaxed);
    while (!word_.compare_exchange_weak(word, (word + kOneVersion) & ~kFlags,
                                        std::memory_order_release, std::memory_order_relaxed)) {
    }
    if ((word & kWaiters) != 0) FutexWakeAll(&word_);
    return (word + kOneVersion) & ~kFlags;
  }

  // Changes whenever the page's state does. Wraps after 2^30 changes.
  uint32_t version() const { return word_.load(std::memory_order_acquire) & ~kFlags; }

  // Sleeps while version() == seen, at most until `deadline_ns`. May return early.
  void SleepUntilChange(uint32_t seen, int64_t deadline_ns) {
    uint32_t word = word_.load(std::memory_order_acquire);
    if ((word & ~kFlags) != seen || (word & kLocked) != 0) return;
    if (!word_.compare_exchange_strong(word, word | kWaiters)) return;
    FutexWait(&word_, word | kWaiters, deadline_ns);
  }

  // Guarded by the lock.
  uint32_t installed_at = 0;  // Engine's coarse clock, for the minimum hold; if lost, the dead node
  directory::PageState state;
  uint16_t slot_plus_one = 0;  // the transaction's resources; 0: none
  // 14 bits of pins; whether the cache's queue holds the page; whether the last miss found that the
  // page has died with a node, which stays so
  uint16_t pins : 14 = 0;
  uint16_t queued : 1 = 0;
  uint16_t lost : 1 = 0;

 private:
  static constexpr uint32_t kLocked = 1;
  static constexpr uint32_t kWaiters = 2;
  static constexpr uint32_t kFlags = kLocked | kWaiters;
  static constexpr uint32_t kOneVersion = 4;

  std::atomic<uint32_t> word_{0};
};
static_assert(sizeof(directory::PageState) == 4);
static_assert(sizeof(PageRecord) == 16);

}  // namespace farpage::internal

#endif  // FARPAGE_RUNTIME_ENGINE_PAGE_RECORD_H_

// A lock with a version, in 4 bytes: for what this node knows of one page.
#ifndef FARPAGE_RUNTIME_ENGINE_RECORD_LOCK_H_
#define FARPAGE_RUNTIME_ENGINE_RECORD_LOCK_H_

#include <atomic>
#include <cstdint>

#include "runtime/futex.h"
#include "runtime/spin_lock.h"

namespace farpage::internal {

// Held for microseconds, never while waiting for a peer and never while application memory may
// fault. All zero is unlocked. Signal-safe.
class RecordLock {
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
    uint32_t next = NextVersion(word);
    while (!word_.compare_exchange_weak(word, next, std::memory_order_release,
                                        std::memory_order_relaxed)) {
      next = NextVersion(word);
    }
    if ((word & kWaiters) != 0) FutexWakeAll(&word_);
    return next;
  }

  // Changes whenever the page's state does. Wraps after 2^30 changes.
  uint32_t version() const { return word_.load(std::memory_order_acquire) & ~kFlags; }

  // True if it has never been locked. Once UnlockChanged() has been called it never is again.
  bool untouched() const { return word_.load(std::memory_order_acquire) == 0; }

  // Sleeps while version() == seen, at most until `deadline_ns`. May return early.
  void SleepUntilChange(uint32_t seen, int64_t deadline_ns) {
    uint32_t word = word_.load(std::memory_order_acquire);
    if ((word & ~kFlags) != seen || (word & kLocked) != 0) return;
    if (!word_.compare_exchange_strong(word, word | kWaiters)) return;
    FutexWait(&word_, word | kWaiters, deadline_ns);
  }

 private:
  // Never 0 again: that is for what was never touched.
  static uint32_t NextVersion(uint32_t word) {
    const uint32_t next = (word + kOneVersion) & ~kFlags;
    return next != 0 ? next : kOneVersion;
  }

  static constexpr uint32_t kLocked = 1;
  static constexpr uint32_t kWaiters = 2;
  static constexpr uint32_t kFlags = kLocked | kWaiters;
  static constexpr uint32_t kOneVersion = 4;

  std::atomic<uint32_t> word_{0};
};

}  // namespace farpage::internal

#endif  // FARPAGE_RUNTIME_ENGINE_RECORD_LOCK_H_

// A lock for code that may run in a signal handler: it is held for a few microseconds at most, and
// never while application memory is touched.
#ifndef FARPAGE_RUNTIME_SPIN_LOCK_H_
#define FARPAGE_RUNTIME_SPIN_LOCK_H_

#include <atomic>

#include "absl/base/thread_annotations.h"
#include "runtime/futex.h"

namespace farpage::internal {

// Tells the processor that this is a spin loop.
inline void SpinPause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Spins politely: after some turns the processor is offered to whoever holds the lock.
class SpinWait {
 public:
  void Pause() {
    if (++turns_ % 64 == 0) {
      YieldThread();
    } else {
      SpinPause();
    }
  }

 private:
  unsigned turns_ = 0;
};

// Lockable, and known to clang's thread-safety analysis.
class ABSL_LOCKABLE SpinLock {
 public:
  void lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() {
    SpinWait wait;
    while (!try_lock()) wait.Pause();
  }
  bool try_lock() ABSL_EXCLUSIVE_TRYLOCK_FUNCTION(true) {
    return !held_.load(std::memory_order_relaxed) &&
           !held_.exchange(true, std::memory_order_acquire);
  }
  void unlock() ABSL_UNLOCK_FUNCTION() { held_.store(false, std::memory_order_release); }

 private:
  std::atomic<bool> held_{false};
};

}  // namespace farpage::internal

#endif  // FARPAGE_RUNTIME_SPIN_LOCK_H_

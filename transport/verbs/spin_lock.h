// A lock for a few dozen instructions, usable in a signal handler: it is never held while memory is
// touched that may fault.
#ifndef FARPAGE_TRANSPORT_VERBS_SPIN_LOCK_H_
#define FARPAGE_TRANSPORT_VERBS_SPIN_LOCK_H_

#include <sched.h>

#include <atomic>

#include "absl/base/thread_annotations.h"

namespace farpage::transport::verbs {

inline void Pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// Known to clang's thread-safety analysis.
class ABSL_LOCKABLE SpinLock {
 public:
  bool try_lock() ABSL_EXCLUSIVE_TRYLOCK_FUNCTION(true) {
    return !held_.load(std::memory_order_relaxed) &&
           !held_.exchange(true, std::memory_order_acquire);
  }
  void lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() {
    for (int spins = 0; !try_lock(); ++spins) {
      // The holder may have lost its processor to us.
      if (spins < 100)
        Pause();
      else
        ::sched_yield();
    }
  }
  void unlock() ABSL_UNLOCK_FUNCTION() { held_.store(false, std::memory_order_release); }

 private:
  std::atomic<bool> held_{false};
};

}  // namespace farpage::transport::verbs

#endif  // FARPAGE_TRANSPORT_VERBS_SPIN_LOCK_H_

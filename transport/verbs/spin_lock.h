// A lock for a few dozen instructions, usable in a signal handler: it is never held while memory is
// touched that may fault.
#ifndef FARPAGE_TRANSPORT_VERBS_SPIN_LOCK_H_
#define FARPAGE_TRANSPORT_VERBS_SPIN_LOCK_H_

#include <sched.h>

#include <atomic>

namespace farpage::transport::verbs {

inline void Pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

class SpinLock {
 public:
  bool try_lock() {
    return !held_.load(std::memory_order_relaxed) &&
           !held_.exchange(true, std::memory_order_acquire);
  }
  void lock() {
    for (int spins = 0; !try_lock(); ++spins) {
      // The holder may have lost its processor to us.
      if (spins < 100)
        Pause();
      else
        ::sched_yield();
    }
  }
  void unlock() { held_.store(false, std::memory_order_release); }

 private:
  std::atomic<bool> held_{false};
};

}  // namespace farpage::transport::verbs

#endif  // FARPAGE_TRANSPORT_VERBS_SPIN_LOCK_H_

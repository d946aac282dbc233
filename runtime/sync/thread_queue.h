// A lock among the threads of one node: first come, first served, with a deadline.
#ifndef FARPAGE_RUNTIME_SYNC_THREAD_QUEUE_H_
#define FARPAGE_RUNTIME_SYNC_THREAD_QUEUE_H_

#include <atomic>
#include <cstdint>

#include "runtime/fabric.h"
#include "runtime/spin_lock.h"
#include "transport/lock.h"

namespace farpage::internal {

// Whoever releases it hands it to the thread that has waited longest, so that no thread starves
// beside one that takes it again and again. Any thread may release it. Not signal-safe.
class ThreadQueue {
 public:
  explicit ThreadQueue(const Fabric& fabric) : fabric_(fabric) {}
  ThreadQueue(const ThreadQueue&) = delete;
  ThreadQueue& operator=(const ThreadQueue&) = delete;

  // Takes it if nobody has it.
  bool TryAcquire();

  // Waits for it; false if the deadline (Fabric::NowNs()) passed first. The thread sleeps after a
  // few microseconds.
  bool AcquireBy(int64_t deadline_ns);

  void Release();

 private:
  struct Waiter;
  void Remove(Waiter* waiter) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_);

  const Fabric& fabric_;
  SpinLock lock_;
  bool held_ ABSL_GUARDED_BY(lock_) = false;
  Waiter* first_ ABSL_GUARDED_BY(lock_) = nullptr;
  Waiter* last_ ABSL_GUARDED_BY(lock_) = nullptr;
};

}  // namespace farpage::internal

#endif  // FARPAGE_RUNTIME_SYNC_THREAD_QUEUE_H_

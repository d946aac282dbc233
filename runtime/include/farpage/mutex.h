// A lock shared by all nodes.
#ifndef FARPAGE_MUTEX_H_
#define FARPAGE_MUTEX_H_

#include <memory>

#include "absl/status/status.h"

namespace farpage {

namespace internal {
class QueueLock;
}

// A queue lock in registered memory, after Mellor-Crummey and Scott (TOCS 1991): nodes queue by
// compare-and-swap on a word at the lock's home and hand over with one write to the next in line.
// No processor of another node takes part. Fair between nodes: first come, first served; threads
// of one node queue behind each other first. Not recursive. Copies name the same lock.
//
// Uncontended, lock and unlock cost one fabric atomic each.
class Mutex {
 public:
  explicit Mutex(std::shared_ptr<internal::QueueLock> lock);

  // UNAVAILABLE names the node that died holding or waiting, DEADLINE_EXCEEDED the node that held
  // it when ClusterOptions::timeout_ms ran out. The lock is then not held.
  [[nodiscard]] absl::Status Lock();
  [[nodiscard]] absl::Status Unlock();

  // Lockable, for std::lock_guard, std::unique_lock and std::scoped_lock. lock() throws
  // std::system_error where Lock() returns an error, as std::mutex::lock() does; unlock() reports
  // an error by ending the process, for a destructor cannot throw.
  void lock();
  bool try_lock();
  void unlock();

 private:
  std::shared_ptr<internal::QueueLock> lock_;
};

}  // namespace farpage

#endif  // FARPAGE_MUTEX_H_

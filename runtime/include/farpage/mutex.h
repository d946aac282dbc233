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
// of one node queue behind each other first. Not recursive. Copies name the same lock, and must not
// outlive the Node. Any thread; any thread of a node may unlock what one of its threads has locked.
//
// Orders: what was written before an unlock is seen after every later lock, on any node.
//
// Uncontended, lock and unlock cost one fabric atomic each; with release consistency, and what this
// node has written since it last released (unlock) or what notices name (lock).
class Mutex {
 public:
  explicit Mutex(std::shared_ptr<internal::QueueLock> lock);

  // The lock is not held after an error. UNAVAILABLE names the node that died holding it or waiting
  // for it; nobody can lock it any more. DEADLINE_EXCEEDED names the node that held it when
  // ClusterOptions::timeout_ms ran out; this node then keeps its place in the queue, and when its
  // turn comes all others wait until one of its threads calls Lock() again: do, or leave.
  [[nodiscard]] absl::Status Lock();

  // FAILED_PRECONDITION if this node does not hold it. UNAVAILABLE if the lock is broken, what was
  // done under it having been exclusive to the end; or, the lock going on, if something that this
  // node wrote is lost with its home.
  [[nodiscard]] absl::Status Unlock();

  // Lockable, for std::lock_guard, std::unique_lock and std::scoped_lock. lock() and try_lock()
  // throw std::system_error where Lock() returns an error, as std::mutex::lock() does (errc
  // host_unreachable, timed_out). try_lock() does not wait for who holds the lock, and costs one
  // fabric atomic. unlock() can neither return nor throw (a destructor calls it): it prints
  // UNAVAILABLE on standard error, and ends the process where this node does not hold the lock.
  void lock();
  bool try_lock();
  void unlock();

 private:
  std::shared_ptr<internal::QueueLock> lock_;
};

}  // namespace farpage

#endif  // FARPAGE_MUTEX_H_

// A lock shared by all nodes, for many readers or one writer.
#ifndef FARPAGE_SHARED_MUTEX_H_
#define FARPAGE_SHARED_MUTEX_H_

#include <memory>

#include "absl/status/status.h"

namespace farpage {

namespace internal {
class Permits;
}

// Readers hold it together, a writer alone (Courtois, Heymans and Parnas, Concurrent Control with
// “Readers” and “Writers”, CACM 1971). First come, first served between nodes, so that neither
// readers nor writers starve: who comes while another waits, waits behind it, and readers next to
// each other in the line are let in together. Threads of one node queue behind each other first.
// Not recursive, for shares neither. Copies name the same lock. No processor of another node takes
// part. Any thread; any thread of a node may give back what one of its threads has locked.
//
// Orders: every lock sees what was written before the unlocks that came before it, whatever the
// kinds of either. Must not outlive the Node.
//
// Uncontended, each function costs what locking and unlocking a Mutex does, and one READ and one
// WRITE: it holds a Mutex of its own for so long (Counter::locks counts it). Who waits is woken by
// one write and takes that Mutex once more. With release consistency, what this node has written is
// released by locking too.
class SharedMutex {
 public:
  explicit SharedMutex(std::shared_ptr<internal::Permits> permits);

  // UNAVAILABLE names a node that died holding it (all who would have to wait are told; readers may
  // join readers while no writer waits), or holding the Mutex within, or its home;
  // DEADLINE_EXCEEDED the nodes that held it when ClusterOptions::timeout_ms ran out. It is then
  // not held, and this node has no place in the line.
  [[nodiscard]] absl::Status Lock();
  [[nodiscard]] absl::Status LockShared();

  // FAILED_PRECONDITION if this node does not hold it so. UNAVAILABLE if the lock is lost, as
  // above: what was done under it was exclusive to the end; or, the lock going on, if something
  // that this node wrote is lost with its home. DEADLINE_EXCEEDED if the Mutex within was not to be
  // had: it is still held, unlock again.
  [[nodiscard]] absl::Status Unlock();
  [[nodiscard]] absl::Status UnlockShared();

  // SharedLockable, for std::unique_lock and std::shared_lock. lock() and lock_shared() throw
  // std::system_error where Lock() returns an error. The tries wait for the Mutex within, and throw
  // if whoever holds the lock is dead. The unlocks can neither return nor throw (destructors call
  // them): they print other errors on standard error, and FAILED_PRECONDITION ends the process.
  void lock();
  bool try_lock();
  void unlock();
  void lock_shared();
  bool try_lock_shared();
  void unlock_shared();

 private:
  std::shared_ptr<internal::Permits> permits_;
};

}  // namespace farpage

#endif  // FARPAGE_SHARED_MUTEX_H_

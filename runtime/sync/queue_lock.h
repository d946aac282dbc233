// The lock behind farpage::Mutex.
#ifndef FARPAGE_RUNTIME_SYNC_QUEUE_LOCK_H_
#define FARPAGE_RUNTIME_SYNC_QUEUE_LOCK_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/cluster.h"
#include "runtime/sync/lock_words.h"
#include "runtime/sync/thread_queue.h"

namespace farpage::internal {

// The queue lock of Mellor-Crummey and Scott (Algorithms for Scalable Synchronization, TOCS 1991)
// over fabric atomics. The queue's tail is a word at the lock's home. Each node has one place in
// the queue; its threads take turns for it, and each turn queues anew, so that no node keeps the
// lock from the others. Fabrics have no swap: a node queues by compare-and-swap, again where
// another node was faster.
//
// Locking acquires and unlocking releases, for the threads of this process and between nodes. Where
// there is memory with release consistency, the vector clock of the last release stays at the home
// of a lock that is free, and goes along with one that is handed over.
//
// When a wait ends without the lock:
// - Timeout. The node keeps its place, for a place in the middle of the queue cannot be given up by
//   one-sided operations. Its next Lock() waits on in that place; until somebody calls it, a lock
//   that was handed over stays there, and the others' timeouts name this node.
// - A node died that held the lock or waited for it. The node behind it sees that and breaks the
//   lock for good: a mark in the tail ends all waits within a fraction of a second, naming the dead
//   node. Whoever holds the lock then is not disturbed. A dead node that was last in the queue is
//   taken out by the node before it, and all goes on. A dead home ends the lock too.
//
// Any thread. Must not outlive the cluster.
class QueueLock {
 public:
  // `memory` has a place for lock number `slot`, of PlaceBytes(), on every node.
  QueueLock(Cluster& cluster, std::shared_ptr<const SymmetricMemory> memory, uint32_t slot,
            NodeId home, std::string name);
  QueueLock(const QueueLock&) = delete;
  QueueLock& operator=(const QueueLock&) = delete;

  static constexpr size_t PlaceBytes(uint32_t nodes) {
    return sizeof(LockWords) + (kClocks * nodes * sizeof(ClockWord) + 63) / 64 * 64;
  }

  const std::string& name() const { return name_; }
  NodeId home() const { return home_; }

  // UNAVAILABLE names a node that died, DEADLINE_EXCEEDED the node that holds the lock. Cost: one
  // fabric atomic if the lock is free, else one more, one write, and a write of the node before.
  absl::Status Lock();

  // True if the lock was free and is now held. One fabric atomic. UNAVAILABLE as above.
  absl::StatusOr<bool> TryLock();

  // FAILED_PRECONDITION if this node does not hold it. Any other error says that the lock broke and
  // nobody can have it any more; what was done under it was exclusive to the end. Cost: one fabric
  // atomic, or one write if a node waits.
  absl::Status Unlock();

 private:
  // Called by the thread that has this node's turn. A deadline of 0 is computed when it is needed:
  // a lock that is free is taken without a look at the clock.
  absl::Status LockOnly();
  // After it has been locked. On an error it is locked no more.
  absl::Status AcquireMemory();
  absl::Status UnlockOnly();
  absl::Status Enter(int64_t deadline_ns);
  absl::Status Queue(int64_t deadline_ns);
  absl::Status WaitForGrant(int64_t deadline_ns);
  absl::Status Leave();
  absl::Status WaitForSuccessor();
  absl::Status HandOver(NodeId successor);

  // Operations on the tail; they return what they found. If the home failed, the lock is broken.
  // Where the tail changes from or to a free lock, the clock is read after or written before.
  enum class WithClock : uint8_t { kNo, kRead, kWrite };
  absl::StatusOr<uint64_t> SwapTail(uint64_t expected, uint64_t desired,
                                    WithClock with_clock = WithClock::kNo);
  absl::StatusOr<uint64_t> ReadTail();

  absl::Status Break(BreakMark mark);   // for all nodes
  absl::Status Broken(BreakMark mark);  // for this one
  absl::Status HomeFailed(transport::Fate fate);
  absl::Status TimedOut();
  absl::Status NoTurn() const;
  NodeId FindHolder();

  // After the LockWords lie the vector clocks: that of the last release, where the lock is at home
  // and free; that which came with the lock when it was handed over; and where this node reads the
  // first to, and writes both from. What it writes from stays until the lock has come back here.
  enum ClockPlace : size_t { kAtHome, kHandedOver, kRead, kWritten, kClocks };
  size_t ClockOffset(ClockPlace place) const {
    return sizeof(LockWords) + place * cluster_.size() * sizeof(ClockWord);
  }
  VectorClock Clock(ClockPlace place) const {
    return {reinterpret_cast<ClockWord*>(memory_->own->data() + offset_ + ClockOffset(place)),
            cluster_.size()};
  }
  transport::Operation ReadClock(NodeId node, ClockPlace place) const;
  transport::Operation WriteClock(NodeId node, ClockPlace place) const;

  transport::Fate Run(NodeId node, std::span<const transport::Operation> operations);
  transport::RemoteAddress WordOf(NodeId node, size_t offset) const {
    return memory_->remote[node.value()] + (offset_ + offset);
  }

  Cluster& cluster_;
  const std::shared_ptr<const SymmetricMemory> memory_;
  const size_t offset_;  // of this lock's LockWords
  const NodeId home_;
  const std::string name_;
  const uint64_t ticket_;
  LockWords& words_;
  const bool completes_inline_;

  ThreadQueue threads_;
  std::atomic<bool> held_{false};
  bool handed_over_ = false;  // the lock came from another node, not from its home
  NodeId before_;             // set while this node has a place in the queue behind another
  absl::Status broken_;       // once it is not OK, the answer to everything
};

// Makes locks whose words share allocations.
class QueueLockPool {
 public:
  // `batch`: locks per allocation.
  explicit QueueLockPool(Cluster& cluster, uint32_t batch = 64)
      : cluster_(cluster), batch_(batch) {}

  // Collective; INVALID_ARGUMENT if the nodes give different names. The home is chosen by the name.
  absl::StatusOr<std::shared_ptr<QueueLock>> Make(std::string_view name);

 private:
  Cluster& cluster_;
  const uint32_t batch_;
  uint32_t used_ = 0;  // slots of memory_
  std::shared_ptr<const SymmetricMemory> memory_;
};

// A lock with an allocation of its own. Collective.
absl::StatusOr<std::shared_ptr<QueueLock>> MakeQueueLock(Cluster& cluster, std::string_view name);

}  // namespace farpage::internal

#endif  // FARPAGE_RUNTIME_SYNC_QUEUE_LOCK_H_

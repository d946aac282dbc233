// Permits in a number, given out first come, first served: behind farpage::SharedMutex and
// farpage::Semaphore.
#ifndef FARPAGE_RUNTIME_SYNC_PERMITS_H_
#define FARPAGE_RUNTIME_SYNC_PERMITS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/cluster.h"
#include "runtime/spin_lock.h"
#include "runtime/sync/permit_words.h"
#include "runtime/sync/queue_lock.h"
#include "runtime/sync/thread_queue.h"
#include "transport/lock.h"

namespace farpage::internal {

// A monitor (Hoare, Monitors: An Operating System Structuring Concept, CACM 1974) over a queue
// lock: the words that it protects lie at the lock's home, are read when it has been locked and
// written before it is unlocked. Each node has one place in the line of those who wait; its threads
// take turns for it. Whoever brings permits back gives them to the first in line, with one write to
// a word on which that node sleeps; it then locks once more, which is how it acquires what was
// released. The lock carries the vector clock, so everything that was done with permits before is
// seen by who has come later.
//
// When a node dies:
// - within the lock: the lock breaks for good (QueueLock), and the permits with it;
// - waiting: it is taken out of the line;
// - with permits of kSharedMutex: those who would have to wait are told, now and later. Nobody else
//   is disturbed;
// - any node, where permits are not any node's (kSemaphore): the same.
// A wait that ends for lack of time gives its place up.
//
// Any thread. Must not outlive the cluster.
class Permits {
 public:
  enum class Kind : uint8_t {
    kSharedMutex,  // who has taken them gives them back: one (a share) or all
    kSemaphore,    // anybody adds to them
  };
  static constexpr uint64_t kAll = uint64_t{1} << 32;   // kSharedMutex: how many there are
  static constexpr uint64_t kMost = uint64_t{1} << 62;  // kSemaphore: how many there may be

  // Collective. INVALID_ARGUMENT if the nodes give different names or numbers, or more than kMost.
  // `locks` must be the same on all nodes.
  static absl::StatusOr<std::shared_ptr<Permits>> Create(Cluster& cluster, QueueLockPool& locks,
                                                         Kind kind, std::string_view name,
                                                         uint64_t permits);

  NodeId home() const { return lock_->home(); }

  // As the functions of SharedMutex and Semaphore.
  absl::Status Acquire(uint64_t count);
  absl::StatusOr<bool> TryAcquire(uint64_t count);
  absl::Status Release(uint64_t count);

 private:
  Permits(Cluster& cluster, Kind kind, std::string what, std::shared_ptr<QueueLock> lock,
          SymmetricMemory memory);

  // Between these the words are here, and this thread's. After Enter() failed there is no Leave().
  // What Leave() returns says whether the words were written. That something released with the
  // lock's unlocking was lost is kept for the next Release().
  absl::Status Enter();
  absl::Status Leave();

  // Within the lock.
  bool Take(uint64_t count);
  void Return(uint64_t count);
  void Advance();
  bool Grant(NodeId node);
  PermitPlace* First();
  void Settle();
  absl::Status CheckRelease(uint64_t count);
  absl::Status Dead();
  absl::Status TimedOut();
  absl::Status Dropped() const;

  // With this node's place.
  absl::Status AcquireInPlace(uint64_t count, int64_t deadline_ns);
  absl::Status Wait(uint64_t signal_seen, int64_t deadline_ns);
  bool StillWaits() { return mine().turn == waiting_turn_ && mine().wanted != 0; }

  transport::Fate Run(const transport::Operation& operation);
  absl::Status HomeFailed(transport::Fate fate) const;
  std::string Timeout() const;

  // In every node's memory: the signal, the words where this node reads them to; and where they
  // are, at the home.
  size_t bytes() const { return PermitBytes(cluster_.size()); }
  size_t home_offset() const { return sizeof(PermitSignal) + bytes(); }
  std::atomic<uint64_t>& signal() const {
    return reinterpret_cast<PermitSignal*>(memory_.own->data())->turn;
  }
  std::byte* copy() const { return memory_.own->data() + sizeof(PermitSignal); }
  PermitHead& head() const { return *reinterpret_cast<PermitHead*>(copy()); }
  PermitPlace& place(NodeId node) const {
    return reinterpret_cast<PermitPlace*>(copy() + sizeof(PermitHead))[node.value()];
  }
  PermitPlace& mine() const { return place(cluster_.self()); }

  Cluster& cluster_;
  const Kind kind_;
  const std::string what_;  // for errors: "semaphore 's'"
  const std::shared_ptr<QueueLock> lock_;
  const SymmetricMemory memory_;

  bool changed_ = false;  // the words, since Enter()

  ThreadQueue place_;           // whose turn it is to stand in line
  uint64_t waiting_turn_ = 0;   // what this node waits for, or has stopped to wait for
  uint64_t waiting_count_ = 0;  // without being able to say so; 0 if nothing

  SpinLock lost_lock_;
  absl::Status lost_ ABSL_GUARDED_BY(lost_lock_);  // see Leave()
};

}  // namespace farpage::internal

#endif  // FARPAGE_RUNTIME_SYNC_PERMITS_H_

// What orders simulated programs: locks of every kind, and a barrier of flags.
#ifndef FARPAGE_TESTS_SIMULATION_SYNCHRONISATION_H_
#define FARPAGE_TESTS_SIMULATION_SYNCHRONISATION_H_

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/sync/permits.h"
#include "runtime/sync/queue_lock.h"
#include "runtime/sync/signal_flag.h"

namespace farpage::simulation {

class SimulatedNode;

enum class LockKind : uint8_t { kMutex, kSharedMutex, kSemaphore };

// A semaphore has one permit. Only a shared mutex is held by several readers.
class AnyLock {
 public:
  // Collective, called by the node's first thread.
  AnyLock(SimulatedNode& node, LockKind kind, std::string_view name);

  absl::Status Lock(bool shared);
  absl::StatusOr<bool> TryLock(bool shared);
  absl::Status Unlock(bool shared);

 private:
  uint64_t Count(bool shared) const {
    return kind_ == LockKind::kSharedMutex && !shared ? internal::Permits::kAll : 1;
  }

  LockKind kind_;
  std::shared_ptr<internal::QueueLock> mutex_;
  std::shared_ptr<internal::Permits> permits_;
};

// A flag for each node: the word goes round twice, to gather and to let go.
class FlagBarrier {
 public:
  // Collective, called by the node's first thread. At least two nodes.
  explicit FlagBarrier(SimulatedNode& node);

  // The node's first thread only.
  absl::Status Wait();

 private:
  internal::SignalFlag& own() { return *flags_[self_]; }
  internal::SignalFlag& next() { return *flags_[(self_ + 1) % flags_.size()]; }

  const size_t self_;
  std::vector<std::shared_ptr<internal::SignalFlag>> flags_;
  uint64_t rounds_ = 0;
};

}  // namespace farpage::simulation

#endif  // FARPAGE_TESTS_SIMULATION_SYNCHRONISATION_H_

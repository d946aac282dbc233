// What barriers and locks carry besides themselves: which writes must be seen by whoever passes.
#ifndef FARPAGE_RUNTIME_ORDERING_H_
#define FARPAGE_RUNTIME_ORDERING_H_

#include <atomic>
#include <cstdint>
#include <span>

#include "absl/status/status.h"

namespace farpage::internal {

// A vector clock: for each node, how many notices of its log are known. Where it lies in registered
// memory, other nodes write it, a word at a time.
using ClockWord = std::atomic<uint64_t>;
using VectorClock = std::span<ClockWord>;

// Any thread, but not in a signal handler.
class Ordering {
 public:
  virtual ~Ordering() = default;

  // Makes what this node has written visible to whoever acquires the clock, and writes the clock.
  // UNAVAILABLE names a home that has failed: what was written to its pages is lost; all else is
  // released. DEADLINE_EXCEEDED if another thread of this node is in here for too long. The clock
  // is written all the same, and has at least what was acquired before. Cost if nothing was
  // written: a load per node and region.
  virtual absl::Status Release(VectorClock clock) = 0;

  // Makes visible here what was released with `clock`, or was visible to who released it.
  // DEADLINE_EXCEEDED if another thread of this node is in here for too long, and UNAVAILABLE if
  // the home of a pinned page has failed: nothing is then known to be visible. Cost: a load per
  // node if there is nothing new, else a chain of READs per log that has grown.
  virtual absl::Status Acquire(VectorClock clock) = 0;
};

}  // namespace farpage::internal

#endif  // FARPAGE_RUNTIME_ORDERING_H_

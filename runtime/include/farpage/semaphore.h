// A counting semaphore shared by all nodes.
#ifndef FARPAGE_SEMAPHORE_H_
#define FARPAGE_SEMAPHORE_H_

#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace farpage {

namespace internal {
class Permits;
}

// A number of permits (Dijkstra, Cooperating Sequential Processes, 1968). Any node takes one or
// adds some; those who wait are served in the order they came, a node's threads behind each other.
// No processor of another node takes part. Any thread. Copies name the same semaphore, and must not
// outlive the Node.
//
// Orders: what was written before a Release() is seen after every Acquire() that comes later,
// whichever permit it takes.
//
// Uncontended, each function costs what locking and unlocking a Mutex does, and one READ and one
// WRITE: it holds a Mutex of its own for so long (Counter::locks counts it). Who waits is woken by
// one write and takes that Mutex once more. With release consistency, what this node has written is
// released by acquiring too.
class Semaphore {
 public:
  explicit Semaphore(std::shared_ptr<internal::Permits> permits);

  // UNAVAILABLE if a permit would have to be waited for and a node has died, which it names: who
  // would have released it is not known. DEADLINE_EXCEEDED after ClusterOptions::timeout_ms. Either
  // way no permit was taken.
  [[nodiscard]] absl::Status Acquire();

  // True if a permit was free, for nobody waited before, and was taken. Does not wait, except for
  // the Mutex within.
  [[nodiscard]] absl::StatusOr<bool> TryAcquire();

  // INVALID_ARGUMENT if there would be more than 2^62 permits. UNAVAILABLE if the semaphore is lost
  // with its home or with a node that died holding the Mutex within; or, the permits being
  // released, if something that this node wrote is lost with its home. DEADLINE_EXCEEDED if the
  // Mutex within was not to be had: nothing was released.
  [[nodiscard]] absl::Status Release(uint64_t permits = 1);

 private:
  std::shared_ptr<internal::Permits> permits_;
};

}  // namespace farpage

#endif  // FARPAGE_SEMAPHORE_H_

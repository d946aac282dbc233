// A number that one node waits for and all nodes raise.
#ifndef FARPAGE_FLAG_H_
#define FARPAGE_FLAG_H_

#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace farpage {

namespace internal {
class SignalFlag;
}

// A 64-bit value at the waiting node that only grows, from 0: the greatest that any node has set.
// No processor of another node takes part. Any thread, several at once. Copies name the same flag,
// and must not outlive the Node.
//
// Each node sets a place of its own, beside which lies what it has released; so several may set at
// once, and none undoes or hides another's. The waiting node keeps 8·N·(N + 1) bytes for N nodes.
class Flag {
 public:
  explicit Flag(std::shared_ptr<internal::SignalFlag> flag);

  uint32_t waiting_node() const;

  // Raises the flag to `value`; where it is that or more already, it stays, but what was written is
  // passed on all the same. Returns when the value is there. UNAVAILABLE names the waiting node if
  // it died; or, the flag being set, the home of something that this node wrote and is lost.
  // DEADLINE_EXCEEDED after ClusterOptions::timeout_ms. Cost: a release and one chain of three
  // writes.
  [[nodiscard]] absl::Status Set(uint64_t value);

  // Waits until the flag is `value` or more; returns what it is. What was written before every
  // Set() that has arrived by then is seen after it, so at least before one that set `value` or
  // more; if others are to have set theirs too, give each a flag or values of its own.
  // UNAVAILABLE names a node that has died while the flag is less: it might have set it.
  // DEADLINE_EXCEEDED after ClusterOptions::timeout_ms. FAILED_PRECONDITION on any other node than
  // the waiting one. Cost if there is no need to wait: some loads, and an acquire.
  [[nodiscard]] absl::StatusOr<uint64_t> WaitUntil(uint64_t value);

 private:
  std::shared_ptr<internal::SignalFlag> flag_;
};

}  // namespace farpage

#endif  // FARPAGE_FLAG_H_

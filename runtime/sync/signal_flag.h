// What is behind farpage::Flag.
#ifndef FARPAGE_RUNTIME_SYNC_SIGNAL_FLAG_H_
#define FARPAGE_RUNTIME_SYNC_SIGNAL_FLAG_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/cluster.h"
#include "runtime/sync/thread_queue.h"

namespace farpage::internal {

// At the waiting node lies, for each node that may set, a place: the value it has set and the
// vector clock of its release. A set writes the clock, then the value, then rings a bell: a word on
// which the waiting node sleeps, and into which everybody writes numbers that nobody has written
// before. So sets need no order among each other: a bell that another overwrites has still changed.
//
// A clock may be overwritten by the next set while it is read. Both are of one node, whose clocks
// only grow, so what is read is between the two, and all of it has been released.
//
// Any thread. Must not outlive the cluster.
class SignalFlag {
 public:
  // Collective. INVALID_ARGUMENT if the nodes give different names or waiting nodes, or none that
  // exists.
  static absl::StatusOr<std::shared_ptr<SignalFlag>> Create(Cluster& cluster, std::string_view name,
                                                            uint32_t waiting_node);

  NodeId waiting_node() const { return waiting_node_; }

  // As the functions of Flag.
  absl::Status Set(uint64_t value);
  absl::StatusOr<uint64_t> WaitUntil(uint64_t value);

 private:
  struct alignas(64) Line {
    std::atomic<uint64_t> word;
  };

  SignalFlag(Cluster& cluster, std::string what, NodeId waiting_node, SymmetricMemory memory);
  absl::Status SetInTurn(uint64_t value, int64_t deadline_ns);
  uint64_t Value() const;
  absl::Status Acquire();
  absl::Status NotSet(transport::Fate fate, uint64_t value, uint64_t found) const;

  // In every node's memory: the clock that a set writes from. Then, at the waiting node: the bell,
  // and the places, each a value and a clock.
  static size_t ClockBytes(uint32_t nodes) { return (nodes * sizeof(ClockWord) + 63) / 64 * 64; }
  static size_t PlaceBytes(uint32_t nodes) { return sizeof(Line) + ClockBytes(nodes); }
  size_t bell_offset() const { return ClockBytes(cluster_.size()); }
  size_t place_offset(NodeId node) const {
    return bell_offset() + sizeof(Line) + node.value() * PlaceBytes(cluster_.size());
  }
  const std::atomic<uint64_t>& word(size_t offset) const {
    return *reinterpret_cast<const std::atomic<uint64_t>*>(memory_.own->data() + offset);
  }

  Cluster& cluster_;
  const std::string what_;  // for errors: "flag 'f'"
  const NodeId waiting_node_;
  const SymmetricMemory memory_;

  ThreadQueue setters_;  // of this node
  uint64_t set_ = 0;     // what this node has set
  uint64_t rings_ = 0;   // how often
};

}  // namespace farpage::internal

#endif  // FARPAGE_RUNTIME_SYNC_SIGNAL_FLAG_H_

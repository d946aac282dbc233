// A barrier over all nodes.
#ifndef FARPAGE_RUNTIME_SYNC_BARRIER_H_
#define FARPAGE_RUNTIME_SYNC_BARRIER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/cluster.h"

namespace farpage::internal {

// The dissemination barrier of Hensgen, Finkel and Manber (Two Algorithms for Barrier
// Synchronization, IJPP 1988): in round k a node signals the node 2^k after it and waits for the
// one 2^k before it, so that after ⌈log2 N⌉ rounds everyone has heard of everyone. A signal is one
// kWriteWithImmediate of the epoch, the number of times the barrier was waited for; nobody's
// processor is needed to pass it on.
//
// Everything a node's thread did before Wait() happens before everything any node's thread does
// after it. Used by one thread of each node at a time, the same number of times by each.
class Barrier {
 public:
  // Collective.
  static absl::StatusOr<std::unique_ptr<Barrier>> Create(Cluster& cluster);

  // Waits until every node has called it as often as this one. Where there is memory with release
  // consistency, it is released before and acquired afterwards: with its signal, a node passes on
  // the lengths of all logs that it has heard of. UNAVAILABLE names a node that
  // failed, DEADLINE_EXCEEDED the nodes that have not come within ClusterOptions::timeout_ms. After
  // an error the barrier stays broken: every later call returns the error again.
  // Cost: ⌈log2 N⌉ one-way writes. Nothing is allocated and no clock is read while signals are
  // there as soon as they are looked for. Free for one node.
  absl::Status Wait();

 private:
  // What lies in every node's memory. Words that different nodes write have lines of their own.
  struct alignas(64) Line {
    std::atomic<uint64_t> word;
  };
  static constexpr size_t kEntered = 0;  // the owner's epoch, for the others' error messages
  static constexpr size_t kScratch = 1;  // where this node reads others' epochs to
  static constexpr size_t kSignals = 2;  // one per round: the epoch signalled
  // Then, twice, a word per node: the lengths of the nodes' logs, in epochs with even and with odd
  // numbers. Who is an epoch ahead writes into the other half; nobody can be two ahead.

  struct Round {
    NodeId to;                          // whom this node signals
    NodeId from;                        // who signals this node
    transport::RemoteAddress there;     // to's word
    const std::atomic<uint64_t>* here;  // from's signal arrives here
  };

  Barrier(Cluster& cluster, SymmetricMemory memory, uint32_t rounds);
  absl::Status Meet();
  transport::Fate Signal(const Round& round, uint32_t heard_of);
  size_t LengthsOffset() const {
    return (kSignals + rounds_.size()) * sizeof(Line) +
           (epoch_ & 1) * cluster_.size() * sizeof(ClockWord);
  }
  VectorClock Lengths() const {
    return {reinterpret_cast<ClockWord*>(memory_.own->data() + LengthsOffset()), cluster_.size()};
  }
  Line* line(size_t index) const { return reinterpret_cast<Line*>(memory_.own->data()) + index; }

  absl::Status WaitSlow(const Round& round);
  absl::Status Break(transport::Fate fate, const Round& round, NodeId waited_for);
  std::string MissingNodes();

  Cluster& cluster_;
  const SymmetricMemory memory_;
  std::vector<Round> rounds_;
  std::vector<ClockWord> clock_;  // of this node's release
  uint64_t epoch_ = 0;
  absl::Status broken_;
};

}  // namespace farpage::internal

#endif  // FARPAGE_RUNTIME_SYNC_BARRIER_H_

// What every part of the runtime needs to know of the cluster: who is in it, the fabric, memory
// that all nodes allocate together, and names for failures.
#ifndef FARPAGE_RUNTIME_CLUSTER_H_
#define FARPAGE_RUNTIME_CLUSTER_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "farpage/options.h"
#include "runtime/counters.h"
#include "runtime/fabric.h"
#include "runtime/ordering.h"
#include "transport/rendezvous.h"
#include "transport/transport.h"

namespace farpage::internal {

// Registered memory that every node has, perhaps of different sizes.
struct SymmetricMemory {
  std::unique_ptr<transport::Memory> own;
  std::vector<transport::RemoteAddress> remote;  // by node id; own address included
};

class Cluster {
 public:
  Cluster(const Options& options, transport::Rendezvous& rendezvous, Fabric& fabric)
      : options_(options), rendezvous_(rendezvous), fabric_(fabric) {}

  NodeId self() const { return fabric_.self(); }
  uint32_t size() const { return fabric_.size(); }
  const Options& options() const { return options_; }
  Fabric& fabric() { return fabric_; }
  transport::Transport& transport() { return fabric_.transport(); }
  Counters& counters() { return fabric_.counters(); }

  // What barriers and locks carry; null as long as no region needs it. All nodes have it from the
  // same collective call on.
  Ordering* ordering() const { return ordering_.load(std::memory_order_acquire); }
  void set_ordering(Ordering* ordering) { ordering_.store(ordering, std::memory_order_release); }

  // When a wait that begins now must end: for other nodes' programs, and for their runtimes.
  int64_t DeadlineNs() const { return In(options_.cluster.timeout_ms); }
  int64_t FetchDeadlineNs() const { return In(options_.cluster.fetch_timeout_ms); }

  // Collective. OK if it is OK on all nodes; else this node's own error, or RESOURCE_EXHAUSTED with
  // another's and its number. For what may fail on one node: the others must not go on without it.
  absl::Status AllSucceed(std::string_view name, const absl::Status& mine);

  // Collective. Checks that all nodes say the same of `name`: INVALID_ARGUMENT with both
  // descriptions if not, UNAVAILABLE or DEADLINE_EXCEEDED as Rendezvous::AllGather.
  absl::Status Agree(std::string_view name, std::string_view description);

  // Collective. Allocates `bytes` here (may be 0 and may differ between nodes) and tells everyone
  // where. If one node fails to allocate, all get its error.
  absl::StatusOr<SymmetricMemory> AllocateSymmetric(std::string_view name, size_t bytes);

  // Collective. Every node's bytes, by node id.
  absl::StatusOr<std::vector<std::string>> AllGather(std::string_view name, std::string bytes);

  // An error for a wait that ended with `fate`. `doing` says what was waited for ("barrier 12",
  // "mutex 'm'"); `peer` is the node waited for, or none: then a failed one is named.
  absl::Status FateError(transport::Fate fate, std::string_view doing, NodeId peer) const;

 private:
  int64_t In(int64_t ms) const { return fabric_.NowNs() + ms * int64_t{1'000'000}; }

  const Options options_;
  transport::Rendezvous& rendezvous_;
  Fabric& fabric_;
  std::atomic<Ordering*> ordering_{nullptr};
};

}  // namespace farpage::internal

#endif  // FARPAGE_RUNTIME_CLUSTER_H_

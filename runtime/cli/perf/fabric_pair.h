// Two nodes that have a transport and nothing of the runtime above it.
#ifndef FARPAGE_RUNTIME_CLI_PERF_FABRIC_PAIR_H_
#define FARPAGE_RUNTIME_CLI_PERF_FABRIC_PAIR_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "runtime/bootstrap/membership.h"
#include "transport/transport.h"

namespace farpage::cli::perf {

// One of two nodes: a transport and equally large memory on both. Node 1 measures.
class FabricPair {
 public:
  // Joins the cluster of the environment.
  static absl::StatusOr<std::unique_ptr<FabricPair>> Join(size_t bytes);
  ~FabricPair();
  FabricPair(const FabricPair&) = delete;
  FabricPair& operator=(const FabricPair&) = delete;

  bool measures() const { return transport_->self() == NodeId(1); }
  NodeId peer() const { return NodeId(1u - transport_->self().value()); }
  transport::Transport& transport() { return *transport_; }
  const transport::Memory& memory() const { return *memory_; }
  transport::RemoteAddress there() const { return there_; }  // the peer's memory
  bool is_shared_memory() const { return transport_->capabilities().direct_access; }

  // Waits for the other node, without a word through the fabric.
  absl::Status Meet(std::string_view what);
  // The same; returns one number of each node, by node id.
  absl::StatusOr<std::vector<double>> Gather(std::string_view what, double mine);

  // Posts a chain to the peer and polls until it has ended.
  absl::Status Run(std::span<const transport::Operation> chain);

 private:
  FabricPair() = default;

  absl::Duration patience_;
  std::unique_ptr<bootstrap::Membership> membership_;
  std::unique_ptr<transport::Transport> transport_;
  std::unique_ptr<transport::Memory> memory_;
  transport::RemoteAddress there_;
};

// Joins, lets `measure` run on the node that measures, and leaves together.
absl::Status WithFabricPair(size_t bytes, const std::function<absl::Status(FabricPair&)>& measure);

}  // namespace farpage::cli::perf

#endif  // FARPAGE_RUNTIME_CLI_PERF_FABRIC_PAIR_H_

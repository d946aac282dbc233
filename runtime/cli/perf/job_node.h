// A node of a measuring job, with access to the parts that the public interface hides.
#ifndef FARPAGE_RUNTIME_CLI_PERF_JOB_NODE_H_
#define FARPAGE_RUNTIME_CLI_PERF_JOB_NODE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "farpage/statistics.h"
#include "runtime/cli/perf/fabric_tools.h"
#include "runtime/cli/perf/fault_floor.h"
#include "runtime/node_impl.h"

namespace farpage::cli::perf {

inline constexpr uint64_t kWordsPerPage = internal::kPageBytes / sizeof(uint64_t);

// The last node measures; node 0 is the home unless a case says otherwise.
class JobNode {
 public:
  // Joins the cluster of the environment. `adjust` may change what can differ from node to node.
  static absl::StatusOr<std::unique_ptr<JobNode>> Join(
      const std::function<void(NodeOptions& options)>& adjust = nullptr);

  uint32_t id() const { return node_->cluster().self().value(); }
  uint32_t size() const { return node_->cluster().size(); }
  bool measures() const { return id() + 1 == size(); }
  internal::NodeImpl& node() { return *node_; }
  internal::Cluster& cluster() { return node_->cluster(); }
  internal::Fabric& fabric() { return node_->cluster().fabric(); }
  const Options& options() const { return options_; }
  bool is_shared_memory() { return fabric().transport().capabilities().direct_access; }

  // All collective. They go by way of the launcher: nothing crosses the fabric and nobody's agent
  // is woken.
  absl::Status Meet(std::string_view what);
  // One number of each node, by node id.
  absl::StatusOr<std::vector<double>> Gather(std::string_view what, double mine);
  // Each node's counts, by node id.
  absl::StatusOr<std::vector<Statistics>> GatherStatistics(std::string_view what);

  // Collective. `pages` pages at home on node `home`.
  absl::StatusOr<std::span<uint64_t>> AllocatePages(std::string_view name, uint64_t pages,
                                                    uint32_t home);

  // Posts a chain and waits for it as the runtime does.
  absl::Status Run(NodeId peer, std::span<const transport::Operation> chain);

  // Pages for faults without fabric, with this node's pager.
  absl::StatusOr<std::unique_ptr<FaultFloor>> MakeFaultFloor(uint64_t pages) const {
    return FaultFloor::Create(options_.node.pager, pages);
  }

 private:
  explicit JobNode(Options options) : options_(std::move(options)) {}

  const Options options_;
  std::unique_ptr<internal::NodeImpl> node_;
};

// Fetch-and-adds of words at another node, and chains as a clean miss posts them: the fabric's part
// of floors. Collective to make.
class FabricFloor {
 public:
  static absl::StatusOr<std::unique_ptr<FabricFloor>> Create(JobNode& job, NodeId home,
                                                             uint64_t words);
  // A fetch-and-add on word `index`.
  absl::Status Atomic(uint64_t index);
  // The same, then reads of a directory entry and of page `index`, in one chain. A page read for
  // the first time is in no cache of the home's, and no more is it in a miss.
  absl::Status Chain(uint64_t index);
  // A read of page `index` alone.
  absl::Status Read(uint64_t index);
  // What a miss cannot do without: Atomic() where memory is shared, for the page is installed
  // straight from the home's frame, else Chain().
  absl::Status Miss(uint64_t index) {
    return job_.is_shared_memory() ? Atomic(index) : Chain(index);
  }
  const char* miss_name() const {
    return job_.is_shared_memory() ? "fabric atomic" : "fabric chain";
  }

 private:
  FabricFloor(JobNode& job, NodeId home, uint64_t words, internal::SymmetricMemory memory)
      : job_(job), home_(home), words_(words), memory_(std::move(memory)) {}
  transport::Operation AtomicOn(uint64_t index) const;

  JobNode& job_;
  const NodeId home_;
  const uint64_t words_;
  const internal::SymmetricMemory memory_;
};

// Words between all pairs of nodes. Collective to make.
class WordLinks {
 public:
  static absl::StatusOr<std::unique_ptr<WordLinks>> Create(JobNode& job);
  WordLink& to(uint32_t node) { return links_[node]; }
  // A word to every other node, and one from each, spinning. Called the same number of times by
  // all.
  absl::Status ExchangeWithAll();
  // Lets two nodes go on within a fraction of a microsecond of each other. Signals `value`.
  absl::Status StartTogether(uint32_t other, uint64_t value) {
    absl::Status ok = to(other).Signal(value);
    return ok.ok() ? to(other).Await(value) : ok;
  }

 private:
  internal::SymmetricMemory memory_;
  std::vector<WordLink> links_;
  uint32_t self_ = 0;
  uint64_t exchanges_ = 0;
};

}  // namespace farpage::cli::perf

#endif  // FARPAGE_RUNTIME_CLI_PERF_JOB_NODE_H_

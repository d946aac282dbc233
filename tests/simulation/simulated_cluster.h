// A cluster of nodes that run the runtime's own logic (engine, fabric, barrier, queue locks, agent)
// in virtual time, in one process. Only the fabric, the pager and the bootstrap are replaced.
//
//     ClusterOptions options;
//     options.nodes = 3;
//     SimulatedCluster cluster(options);
//     cluster.Run([](SimulatedNode& node) {
//       const uint64_t x = node.Allocate("x", /*pages=*/1);
//       if (node.id() == NodeId(0)) node.Write(x, 1);
//       node.Barrier();
//       node.Read(x);  // 1
//     });
//     if (cluster.failure()) …
//
// The same options give the same execution, bit for bit.
#ifndef FARPAGE_TESTS_SIMULATION_SIMULATED_CLUSTER_H_
#define FARPAGE_TESTS_SIMULATION_SIMULATED_CLUSTER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/simulation/simulated_membership.h"
#include "tests/simulation/simulated_node.h"
#include "tests/simulation/simulated_pager.h"
#include "tests/simulation/step_watch.h"
#include "tests/simulation/truth.h"
#include "transport/sim/fault_plan.h"
#include "transport/sim/latency.h"
#include "transport/sim/network.h"
#include "transport/sim/scheduler.h"
#include "transport/sim/trace.h"

namespace farpage::simulation {

struct ClusterOptions {
  uint32_t nodes = 3;
  uint64_t seed =
      1;  // of whatever the network leaves to chance: without faults and jitter, nothing
  transport::sim::Latency latency = transport::sim::NicLatency();
  transport::sim::FaultPlan faults;  // from the end of the set-up on: see SimulatedNode::Ready()
  transport::sim::Processors processors;
  PagerCosts pager;
  int64_t fault_ns = 1'500;  // from an access to the fault handler
  int64_t return_ns = 500;   // and back
  int64_t access_ns = 2;     // an access that hits
  // As transport/shm: memory mapped by all, chains executed by their poster.
  bool direct = false;
  bool maps_home_in_place = true;
  uint32_t mailbox_slots =
      256;  // of each node for each other; half as many pages can be on their way
  uint64_t cache_pages = 1 << 18;
  bool prefetch = true;
  uint64_t notice_log_bytes = 4096;
  int64_t minimum_hold_ns = 4'000;
  int64_t spin_ns = 20'000;       // of waits
  int64_t agent_spin_ns = 2'000;  // of the agent, before it sleeps again
  int64_t timeout_ms = 60'000;    // virtual: barriers, locks
  int64_t fetch_timeout_ms = 20'000;
  size_t address_space_bytes = size_t{1} << 30;  // per node
  bool check = true;  // against the truth, at every mapping, load and store
  StepFunction step;  // in place of directory::Step(), if any
  internal::ReleaseStep release_step = &directory::StepRelease;
  // Run() fails when these are passed.
  int64_t most_virtual_ns = 600'000'000'000;
  uint64_t most_events = 50'000'000;
};

// What was found wrong.
struct Failure {
  std::string what;
  std::optional<internal::PageId> page;  // that it is about
};

class SimulatedCluster {
 public:
  // Stops the process if the nodes cannot be made.
  explicit SimulatedCluster(const ClusterOptions& options);
  ~SimulatedCluster();
  SimulatedCluster(const SimulatedCluster&) = delete;
  SimulatedCluster& operator=(const SimulatedCluster&) = delete;

  // Runs `body` for every node, on a simulated thread of its own, until all threads of all nodes
  // that live have ended, or something is wrong. Once.
  void Run(const std::function<void(SimulatedNode&)>& body);

  const std::optional<Failure>& failure() const { return failure_; }
  // Ends the run with this failure; the first counts. In a simulated thread it does not return.
  void Fail(std::string what, std::optional<internal::PageId> page = std::nullopt);

  const ClusterOptions& options() const { return options_; }
  uint32_t size() const { return options_.nodes; }
  SimulatedNode& node(NodeId id) { return *nodes_[id.value()]; }
  bool alive(NodeId id) const { return network_.alive(id); }
  transport::sim::Network& network() { return network_; }
  transport::sim::Scheduler& scheduler() { return scheduler_; }
  Truth& truth() { return truth_; }
  const Coverage& coverage() const { return coverage_; }
  int64_t now_ns() const { return scheduler_.now_ns(); }

  const transport::sim::Trace& trace() const { return trace_; }
  // The last `most` events that are about the page, or all kinds if there is none, in words.
  std::string DescribeTrace(std::optional<internal::PageId> page, size_t most) const;

  // Called after every step of the protocol on any node. Set before Run().
  void set_on_step(std::function<void(NodeId, const StepTaken&)> on_step) {
    on_step_ = std::move(on_step);
  }

 private:
  friend class SimulatedNode;

  StepWatch MakeWatch(NodeId node);
  SimulatedPager::Options PagerOptions(NodeId node);
  void RunFor(int64_t until_ns);
  void StopAgents();
  void SwitchTo(uint32_t thread);

  const ClusterOptions options_;
  transport::sim::Trace trace_;
  transport::sim::Scheduler scheduler_;
  transport::sim::Network network_;
  Gathering gathering_;
  Truth truth_;
  Coverage coverage_{};
  std::optional<Failure> failure_;
  std::function<void(NodeId, const StepTaken&)> on_step_;
  std::vector<internal::StreamDetector> detectors_;  // of each thread: the runtime's is one per
                                                     // thread of the operating system
  uint32_t detector_in_use_ = UINT32_MAX;
  uint32_t ready_ = 0;
  std::vector<std::unique_ptr<SimulatedNode>> nodes_;
};

}  // namespace farpage::simulation

#endif  // FARPAGE_TESTS_SIMULATION_SIMULATED_CLUSTER_H_

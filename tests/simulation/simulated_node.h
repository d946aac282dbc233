// One node of a simulated cluster, as its application sees it.
#ifndef FARPAGE_TESTS_SIMULATION_SIMULATED_NODE_H_
#define FARPAGE_TESTS_SIMULATION_SIMULATED_NODE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "farpage/node.h"
#include "farpage/statistics.h"
#include "runtime/agent_loop.h"
#include "runtime/clock.h"
#include "runtime/cluster.h"
#include "runtime/counters.h"
#include "runtime/engine/engine.h"
#include "runtime/engine/region.h"
#include "runtime/engine/stream_detector.h"
#include "runtime/fabric.h"
#include "runtime/release/release_engine.h"
#include "runtime/sync/barrier.h"
#include "runtime/sync/permits.h"
#include "runtime/sync/queue_lock.h"
#include "runtime/sync/signal_flag.h"
#include "tests/simulation/simulated_pager.h"
#include "tests/simulation/step_watch.h"

namespace farpage::simulation {

class SimulatedCluster;

// Shared memory is addressed by the distance from the start of the shared range, in bytes: the same
// on every node, as pointers are in a real cluster. Accesses are to aligned words of 8 bytes.
//
// All functions are called by the node's simulated threads.
class SimulatedNode {
 public:
  SimulatedNode(SimulatedCluster& cluster, NodeId id);
  ~SimulatedNode();
  SimulatedNode(const SimulatedNode&) = delete;
  SimulatedNode& operator=(const SimulatedNode&) = delete;

  NodeId id() const { return id_; }
  uint32_t size() const;
  SimulatedCluster& cluster() { return cluster_; }
  internal::Engine& engine() { return *engine_; }
  internal::Cluster& parts() { return *parts_; }
  internal::AddressSpace& space() { return *space_; }
  Statistics statistics() const { return counters_.Snapshot(); }

  // Collective, called by the node's first thread. Ends the run if it fails.
  uint64_t Allocate(std::string_view name, uint64_t pages, const AllocateOptions& options = {});
  std::shared_ptr<internal::QueueLock> MakeLock(std::string_view name);
  std::shared_ptr<internal::Permits> MakePermits(internal::Permits::Kind kind,
                                                 std::string_view name, uint64_t permits);
  std::shared_ptr<internal::SignalFlag> MakeFlag(std::string_view name, NodeId waiting_node);
  // Collective: the set-up is over, faults may begin.
  void Ready();

  // One more thread of this node's application.
  void Start(std::function<void()> body);

  // One access, as an instruction makes it: the page is obtained as often as it takes.
  internal::AccessResult Load(uint64_t address, uint64_t* value);
  internal::AccessResult Store(uint64_t address, uint64_t value);
  // The same where no node dies: an access that fails ends the run.
  uint64_t Read(uint64_t address);
  void Write(uint64_t address, uint64_t value);

  // Whether an access would need no help.
  bool Hits(uint64_t address, Access access) const;
  internal::AccessResult Pin(uint64_t address, Access access);
  void Unpin(uint64_t address);
  void Prefetch(uint64_t address, uint64_t pages, Access access);
  // The node's first thread only.
  absl::Status Barrier();

  int64_t NowNs() const { return clock_.NowNs(); }
  // Computes for so long.
  void Work(int64_t ns);

  // What the node knows of a page.
  directory::PageState StateOf(internal::PageId page) const;
  // Where the page's home is, and what the holder word there says now: known to the simulation
  // alone.
  NodeId HomeOf(internal::PageId page) const;
  NodeId HolderOf(internal::PageId page) const;

 private:
  friend class SimulatedCluster;
  class Clock final : public internal::Clock {
   public:
    explicit Clock(transport::sim::Network& network) : network_(network) {}
    int64_t NowNs() const override;

   private:
    transport::sim::Network& network_;
  };
  struct Place {
    internal::Region* region;
    uint64_t index;
    std::byte* page;
    uint64_t offset;  // in the page
  };

  void Build();
  Place Find(uint64_t address) const;
  internal::AccessResult Do(uint64_t address, Access access, uint64_t* value);

  SimulatedCluster& cluster_;
  const NodeId id_;
  Clock clock_;
  internal::Counters counters_;
  StepWatch watch_;
  std::unique_ptr<bootstrap::Membership> membership_;
  std::unique_ptr<transport::Transport> transport_;
  std::unique_ptr<internal::Fabric> fabric_;
  std::unique_ptr<internal::Cluster> parts_;
  std::unique_ptr<internal::AddressSpace> space_;
  std::unique_ptr<SimulatedPager> pager_;
  std::unique_ptr<internal::Engine> engine_;
  std::unique_ptr<internal::ReleaseEngine> release_;  // with the first region that needs it
  std::unique_ptr<internal::AgentLoop> agent_;
  bool agent_runs_ = false;
  std::unique_ptr<internal::Barrier> barrier_;
  std::unique_ptr<internal::QueueLockPool> locks_;
  std::vector<std::shared_ptr<const void>> kept_;  // others may use it for longer
};

}  // namespace farpage::simulation

#endif  // FARPAGE_TESTS_SIMULATION_SIMULATED_NODE_H_

// Everything a node is made of, in the order in which it is built.
#ifndef FARPAGE_RUNTIME_NODE_IMPL_H_
#define FARPAGE_RUNTIME_NODE_IMPL_H_

#include <atomic>
#include <memory>
#include <memory_resource>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "farpage/node.h"
#include "runtime/agent.h"
#include "runtime/bootstrap/membership.h"
#include "runtime/clock.h"
#include "runtime/cluster.h"
#include "runtime/counters.h"
#include "runtime/engine/engine.h"
#include "runtime/engine/region.h"
#include "runtime/fabric.h"
#include "runtime/memory/fault_handler.h"
#include "runtime/memory/pager.h"
#include "runtime/release/release_engine.h"
#include "runtime/sync/barrier.h"
#include "runtime/sync/queue_lock.h"
#include "runtime/sync/shared_memory_resource.h"
#include "transport/transport.h"

namespace farpage::internal {

// Nodes that join afterwards decide with `stepper`, or with directory::Step() again if it is null:
// for tests that break the protocol on purpose. Any thread.
void SetStepperOfNewNodes(Stepper* stepper);

class NodeImpl final : public FaultServer {
 public:
  static absl::StatusOr<std::unique_ptr<NodeImpl>> Join(const Options& options);
  ~NodeImpl() override;

  Cluster& cluster() { return *cluster_; }
  const Cluster& cluster() const { return *cluster_; }
  Counters& counters() { return counters_; }
  const Counters& counters() const { return counters_; }
  Barrier& barrier() { return *barrier_; }
  QueueLockPool& locks() { return *locks_; }
  // Keeps what other nodes may use for longer than this node's own handles last.
  void Keep(std::shared_ptr<const void> used) { kept_.push_back(std::move(used)); }

  // As the functions of Node.
  absl::StatusOr<void*> Allocate(std::string_view name, size_t bytes,
                                 const AllocateOptions& options);
  absl::StatusOr<std::pmr::memory_resource*> MakeMemoryResource(std::string_view name,
                                                                size_t bytes);
  absl::Status Prefetch(const void* data, size_t bytes, Access access);
  absl::StatusOr<Pinned> Pin(const void* data, size_t bytes, Access access);
  void Unpin(const void* data, size_t bytes);

  // FaultServer.
  bool Owns(const void* address) const override;
  bool Serve(void* address, Access access) override;

 private:
  // Destroys in place what MakeMemoryResource() built in place.
  struct ResourceEnd {
    void operator()(SharedMemoryResource* resource) const { resource->~SharedMemoryResource(); }
  };
  // The pages a range touches. INVALID_ARGUMENT if it is not shared memory of one region.
  struct PageRange {
    Region* region;
    uint64_t first;
    uint64_t count;
  };

  explicit NodeImpl(const Options& options) : options_(options) {}
  absl::Status Build();
  int64_t SpinNs() const;
  absl::Status CompareClusterOptions();
  int64_t MeasureMinimumHoldNs();
  absl::Status CheckCapacity(std::string_view name, uint64_t pages,
                             const directory::HomeMap& homes) const;
  absl::Status MakeReleaseEngine(uint64_t pages, const AllocateOptions& options);
  AccessResult PinPage(Region& region, uint64_t index, Access access, int64_t deadline_ns);
  void UnpinPage(Region& region, uint64_t index);
  absl::StatusOr<PageRange> RangeOf(const void* data, size_t bytes) const;
  absl::Status AccessError(const AccessResult& result, const Region& region, uint64_t index) const;
  void Leave();

  const Options options_;
  MonotonicClock clock_;
  Counters counters_;
  std::unique_ptr<bootstrap::Membership> membership_;
  std::unique_ptr<transport::Transport> transport_;
  std::unique_ptr<Fabric> fabric_;
  std::unique_ptr<Cluster> cluster_;
  std::unique_ptr<AddressSpace> space_;
  std::unique_ptr<Pager> pager_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<ReleaseEngine> release_;  // with the first region that needs it
  std::unique_ptr<Agent> agent_;
  std::unique_ptr<Barrier> barrier_;
  std::unique_ptr<QueueLockPool> locks_;
  std::vector<std::unique_ptr<SharedMemoryResource, ResourceEnd>> resources_;
  std::vector<std::shared_ptr<const void>> kept_;
  bool handles_faults_ = false;
  std::atomic<void*> calibration_page_{nullptr};  // served at once, to see how long a fault takes
};

}  // namespace farpage::internal

#endif  // FARPAGE_RUNTIME_NODE_IMPL_H_

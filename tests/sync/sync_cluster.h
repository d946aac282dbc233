// Nodes as threads of one process, each with the runtime's fabric and cluster, for the tests of
// runtime/sync.
#ifndef FARPAGE_TESTS_SYNC_SYNC_CLUSTER_H_
#define FARPAGE_TESTS_SYNC_SYNC_CLUSTER_H_

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "runtime/clock.h"
#include "runtime/cluster.h"
#include "runtime/counters.h"
#include "runtime/fabric.h"
#include "tests/transport/backend.h"
#include "transport/local_rendezvous.h"
#include "transport/transport.h"

namespace farpage::internal {

// Those of FARPAGE_TEST_TRANSPORTS, and if shm is among them, shm with completions that come later.
std::vector<transport::Backend> SyncBackends();

// One node. `transport` is given up first when the node is to leave.
class SyncNode {
 public:
  SyncNode(std::unique_ptr<transport::Transport> transport, transport::Rendezvous& rendezvous,
           const Options& options);
  ~SyncNode();
  Cluster& cluster() { return cluster_; }
  transport::Transport& transport() { return *transport_; }
  uint64_t count(Counter counter) const { return counters_.Snapshot()[counter]; }

 private:
  void ServeEvents();

  const std::unique_ptr<transport::Transport> transport_;
  Counters counters_;
  MonotonicClock clock_;
  Fabric fabric_;
  Cluster cluster_;
  std::atomic<bool> ending_{false};
  std::thread agent_;  // where completions and wake-ups need somebody to take them
};

class SyncCluster {
 public:
  // Ends the process if it cannot be made.
  SyncCluster(const transport::Backend& backend, uint32_t nodes, int64_t timeout_ms = 60'000);
  ~SyncCluster();

  uint32_t size() const { return static_cast<uint32_t>(nodes_.size()); }
  SyncNode& node(uint32_t id) { return *nodes_[id]; }
  // Ends a node: the others find that it has left.
  void End(uint32_t id) { nodes_[id].reset(); }
  // Tells all other nodes that it died.
  void MarkFailed(uint32_t id);

  // Runs `body(id)` for every node, each on a thread of its own, to the end.
  void OnAll(const std::function<void(uint32_t id)>& body);

  // Makes one thing per node, collectively. Ends the process with the error if it cannot be made.
  template <typename T>
  std::vector<T> Make(const std::function<absl::StatusOr<T>(Cluster&)>& make) {
    std::vector<T> made(size());
    OnAll([&](uint32_t id) {
      absl::StatusOr<T> one = make(node(id).cluster());
      if (!one.ok()) Fail(one.status());
      made[id] = *std::move(one);
    });
    return made;
  }

 private:
  [[noreturn]] static void Fail(const absl::Status& status);

  transport::LocalCluster rendezvous_;
  std::vector<std::unique_ptr<SyncNode>> nodes_;
};

// Waits until `done`, politely; ends the process with `what` after a minute.
void Await(const char* what, const std::function<bool()>& done);

// "node 3" in "node 3 failed", but not in "node 31 failed".
bool Names(const absl::Status& status, uint32_t node);

class SyncTest : public testing::TestWithParam<transport::Backend> {};

inline std::string BackendName(const testing::TestParamInfo<transport::Backend>& info) {
  return info.param.name;
}

#define FARPAGE_INSTANTIATE_SYNC_TEST(suite)                                       \
  INSTANTIATE_TEST_SUITE_P(Transports, suite,                                      \
                           testing::ValuesIn(::farpage::internal::SyncBackends()), \
                           ::farpage::internal::BackendName)

}  // namespace farpage::internal

#endif  // FARPAGE_TESTS_SYNC_SYNC_CLUSTER_H_

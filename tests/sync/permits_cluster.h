// Shared mutexes and semaphores on the nodes of a test.
#ifndef FARPAGE_TESTS_SYNC_PERMITS_CLUSTER_H_
#define FARPAGE_TESTS_SYNC_PERMITS_CLUSTER_H_

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "runtime/sync/permits.h"
#include "tests/sync/sync_cluster.h"

namespace farpage::internal {

using PermitsOfNodes = std::vector<std::shared_ptr<Permits>>;

inline absl::StatusOr<std::shared_ptr<Permits>> MakeOne(Cluster& cluster, Permits::Kind kind,
                                                        const std::string& name, uint64_t permits) {
  QueueLockPool locks(cluster, 1);
  return Permits::Create(cluster, locks, kind, name, permits);
}

// With the given home, on every node.
inline PermitsOfNodes MakePermits(SyncCluster& cluster, Permits::Kind kind, uint64_t permits,
                                  uint32_t home = 0) {
  for (int attempt = 0;; ++attempt) {
    PermitsOfNodes made = cluster.Make<std::shared_ptr<Permits>>(
        [&](Cluster& c) { return MakeOne(c, kind, absl::StrCat("p", attempt), permits); });
    if (made[0]->home() == NodeId(home)) return made;
  }
}

// Waits until a node that had locked `locks_before` times has found no permit and stands in line.
inline void AwaitInLine(SyncCluster& cluster, uint32_t id, uint64_t locks_before) {
  Await("a node in line", [&] { return cluster.node(id).count(Counter::locks) > locks_before; });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
}

}  // namespace farpage::internal

#endif  // FARPAGE_TESTS_SYNC_PERMITS_CLUSTER_H_

// In the place of memory with release consistency: who has heard of which release.
#ifndef FARPAGE_TESTS_SYNC_COUNTED_ORDERING_H_
#define FARPAGE_TESTS_SYNC_COUNTED_ORDERING_H_

#include <algorithm>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "runtime/ordering.h"
#include "tests/sync/sync_cluster.h"

namespace farpage::internal {

// One node's: counts the times it has released. Any thread.
class CountedOrdering final : public Ordering {
 public:
  explicit CountedOrdering(Cluster& cluster)
      : self_(cluster.self().value()), known_(cluster.size()) {
    cluster.set_ordering(this);
  }

  absl::Status Release(VectorClock clock) override {
    std::lock_guard lock(mutex_);
    ++known_[self_];
    for (size_t node = 0; node < known_.size(); ++node) {
      clock[node].store(known_[node], std::memory_order_relaxed);
    }
    return release_status_;
  }
  absl::Status Acquire(VectorClock clock) override {
    std::lock_guard lock(mutex_);
    if (!acquire_status_.ok()) return acquire_status_;
    for (size_t node = 0; node < known_.size(); ++node) {
      known_[node] = std::max(known_[node], clock[node].load(std::memory_order_relaxed));
    }
    return absl::OkStatus();
  }

  // Releases of `node` that this one has heard of.
  uint64_t known(uint32_t node) const {
    std::lock_guard lock(mutex_);
    return known_[node];
  }
  uint64_t own() const { return known(self_); }

  // What it answers from now on.
  void set_acquire_status(absl::Status status) {
    std::lock_guard lock(mutex_);
    acquire_status_ = std::move(status);
  }
  void set_release_status(absl::Status status) {
    std::lock_guard lock(mutex_);
    release_status_ = std::move(status);
  }

 private:
  const uint32_t self_;
  mutable std::mutex mutex_;
  std::vector<uint64_t> known_;
  absl::Status acquire_status_;
  absl::Status release_status_;
};

using Orderings = std::vector<std::unique_ptr<CountedOrdering>>;

// On every node. Must outlive what uses the cluster's nodes.
inline Orderings CountReleases(SyncCluster& cluster) {
  Orderings orderings;
  for (uint32_t id = 0; id < cluster.size(); ++id) {
    orderings.push_back(std::make_unique<CountedOrdering>(cluster.node(id).cluster()));
  }
  return orderings;
}

}  // namespace farpage::internal

#endif  // FARPAGE_TESTS_SYNC_COUNTED_ORDERING_H_

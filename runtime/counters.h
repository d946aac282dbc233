// Counters that any thread, also in a signal handler, increments without contention.
#ifndef FARPAGE_RUNTIME_COUNTERS_H_
#define FARPAGE_RUNTIME_COUNTERS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "farpage/statistics.h"

namespace farpage::internal {

// Threads are spread over shards of their own cache lines; a snapshot sums the shards.
class Counters {
 public:
  // Signal-safe. A few nanoseconds.
  void Add(Counter counter, uint64_t amount = 1) {
    shards_[ThreadShard()].values[static_cast<size_t>(counter)].fetch_add(
        amount, std::memory_order_relaxed);
  }

  Statistics Snapshot() const;

 private:
  static constexpr size_t kShards = 16;
  struct alignas(64) Shard {
    std::array<std::atomic<uint64_t>, kCounters.size()> values{};
  };
  static size_t ThreadShard();

  std::array<Shard, kShards> shards_;
};

}  // namespace farpage::internal

#endif  // FARPAGE_RUNTIME_COUNTERS_H_

#include "runtime/counters.h"

namespace farpage::internal {

size_t Counters::ThreadShard() {
  static std::atomic<uint32_t> next_shard{0};
  constinit static thread_local uint32_t shard = UINT32_MAX;  // constinit: safe in a handler
  if (shard == UINT32_MAX) shard = next_shard.fetch_add(1, std::memory_order_relaxed) % kShards;
  return shard;
}

Statistics Counters::Snapshot() const {
  Statistics sum;
  for (const Shard& shard : shards_) {
    for (size_t index = 0; index < sum.values.size(); ++index) {
      sum.values[index] += shard.values[index].load(std::memory_order_relaxed);
    }
  }
  return sum;
}

}  // namespace farpage::internal

// What permits keep in registered memory.
#ifndef FARPAGE_RUNTIME_SYNC_PERMIT_WORDS_H_
#define FARPAGE_RUNTIME_SYNC_PERMIT_WORDS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace farpage::internal {

// Read and written as a whole, by whoever holds the lock: a head, and a place for each node.
struct PermitHead {
  uint64_t free;
  uint64_t last_turn;  // turns are numbered from 1 in the order in which nodes joined the line
};

// A node waits while `wanted` is not 0. Then it was served if `turn` is still its turn, else it was
// taken for dead.
struct PermitPlace {
  uint64_t turn;
  uint64_t wanted;
  uint64_t held;  // what the node has taken, if permits are given back by who took them
};

constexpr size_t PermitBytes(uint32_t nodes) {
  return (sizeof(PermitHead) + nodes * sizeof(PermitPlace) + 63) / 64 * 64;
}

// On which a node sleeps: the turn last served. It may come late, even after a later one.
struct alignas(64) PermitSignal {
  std::atomic<uint64_t> turn;
};

}  // namespace farpage::internal

#endif  // FARPAGE_RUNTIME_SYNC_PERMIT_WORDS_H_

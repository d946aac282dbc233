// The tests of synchronisation, on real nodes.
#ifndef FARPAGE_TESTS_LITMUS_SYNC_NODE_H_
#define FARPAGE_TESTS_LITMUS_SYNC_NODE_H_

#include <cstdint>
#include <string>

namespace farpage::litmus {

struct SyncNodeOptions {
  std::string back_end = "shm";
  std::string result;  // node 0 writes the tally into this file
  uint64_t seed = 1;
  uint32_t rounds = 12;  // of each cell
  int64_t longest_delay_ns = 20'000;
};

// What a process that `farpage run` or the launcher has started does. Returns its exit status.
int RunSyncNode(const SyncNodeOptions& options);

}  // namespace farpage::litmus

#endif  // FARPAGE_TESTS_LITMUS_SYNC_NODE_H_

// The tests of synchronisation, in simulation.
#ifndef FARPAGE_TESTS_LITMUS_SYNC_SIMULATED_H_
#define FARPAGE_TESTS_LITMUS_SYNC_SIMULATED_H_

#include <cstdint>
#include <string>

#include "runtime/release/release_engine.h"
#include "tests/litmus/sync_tally.h"

namespace farpage::litmus {

struct SyncSimulationOptions {
  uint64_t seed = 1;
  uint32_t rounds = 12;  // of each cell
  int64_t longest_delay_ns = 20'000;
  internal::ReleaseStep step = &directory::StepRelease;
};

struct SyncSimulationResult {
  SyncTally tally{"simulation"};
  std::string failure;  // of the simulation itself; empty: none
};

// Each cell in a cluster of its own, with other fabrics and delays in turn.
SyncSimulationResult SimulateSync(const SyncSimulationOptions& options);

}  // namespace farpage::litmus

#endif  // FARPAGE_TESTS_LITMUS_SYNC_SIMULATED_H_

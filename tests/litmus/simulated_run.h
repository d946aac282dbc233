// The litmus tests in simulation: other latencies, other orders, and the same each time.
#ifndef FARPAGE_TESTS_LITMUS_SIMULATED_RUN_H_
#define FARPAGE_TESTS_LITMUS_SIMULATED_RUN_H_

#include <cstdint>
#include <optional>
#include <string>

#include "tests/litmus/tally.h"
#include "tests/model/executor.h"

namespace farpage::litmus {

struct SimulationOptions {
  uint64_t seed = 1;
  uint32_t passes = 1;  // through all situations, at most: later ones for shapes of which some
                        // possible outcome has not been seen
  uint32_t rounds = 8;  // in each situation
  int64_t longest_delay_ns = 30'000;
  model::StepFunction step = {};  // in place of directory::Step(), if any
};

struct SimulationResult {
  Tally tally{"simulation"};
  uint32_t passes = 0;
  std::string failure;  // of the simulation itself, with what replays it; empty if none
};

// Runs every shape in every situation, each in a cluster of its own with its own seed, network and
// delays. Stops at the first failure or forbidden outcome.
SimulationResult Simulate(const SimulationOptions& options);

}  // namespace farpage::litmus

#endif  // FARPAGE_TESTS_LITMUS_SIMULATED_RUN_H_

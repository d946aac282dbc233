// Many seeds on all cores.
#ifndef FARPAGE_TESTS_SIMULATION_SEED_RUNNER_H_
#define FARPAGE_TESTS_SIMULATION_SEED_RUNNER_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/simulation/step_watch.h"
#include "tests/simulation/workload.h"

namespace farpage::simulation {

struct SeedRange {
  uint64_t first = 1;
  uint64_t count = 1000;
  uint32_t jobs = 1;           // processes
  uint32_t most_failures = 5;  // stop after so many
};

struct FailedSeed {
  uint64_t seed;
  std::string what;
};

struct Summary {
  uint64_t seeds = 0;  // that were run to their end
  uint64_t events = 0;
  uint64_t accesses = 0;
  uint64_t lost_accesses = 0;
  uint64_t hash = 0;  // of all seeds' hashes: the same for any number of jobs
  Coverage coverage{};
  std::vector<FailedSeed> failures;  // ascending
};

// Runs `run(seed)` for every seed of the range, in child processes, so that one that ends its
// process is a failure like any other. What a seed does depends on nothing but the seed.
Summary RunSeeds(const SeedRange& range, const std::function<Verdict(uint64_t seed)>& run);

}  // namespace farpage::simulation

#endif  // FARPAGE_TESTS_SIMULATION_SEED_RUNNER_H_

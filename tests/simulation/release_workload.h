// Random programs without data races, over memory with release consistency.
#ifndef FARPAGE_TESTS_SIMULATION_RELEASE_WORKLOAD_H_
#define FARPAGE_TESTS_SIMULATION_RELEASE_WORKLOAD_H_

#include <cstdint>
#include <string>
#include <vector>

#include "directory/release_protocol.h"
#include "runtime/release/release_engine.h"
#include "tests/simulation/simulated_cluster.h"
#include "tests/simulation/synchronisation.h"
#include "tests/simulation/workload.h"

namespace farpage::simulation {

// One seed's cluster and program. Everything follows from the seed, but for `nodes`, if it is not
// 0.
struct ReleaseScenario {
  uint64_t seed = 0;
  ClusterOptions cluster;
  std::vector<AllocateOptions> regions;
  uint64_t pages = 4;                // of each region
  uint32_t threads = 1;              // per node
  uint32_t locks = 2;                // each protects every so-many-th word of every page
  std::vector<LockKind> lock_kinds;  // of each; mutexes where there are no more
  bool flags = false;                // in the place of barriers
  uint32_t phases = 3;               // between them, barriers
  uint32_t operations = 40;          // per thread and phase
  uint32_t words = 8;                // of a page, that are used
  int64_t think_ns = 2'000;
};
ReleaseScenario MakeReleaseScenario(uint64_t seed, uint32_t nodes = 0);
std::string Describe(const ReleaseScenario& scenario);

// What every load must return is known: a program without data races has but one value to see. It
// is kept by the simulation, for each byte: who writes it holds its lock, or is its only writer
// until the next barrier. Wrong is a load that returns anything else, an error, and a run that does
// not end.
Verdict RunReleaseScenario(const ReleaseScenario& scenario,
                           internal::ReleaseStep step = &directory::StepRelease);

// Deliberate errors.
struct ReleaseMutation {
  const char* name;
  const char* what;
  internal::ReleaseStep step;
};
const std::vector<ReleaseMutation>& ReleaseMutations();

}  // namespace farpage::simulation

#endif  // FARPAGE_TESTS_SIMULATION_RELEASE_WORKLOAD_H_

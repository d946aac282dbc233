// Random programs with known results.
#ifndef FARPAGE_TESTS_SIMULATION_WORKLOAD_H_
#define FARPAGE_TESTS_SIMULATION_WORKLOAD_H_

#include <cstdint>
#include <string>

#include "tests/simulation/scenario.h"
#include "tests/simulation/simulated_cluster.h"

namespace farpage::simulation {

struct Verdict {
  std::string failure;  // empty: nothing is wrong. Else what, and the last events of the page
  uint64_t hash = 0;    // of everything that happened
  uint64_t events = 0;  // of the scheduler
  uint64_t accesses = 0;
  uint64_t lost_accesses = 0;  // that failed because a node had died
  int64_t virtual_ns = 0;
  Coverage coverage{};
};

// Runs the scenario: loads, stores, streams, prefetches, pins, locks and barriers on all nodes.
// Wrong is: what Truth says; an access that fails although neither the home nor the holder of its
// page has died; one that waits until its deadline; a pinned page that is not there; two in a
// critical section; a barrier that is passed before all have come; a run that does not end.
Verdict RunScenario(const Scenario& scenario, const StepFunction& step = {});

}  // namespace farpage::simulation

#endif  // FARPAGE_TESTS_SIMULATION_WORKLOAD_H_

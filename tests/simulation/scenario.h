// One seed's cluster, workload and faults.
#ifndef FARPAGE_TESTS_SIMULATION_SCENARIO_H_
#define FARPAGE_TESTS_SIMULATION_SCENARIO_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "directory/protocol.h"
#include "farpage/node.h"
#include "tests/simulation/simulated_cluster.h"

namespace farpage::simulation {

// A node dies soon after somebody's page has come into a state, or has met an event in it: that
// node, or at once the page's home.
struct DeathInState {
  directory::State state;
  std::optional<directory::Event> event;
  uint32_t occurrence;  // the how many-th time, counted over all nodes
  bool home;
  uint64_t advances_later;  // of the node
};

struct RegionPlan {
  uint64_t pages;
  AllocateOptions options;
};

struct Scenario {
  uint64_t seed = 0;
  ClusterOptions cluster;
  std::optional<DeathInState> death_in_state;
  std::vector<RegionPlan> regions;
  uint32_t threads = 1;       // per node
  uint32_t operations = 100;  // per thread and phase
  uint32_t phases = 2;        // between them, barriers
  uint32_t locks = 1;
  uint32_t words = 4;  // of a page, that are used
  uint32_t store_percent = 30;
  uint32_t hot_percent = 50;    // of accesses, to one page
  int64_t think_ns = 2'000;     // between accesses, at most
  uint32_t stream_percent = 6;  // of what is done, runs of pages
  uint64_t stream_pages = 24;   // at most
};

// Everything follows from the seed, but for `nodes`, if it is not 0.
Scenario MakeScenario(uint64_t seed, uint32_t nodes = 0);

// A line for people.
std::string Describe(const Scenario& scenario);

}  // namespace farpage::simulation

#endif  // FARPAGE_TESTS_SIMULATION_SCENARIO_H_

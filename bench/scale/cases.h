// What is measured in simulated clusters, one operation at a time.
#ifndef FARPAGE_BENCH_SCALE_CASES_H_
#define FARPAGE_BENCH_SCALE_CASES_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tests/simulation/simulated_cluster.h"
#include "transport/sim/latency.h"

namespace farpage::bench::scale {

// A fabric and processors, for the model.
struct Machine {
  std::string name;  // "nic", "rxe"
  transport::sim::Latency latency;
  transport::sim::Processors processors;
  simulation::PagerCosts pager;
  int64_t fault_ns = 0;
  int64_t return_ns = 0;
  int64_t spin_ns = 0;  // of waits, before they sleep
  int64_t minimum_hold_ns = 0;
};
Machine NicMachine();

// One operation in a cluster of `nodes`.
struct Result {
  std::string name;  // "upgrade"
  uint32_t nodes = 0;
  uint32_t sharers = 0;    // upgrade: nodes that are told to drop their copies
  int64_t virtual_ns = 0;  // of one; the median where several follow each other
  // Over all nodes, for one operation.
  std::vector<std::pair<std::string, double>> counts;

  double count(const std::string& what) const;
};

// All operations in a cluster of `nodes`, of which there are at least two. Upgrades: with 0, 1, 2,
// 4 … sharers and all. The last node measures, node 0 is the home, and sharers are nodes 1 and up,
// the home last. Of misses, fetches and upgrades `in_a_row` follow each other, the first of them in
// an idle cluster: later ones find nodes awake, or still busy with what comes after the one before.
// A run that goes wrong ends the process with what was wrong.
std::vector<Result> Measure(const Machine& machine, uint32_t nodes, uint32_t in_a_row = 1);

}  // namespace farpage::bench::scale

#endif  // FARPAGE_BENCH_SCALE_CASES_H_

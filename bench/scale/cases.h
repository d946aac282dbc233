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

// A fabric and a processor, for the model.
struct Machine {
  std::string name;  // "nic", "rxe"
  transport::sim::Latency latency;
  simulation::PagerCosts pager;
  int64_t fault_ns = 0;
  int64_t return_ns = 0;
  int64_t spin_ns = 0;  // of waits, before they sleep
};
Machine NicMachine();

// What `farpage perf` measures of a fabric and of faults by themselves; medians.
struct Floors {
  int64_t atomic_ns;           // fabric_faa
  int64_t read_page_ns;        // fabric_read/4096
  int64_t message_ns;          // fabric_message
  int64_t copy_alone_ns;       // fault_floor/copy without a fault
  int64_t unprotect_ns;        // fault_floor/unprotect
  int64_t unprotect_alone_ns;  // … without a fault
};
// Two sessions of the Soft-RoCE guest on one machine, a minute apart: docs/scale.md.
constexpr Floors kFirstSession = {43'792, 190'048, 40'676, 30'307, 34'815, 3'436};
constexpr Floors kSecondSession = {99'637, 399'409, 52'809, 42'570, 58'430, 5'941};

// Derived from the floors alone, not from what is to be predicted. Assumed: the gap, polls, the
// wake-up of the simulation's own preset, and that unmapping a page takes as long as installing it.
Machine SoftRoceMachine(const Floors& floors, std::string name);

// One operation in a cluster of `nodes`.
struct Result {
  std::string name;  // "upgrade"
  uint32_t nodes = 0;
  uint32_t sharers = 0;  // upgrade: nodes that are told to drop their copies
  int64_t virtual_ns = 0;
  // Over all nodes, while it lasted.
  std::vector<std::pair<std::string, double>> counts;

  double count(const std::string& what) const;
};

// All operations in a cluster of `nodes`, of which there are at least two. Upgrades: with 0, 1, 2,
// 4 … sharers and all. A run that goes wrong ends the process with what was wrong.
std::vector<Result> Measure(const Machine& machine, uint32_t nodes);

}  // namespace farpage::bench::scale

#endif  // FARPAGE_BENCH_SCALE_CASES_H_

// Random accesses to shared memory by all threads of all nodes, written down.
#ifndef FARPAGE_TESTS_HISTORY_WORKLOAD_H_
#define FARPAGE_TESTS_HISTORY_WORKLOAD_H_

#include <cstdint>

#include "farpage/node.h"
#include "tests/history/operation_log.h"

namespace farpage::history {

// Several locations lie side by side on each page. Of them every third has one writer, every third
// several that store, every third several that exchange; all threads read all of them.
struct Workload {
  uint64_t seed = 1;
  uint32_t threads_per_node = 2;
  uint32_t pages = 40;  // the first half in a strict region, the others in a sequential one
  uint32_t locations_per_page = 6;
  uint32_t most_accesses_per_turn = 12;  // to one page, before a thread turns to another
  uint32_t die_after = 0;  // operations of its first thread after which node 1 is killed; 0: never

  uint32_t locations() const { return pages * locations_per_page; }
  uint32_t PageOf(uint32_t location) const { return location / locations_per_page; }
  Consistency ConsistencyOf(uint32_t location) const {
    return PageOf(location) < pages / 2 ? Consistency::kStrict : Consistency::kSequential;
  }
};

// Runs this node's threads until the log is full. Ends the process if something fails.
void RunWorkload(Node& node, const Workload& workload, OperationLog& log);

}  // namespace farpage::history

#endif  // FARPAGE_TESTS_HISTORY_WORKLOAD_H_

// Is a history linearizable? Judged location by location, which is enough (Herlihy and Wing, TOPLAS
// 1990, theorem 1).
#ifndef FARPAGE_TESTS_HISTORY_LINEARIZABILITY_H_
#define FARPAGE_TESTS_HISTORY_LINEARIZABILITY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tests/history/history.h"

namespace farpage::history {

struct LinearizabilityReport {
  bool linearizable = true;
  uint64_t clusters = 0;  // values that some operation wrote or read
  std::string violation;  // names the operations; empty if linearizable
  // Per location: the writes in an order that respects real time and what was read. Only if
  // linearizable; then these orders, together with program order, make the history sequentially
  // consistent too.
  std::vector<std::vector<uint32_t>> write_orders;
};

// Decides exactly, in O(n log n), because written values are unique (Gibbons and Korach, SIAM J.
// Computing 1997): the operations on one value form a cluster, which no other may interrupt. One
// cluster must go before another if an operation of the one responds before an operation of the
// other is invoked; the history is linearizable if no two clusters must both go first. Values that
// exchanges chain together form one cluster.
//
// The history must be well formed.
LinearizabilityReport CheckLinearizability(const History& history);

}  // namespace farpage::history

#endif  // FARPAGE_TESTS_HISTORY_LINEARIZABILITY_H_

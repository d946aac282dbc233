// Is a history sequentially consistent? It is if program order, reads-from, coherence order and
// from-read together have no cycle.
#ifndef FARPAGE_TESTS_HISTORY_SEQUENTIAL_CONSISTENCY_H_
#define FARPAGE_TESTS_HISTORY_SEQUENTIAL_CONSISTENCY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tests/history/history.h"
#include "tests/history/order_graph.h"

namespace farpage::history {

enum class Verdict : uint8_t {
  kConsistent,  // there is an order that explains everything
  kViolated,    // there is none
  kUndecided,   // what is known of the order of writes contradicts nothing, but no order was found
};

struct ConsistencyReport {
  Verdict verdict = Verdict::kConsistent;
  std::string violation = {};    // the cycle, one operation a line; empty if there is none
  std::vector<Edge> cycle = {};  // numbers ≥ History::size() are initial values
  uint32_t rounds = 0;           // of inferring the order of writes
};

// The coherence order, in which a location's writes follow each other, is
//  - program order where one thread does all the writing, or wherever two writes are of one thread;
//  - what exchanges returned;
//  - inferred otherwise: whoever sees one value and then another proves their order, and so does
//    any path of known edges between two writes, or between a write and a read of another. This
//    is repeated until nothing new comes out. Everything inferred is forced, so that kViolated is
//    never wrong; but it may not be everything that is true (the problem is NP-complete).
// Before that, `hints` are tried: the writes of each location in a likely order, as
// CheckLinearizability() gives them. They explain every history that is linearizable.
//
// Linear in the operations for each round; single-writer locations and exchanges need one. The
// history must be well formed. Real time is not looked at.
ConsistencyReport CheckSequentialConsistency(const History& history,
                                             const std::vector<std::vector<uint32_t>>& hints = {});

}  // namespace farpage::history

#endif  // FARPAGE_TESTS_HISTORY_SEQUENTIAL_CONSISTENCY_H_

// Both checkers on what a workload recorded, and a verdict in words.
#ifndef FARPAGE_TESTS_HISTORY_JUDGE_H_
#define FARPAGE_TESTS_HISTORY_JUDGE_H_

#include <string>
#include <vector>

#include "tests/history/history.h"
#include "tests/history/workload.h"

namespace farpage::history {

struct Judgement {
  bool right = false;  // the strict locations are linearizable, all are sequentially consistent
  std::string text;    // what was looked at, and what is wrong
};

Judgement Judge(const Workload& workload, const std::vector<std::vector<Operation>>& threads);

}  // namespace farpage::history

#endif  // FARPAGE_TESTS_HISTORY_JUDGE_H_

#include "tests/history/judge.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/history/linearizability.h"
#include "tests/history/sequential_consistency.h"

namespace farpage::history {
namespace {

History OfStrictLocations(const Workload& workload,
                          const std::vector<std::vector<Operation>>& threads) {
  std::vector<std::vector<Operation>> kept(threads.size());
  for (size_t thread = 0; thread < threads.size(); ++thread) {
    std::copy_if(threads[thread].begin(), threads[thread].end(), std::back_inserter(kept[thread]),
                 [&](const Operation& operation) {
                   return workload.ConsistencyOf(operation.location) == Consistency::kStrict;
                 });
  }
  return History(kept);
}

// How much of a test the history is: reads of what another thread wrote.
std::string Describe(const History& history) {
  const WriteIndex index(history);
  uint64_t writes = 0;
  uint64_t foreign = 0;
  for (uint32_t number = 0; number < history.size(); ++number) {
    const Operation& operation = history[number];
    writes += operation.writes();
    if (operation.kind == Kind::kWrite) continue;
    const uint32_t source = index.Find(
        operation.location, operation.kind == Kind::kRead ? operation.value : operation.replaced);
    foreign +=
        source != WriteIndex::kNobody && history.ThreadOf(source) != history.ThreadOf(number);
  }
  return absl::StrFormat(
      "%d operations of %d threads on %d locations; %d write, %d saw what another thread wrote\n",
      history.size(), history.threads(), history.locations(), writes, foreign);
}

}  // namespace

Judgement Judge(const Workload& workload, const std::vector<std::vector<Operation>>& threads) {
  const History all(threads);
  const History strict = OfStrictLocations(workload, threads);
  Judgement judgement{.text = Describe(all)};
  const absl::Status status = all.CheckWellFormed();
  if (!status.ok()) {
    absl::StrAppend(&judgement.text, "the recording is wrong: ", status.ToString(), "\n");
    return judgement;
  }
  const LinearizabilityReport promised = CheckLinearizability(strict);
  absl::StrAppendFormat(&judgement.text, "strict locations: %d operations, %s\n", strict.size(),
                        promised.linearizable ? "linearizable" : promised.violation);
  // What is promised for all locations is less; if they happen to be linearizable, that helps.
  const LinearizabilityReport more = CheckLinearizability(all);
  const ConsistencyReport report = CheckSequentialConsistency(all, more.write_orders);
  absl::StrAppend(&judgement.text, "all locations: ");
  switch (report.verdict) {
    case Verdict::kConsistent:
      absl::StrAppend(&judgement.text, "sequentially consistent",
                      more.linearizable ? ", and linearizable too\n" : "\n");
      break;
    case Verdict::kViolated:
      absl::StrAppend(&judgement.text, report.violation);
      break;
    case Verdict::kUndecided:
      absl::StrAppend(&judgement.text, "sequentially consistent or not: no order was found. ",
                      more.violation, "\n");
      break;
  }
  judgement.right = promised.linearizable && report.verdict == Verdict::kConsistent;
  return judgement;
}

}  // namespace farpage::history

#include "tests/history/sequential_consistency.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/history/write_order.h"

namespace farpage::history {
namespace {

std::string NameOfNode(const History& history, uint32_t node) {
  if (node < history.size()) return history.Name(node);
  return absl::StrCat("x", node - history.size(), " = 0 initially");
}

ConsistencyReport Violated(const History& history, std::vector<Edge> cycle) {
  ConsistencyReport report{.verdict = Verdict::kViolated, .cycle = std::move(cycle)};
  report.violation = "no sequential order explains this cycle:\n";
  for (const Edge& edge : report.cycle) {
    absl::StrAppend(&report.violation, "  ", NameOfNode(history, edge.from), "\n    before (",
                    Name(edge.relation), ")\n");
  }
  absl::StrAppend(&report.violation, "  the first again\n");
  return report;
}

}  // namespace

ConsistencyReport CheckSequentialConsistency(const History& history,
                                             const std::vector<std::vector<uint32_t>>& hints) {
  const WriteIndex index(history);
  for (uint32_t number = 0; number < history.size(); ++number) {
    const Operation& operation = history[number];
    const uint64_t seen = operation.kind == Kind::kExchange ? operation.replaced : operation.value;
    if (operation.kind == Kind::kWrite || seen == kInitialValue ||
        index.Find(operation.location, seen) != WriteIndex::kNobody) {
      continue;
    }
    return {.verdict = Verdict::kViolated,
            .violation = absl::StrCat("nobody wrote what was seen: ", history.Name(number), "\n")};
  }

  WriteOrder writes(history, index);
  uint32_t rounds = 0;
  for (;;) {
    ++rounds;
    const OrderGraph graph(writes.nodes(), writes.Edges());
    const std::vector<uint32_t> order = graph.Sort();
    if (order.size() < writes.nodes()) {
      ConsistencyReport report = Violated(history, graph.ShortCycle());
      report.rounds = rounds;
      return report;
    }
    if (writes.complete()) return {.rounds = rounds};
    if (writes.Infer(graph, order)) continue;

    // Nothing more is forced. Either order that suggests itself may explain everything.
    for (const bool hinted : {true, false}) {
      if (hinted && hints.size() != history.locations()) continue;
      const std::vector<Edge> tried =
          hinted ? writes.EdgesWith(hints) : writes.EdgesWith(writes.OrdersFrom(order));
      if (OrderGraph(writes.nodes(), tried).Sort().size() == writes.nodes()) {
        return {.rounds = rounds};
      }
    }
    return {.verdict = Verdict::kUndecided, .rounds = rounds};
  }
}

}  // namespace farpage::history

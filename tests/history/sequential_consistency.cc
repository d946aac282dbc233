#include "tests/history/sequential_consistency.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "tests/history/write_order.h"

namespace farpage::history {
namespace {

std::string NameOfNode(const History& history, uint32_t node) {
  if (node < history.size()) return history.Name(node);
  return absl::StrCat("x", node - history.size(), " = 0 initially");
}

std::string Describe(const History& history, const std::vector<Edge>& cycle) {
  std::string text = "no sequential order explains this cycle:\n";
  for (const Edge& edge : cycle) {
    absl::StrAppend(&text, "  ", NameOfNode(history, edge.from), "\n    before (",
                    Name(edge.relation), ")\n");
  }
  return text + "  the first again\n";
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
  const auto explains = [&](const std::vector<std::vector<uint32_t>>& orders) {
    const OrderGraph graph(writes.nodes(), writes.EdgesWith(orders));
    return graph.Sort().size() == writes.nodes();
  };
  ConsistencyReport report;
  for (;;) {
    ++report.rounds;
    const OrderGraph graph(writes.nodes(), writes.Edges());
    const std::vector<uint32_t> order = graph.Sort();
    if (order.size() < writes.nodes()) {
      report.verdict = Verdict::kViolated;
      report.cycle = graph.ShortCycle();
      report.violation = Describe(history, report.cycle);
      return report;
    }
    if (writes.complete()) return report;
    const bool hinted = report.rounds == 1 && hints.size() == history.locations();
    if (hinted && explains(hints)) return report;
    if (writes.Infer(graph, order)) continue;

    // Nothing more is forced: an order that goes with all that is known may explain everything.
    if (!explains(writes.OrdersFrom(order))) report.verdict = Verdict::kUndecided;
    return report;
  }
}

}  // namespace farpage::history

#include "bench/apps/page_rank.h"

#include <array>
#include <chrono>
#include <cmath>

namespace farpage::apps {

namespace {

// Sets the share and counts the rank of one that gives it to all.
void SetShare(const GraphView& graph, size_t vertex, double rank, std::span<double> shares,
              Totals& totals) {
  const uint32_t dependencies = graph.dependency_count[vertex];
  if (dependencies == 0) totals.dangling += rank;
  shares[vertex] = dependencies == 0 ? 0 : rank / dependencies;
}

}  // namespace

Totals& Totals::operator+=(const Totals& other) {
  change += other.change;
  dangling += other.dangling;
  return *this;
}

Totals StartRanks(const GraphView& graph, Range range, std::span<double> ranks,
                  std::span<double> shares) {
  Totals totals;
  const double rank = 1 / static_cast<double>(graph.size());
  for (size_t vertex = range.begin; vertex < range.end; ++vertex) {
    ranks[vertex] = rank;
    SetShare(graph, vertex, rank, shares, totals);
  }
  return totals;
}

Totals StepRanks(const GraphView& graph, Range range, const Totals& before,
                 std::span<const double> shares, std::span<double> ranks,
                 std::span<double> next_shares) {
  Totals totals;
  const double from_all =
      (1 - kDamping + kDamping * before.dangling) / static_cast<double>(graph.size());
  for (size_t vertex = range.begin; vertex < range.end; ++vertex) {
    double sum = 0;
    for (uint32_t edge = graph.first_dependent[vertex]; edge < graph.first_dependent[vertex + 1];
         ++edge) {
      sum += shares[graph.dependents[edge]];
    }
    const double rank = from_all + kDamping * sum;
    totals.change += std::abs(rank - ranks[vertex]);
    ranks[vertex] = rank;
    SetShare(graph, vertex, rank, next_shares, totals);
  }
  return totals;
}

PlainResult PlainPageRank(const GraphView& graph, const Limits& limits) {
  PlainResult result;
  const auto start = std::chrono::steady_clock::now();
  const Range all{0, graph.size()};
  result.ranks.resize(graph.size());
  std::array<std::vector<double>, 2> shares;
  for (std::vector<double>& side : shares) side.resize(graph.size());
  Totals totals = StartRanks(graph, all, result.ranks, shares[0]);
  for (uint32_t iteration = 0; iteration < limits.iterations; ++iteration) {
    totals = StepRanks(graph, all, totals, shares[iteration % 2], result.ranks,
                       shares[(iteration + 1) % 2]);
    result.changes.push_back(totals.change);
    if (totals.change <= limits.tolerance) break;
  }
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

}  // namespace farpage::apps

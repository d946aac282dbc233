// One step of PageRank (Page, Brin, Motwani and Winograd, 1999), and the whole of it in one
// process.
//
// A package gives its rank in equal shares to what it depends on; one that depends on nothing gives
// it to all. So the ranks always add up to 1.
#ifndef FARPAGE_BENCH_APPS_PAGE_RANK_H_
#define FARPAGE_BENCH_APPS_PAGE_RANK_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "bench/apps/frame/range.h"

namespace farpage::apps {

inline constexpr double kDamping = 0.85;

// Edges as PackageGraph has them, wherever they lie: in private or in shared memory.
struct GraphView {
  std::span<const uint32_t> first_dependent;
  std::span<const uint32_t> dependents;
  std::span<const uint32_t> dependency_count;

  size_t size() const { return dependency_count.size(); }
};

// What the next step has to know of all vertices together. Sums of sums are right.
struct Totals {
  double change = 0;    // Σ |new rank − old rank|
  double dangling = 0;  // Σ rank of those that depend on nothing

  Totals& operator+=(const Totals& other);
};

// When to stop.
struct Limits {
  uint32_t iterations = 200;  // at most
  double tolerance = 1e-10;   // done when the change of an iteration is at most this
};

// Gives every vertex of the range the same rank. The share is what each dependency gets of it.
Totals StartRanks(const GraphView& graph, Range range, std::span<double> ranks,
                  std::span<double> shares);

// Gives the vertices of the range their next rank. Reads the shares of all vertices, which stay,
// and writes ranks and next shares of the range only. `before` are the totals of all vertices.
Totals StepRanks(const GraphView& graph, Range range, const Totals& before,
                 std::span<const double> shares, std::span<double> ranks,
                 std::span<double> next_shares);

struct PlainResult {
  std::vector<double> ranks;
  std::vector<double> changes;  // of each iteration
  double seconds = 0;
};

// All of it on private memory and one thread.
PlainResult PlainPageRank(const GraphView& graph, const Limits& limits);

}  // namespace farpage::apps

#endif  // FARPAGE_BENCH_APPS_PAGE_RANK_H_

#include "bench/apps/page_rank.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <utility>

namespace farpage::apps {
namespace {

using testing::DoubleNear;
using testing::Pointwise;

struct OwnedGraph {
  std::vector<uint32_t> first_dependent = {0};
  std::vector<uint32_t> dependents;
  std::vector<uint32_t> dependency_count;

  GraphView view() const { return {first_dependent, dependents, dependency_count}; }
};

using Matrix = std::vector<std::vector<bool>>;  // [from][to]

OwnedGraph GraphOf(const Matrix& edges) {
  OwnedGraph graph;
  graph.dependency_count.resize(edges.size());
  for (size_t to = 0; to < edges.size(); ++to) {
    for (size_t from = 0; from < edges.size(); ++from) {
      if (!edges[from][to]) continue;
      graph.dependents.push_back(static_cast<uint32_t>(from));
      ++graph.dependency_count[from];
    }
    graph.first_dependent.push_back(static_cast<uint32_t>(graph.dependents.size()));
  }
  return graph;
}

// By the definition: the rank vector times the dense Google matrix, over and over.
std::vector<double> RanksByMatrix(const Matrix& edges, int iterations) {
  const auto size = static_cast<double>(edges.size());
  std::vector<double> ranks(edges.size(), 1 / size);
  for (int iteration = 0; iteration < iterations; ++iteration) {
    std::vector<double> next(edges.size());
    for (size_t from = 0; from < edges.size(); ++from) {
      const auto degree =
          static_cast<double>(std::count(edges[from].begin(), edges[from].end(), true));
      for (size_t to = 0; to < edges.size(); ++to) {
        const double follow = degree == 0 ? 1 / size : (edges[from][to] ? 1 / degree : 0);
        next[to] += ranks[from] * ((1 - kDamping) / size + kDamping * follow);
      }
    }
    ranks = next;
  }
  return ranks;
}

Matrix RandomEdges(size_t size, double density) {
  std::mt19937 random(1);
  std::bernoulli_distribution is_edge(density);
  Matrix edges(size, std::vector<bool>(size));
  for (size_t from = 0; from < size; from += from % 5 == 3 ? 2 : 1) {  // some depend on nothing
    for (size_t to = 0; to < size; ++to) edges[from][to] = from != to && is_edge(random);
  }
  return edges;
}

TEST(PageRank, EqualsThePowersOfTheMatrix) {
  const Matrix edges = RandomEdges(60, 0.07);
  const OwnedGraph graph = GraphOf(edges);
  const PlainResult result = PlainPageRank(graph.view(), {.iterations = 1000, .tolerance = 1e-14});
  EXPECT_LT(result.changes.size(), 1000u);
  EXPECT_THAT(result.ranks, Pointwise(DoubleNear(1e-13), RanksByMatrix(edges, 400)));
  EXPECT_NEAR(std::accumulate(result.ranks.begin(), result.ranks.end(), 0.0), 1, 1e-12);
}

TEST(PageRank, StopsAtTheToleranceOrTheLimit) {
  const OwnedGraph graph = GraphOf(RandomEdges(40, 0.1));
  const PlainResult converged = PlainPageRank(graph.view(), {.tolerance = 1e-6});
  ASSERT_GE(converged.changes.size(), 2u);
  EXPECT_LE(converged.changes.back(), 1e-6);
  EXPECT_GT(converged.changes[converged.changes.size() - 2], 1e-6);
  EXPECT_EQ(PlainPageRank(graph.view(), {.iterations = 3, .tolerance = 0}).changes.size(), 3u);
}

TEST(PageRank, RangesTogetherMakeTheWhole) {
  const OwnedGraph graph = GraphOf(RandomEdges(50, 0.1));
  const PlainResult whole = PlainPageRank(graph.view(), {.iterations = 2, .tolerance = 0});
  std::vector<double> ranks(50);
  std::vector<double> shares[2] = {ranks, ranks};
  const std::vector<Range> ranges = {{0, 17}, {17, 17}, {17, 50}};
  Totals totals;
  for (const Range& range : ranges) totals += StartRanks(graph.view(), range, ranks, shares[0]);
  for (const size_t side : {0u, 1u}) {
    Totals next;
    for (const Range& range : ranges) {
      next += StepRanks(graph.view(), range, totals, shares[side], ranks, shares[1 - side]);
    }
    totals = next;
    EXPECT_NEAR(totals.change, whole.changes[side], 1e-15);
  }
  EXPECT_THAT(ranks, Pointwise(DoubleNear(1e-16), whole.ranks));
}

TEST(PageRank, OneVertexHasAll) {
  const OwnedGraph graph = GraphOf({{false}});
  EXPECT_THAT(PlainPageRank(graph.view(), {}).ranks, Pointwise(DoubleNear(1e-15), {1.0}));
}

}  // namespace
}  // namespace farpage::apps

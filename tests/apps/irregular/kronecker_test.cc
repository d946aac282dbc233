#include "bench/apps/problems/kronecker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace farpage::apps {
namespace {

constexpr KroneckerParameters kSmall = {.scale = 10, .edge_factor = 16, .seed = 3};

TEST(Kronecker, DrawsQuartersAsOftenAsTheyAreLikely) {
  constexpr uint64_t kDraws = 200'000;
  std::array<double, 4> quarters{};
  for (uint64_t index = 0; index < kDraws; ++index) {
    const Edge edge = KroneckerEdge({.scale = 1, .seed = 5}, index);
    quarters[edge.from * 2 + edge.to] += 1.0 / kDraws;
  }
  // Five standard deviations of the most likely one are 0.0055.
  EXPECT_NEAR(quarters[0], 0.57, 0.006);
  EXPECT_NEAR(quarters[1], 0.19, 0.006);
  EXPECT_NEAR(quarters[2], 0.19, 0.006);
  EXPECT_NEAR(quarters[3], 0.05, 0.006);
}

TEST(Kronecker, LevelsAreIndependent) {
  constexpr uint64_t kDraws = 200'000;
  double both_lower = 0;
  for (uint64_t index = 0; index < kDraws; ++index) {
    if (KroneckerEdge({.scale = 2, .seed = 6}, index).from == 3) both_lower += 1.0 / kDraws;
  }
  EXPECT_NEAR(both_lower, 0.24 * 0.24, 0.003);
}

TEST(Kronecker, RowsAreSortedSymmetricAndWithoutLoops) {
  const Graph graph = MakeKronecker(kSmall);
  ASSERT_EQ(graph.size(), 1024u);
  ASSERT_EQ(graph.first.size(), 1025u);
  EXPECT_EQ(graph.first.back(), graph.neighbours.size());
  std::set<std::pair<uint32_t, uint32_t>> edges;
  for (uint32_t vertex = 0; vertex < graph.size(); ++vertex) {
    ASSERT_EQ(graph.first[vertex + 1] - graph.first[vertex], graph.degrees[vertex]);
    for (uint32_t at = graph.first[vertex]; at < graph.first[vertex + 1]; ++at) {
      EXPECT_NE(graph.neighbours[at], vertex);
      EXPECT_TRUE(at == graph.first[vertex] || graph.neighbours[at - 1] < graph.neighbours[at]);
      edges.emplace(vertex, graph.neighbours[at]);
    }
  }
  for (const auto& [from, to] : edges) EXPECT_TRUE(edges.contains({to, from}));
  // Most edges are there once; the degrees are uneven.
  EXPECT_GT(graph.edges(), 1024u * 16 / 2);
  EXPECT_LE(graph.edges(), 1024u * 16);
  EXPECT_GT(std::ranges::max(graph.degrees), 10 * 2 * graph.edges() / graph.size());
}

TEST(Kronecker, HasTheEdgesThatAreDrawnUnderOtherNames) {
  const Graph graph = MakeKronecker(kSmall);
  std::set<std::pair<uint32_t, uint32_t>> drawn;
  for (uint64_t index = 0; index < 1024 * 16; ++index) {
    const Edge edge = KroneckerEdge(kSmall, index);
    if (edge.from != edge.to) drawn.insert(std::minmax(edge.from, edge.to));
  }
  EXPECT_EQ(graph.edges(), drawn.size());
}

TEST(Kronecker, IsTheSameEachTimeAndAnotherForAnotherSeed) {
  EXPECT_EQ(MakeKronecker(kSmall).neighbours, MakeKronecker(kSmall).neighbours);
  KroneckerParameters other = kSmall;
  ++other.seed;
  EXPECT_NE(MakeKronecker(kSmall).neighbours, MakeKronecker(other).neighbours);
}

TEST(Kronecker, SourcesHaveNeighbours) {
  const Graph graph = MakeKronecker(kSmall);
  const std::vector<uint32_t> sources = ChooseSources(graph.view(), 100, 1);
  ASSERT_EQ(sources.size(), 100u);
  for (const uint32_t source : sources) EXPECT_GT(graph.degrees.at(source), 0u);
  EXPECT_EQ(sources, ChooseSources(graph.view(), 100, 1));
  const std::vector<uint32_t> nothing(3);
  EXPECT_TRUE(ChooseSources({nothing, {}, {nothing}}, 5, 1).empty());
}

}  // namespace
}  // namespace farpage::apps

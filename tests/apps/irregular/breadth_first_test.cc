#include "bench/apps/problems/breadth_first.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <vector>

#include "bench/apps/problems/kronecker.h"

namespace farpage::apps {
namespace {

using testing::HasSubstr;

// Distances by the textbook: a queue.
std::vector<uint32_t> Distances(const Graph& graph, uint32_t source) {
  std::vector<uint32_t> distances(graph.size(), kNoParent);
  distances[source] = 0;
  for (std::deque<uint32_t> queue = {source}; !queue.empty(); queue.pop_front()) {
    const uint32_t from = queue.front();
    for (uint32_t at = graph.first[from]; at < graph.first[from + 1]; ++at) {
      const uint32_t to = graph.neighbours[at];
      if (distances[to] != kNoParent) continue;
      distances[to] = distances[from] + 1;
      queue.push_back(to);
    }
  }
  return distances;
}

enum class Way { kDown, kUp, kChosen };

// Searches in `parts` pieces, one level after the other, as that many workers would.
std::vector<uint32_t> SearchInParts(const Graph& graph, uint32_t source, size_t parts, Way way) {
  const GraphView view = graph.view();
  std::vector<uint32_t> parents(graph.size());
  std::array<std::vector<uint64_t>, 2> frontiers;
  for (auto& frontier : frontiers) frontier.assign(WordsFor(graph.size()), ~uint64_t{0});
  const auto on_all = [&](auto function) {
    Level all;
    for (size_t part = 0; part < parts; ++part) {
      all += function(BlockOf(graph.size(), parts, part, kBitsPerWord));
    }
    return all;
  };
  Direction direction(graph.size(), graph.neighbours.size());
  Level level =
      on_all([&](Range range) { return StartSearch(view, range, source, parents, frontiers[0]); });
  for (size_t depth = 0; level.vertices > 0; ++depth) {
    const std::vector<uint64_t>& frontier = frontiers[depth % 2];
    std::vector<uint64_t>& next = frontiers[(depth + 1) % 2];
    const bool up = way == Way::kUp || (way == Way::kChosen && direction.Up(level));
    level = on_all([&](Range range) {
      ClearBits(range, next);
      return up ? SearchUp(view, range, frontier, parents, next)
                : SearchDown(view, range, frontier, parents, next);
    });
  }
  return parents;
}

class BreadthFirst : public testing::Test {
 protected:
  const Graph graph_ = MakeKronecker({.scale = 9, .edge_factor = 4, .seed = 2});
  const uint32_t source_ = ChooseSources(graph_.view(), 1, 1).at(0);
};

TEST_F(BreadthFirst, FindsShortestPathsInAnyDirectionAndAnyNumberOfParts) {
  const std::vector<uint32_t> distances = Distances(graph_, source_);
  for (const Way way : {Way::kDown, Way::kUp, Way::kChosen}) {
    for (const size_t parts : {1u, 2u, 3u, 8u, 20u}) {
      const std::vector<uint32_t> parents = SearchInParts(graph_, source_, parts, way);
      SearchTree tree;
      ASSERT_TRUE(CheckSearch(graph_.view(), source_, parents, tree).ok());
      uint64_t reached = 0;
      for (uint32_t vertex = 0; vertex < graph_.size(); ++vertex) {
        EXPECT_EQ(parents[vertex] == kNoParent, distances[vertex] == kNoParent);
        if (parents[vertex] == kNoParent) continue;
        ++reached;
        if (vertex != source_) {
          EXPECT_EQ(distances[parents[vertex]] + 1, distances[vertex]);
        }
      }
      EXPECT_EQ(tree.vertices, reached);
      EXPECT_GT(tree.edges, reached);
    }
  }
}

TEST(SmallBreadthFirst, WorkersWithoutVerticesLeaveOthersBitsAlone) {
  const Graph graph = MakeKronecker({.scale = 4, .edge_factor = 4, .seed = 2});
  ASSERT_LT(graph.size(), kBitsPerWord);  // one word, of the first worker
  const uint32_t source = ChooseSources(graph.view(), 1, 1).at(0);
  for (const Way way : {Way::kDown, Way::kUp, Way::kChosen}) {
    const std::vector<uint32_t> parents = SearchInParts(graph, source, 3, way);
    EXPECT_EQ(parents, SearchInParts(graph, source, 1, way));
    SearchTree tree;
    const absl::Status right = CheckSearch(graph.view(), source, parents, tree);
    EXPECT_TRUE(right.ok()) << right;
    EXPECT_GT(tree.depth, 0u);
  }
}

TEST_F(BreadthFirst, OneWorkerAloneFindsATree) {
  std::vector<uint32_t> parents(graph_.size());
  std::array<std::vector<uint64_t>, 2> frontiers;
  for (auto& frontier : frontiers) frontier.resize(WordsFor(graph_.size()));
  SearchAll(graph_.view(), source_, parents, {Bits(frontiers[0]), Bits(frontiers[1])});
  EXPECT_EQ(parents, SearchInParts(graph_, source_, 1, Way::kChosen));
}

TEST_F(BreadthFirst, TheCheckCatchesWhatIsWrong) {
  const std::vector<uint32_t> good = SearchInParts(graph_, source_, 1, Way::kChosen);
  const std::vector<uint32_t> distances = Distances(graph_, source_);
  const auto judge = [&](uint32_t vertex, uint32_t parent) {
    std::vector<uint32_t> parents = good;
    parents[vertex] = parent;
    SearchTree tree;
    return std::string(CheckSearch(graph_.view(), source_, parents, tree).message());
  };
  const auto has_neighbour_at = [&](uint32_t vertex, uint32_t distance) {
    return std::any_of(graph_.neighbours.begin() + graph_.first[vertex],
                       graph_.neighbours.begin() + graph_.first[vertex + 1],
                       [&](uint32_t neighbour) { return distances[neighbour] == distance; });
  };
  uint32_t leaf = 0;  // two levels down, with nothing below
  while (distances[leaf] != 2 || has_neighbour_at(leaf, 3)) ++leaf;
  uint32_t lonely = 0;
  while (graph_.degrees[lonely] != 0) ++lonely;
  EXPECT_EQ(judge(leaf, good[leaf]), "");
  EXPECT_THAT(judge(source_, kNoParent), HasSubstr("its own parent"));
  EXPECT_THAT(judge(leaf, kNoParent), HasSubstr("was not reached"));
  EXPECT_THAT(judge(leaf, leaf), HasSubstr("do not lead to the source"));
  EXPECT_THAT(judge(leaf, lonely), HasSubstr("do not lead to the source"));
  EXPECT_THAT(judge(leaf, source_), HasSubstr("is no neighbour of its parent"));
  EXPECT_THAT(judge(lonely, source_), HasSubstr("is no neighbour of its parent"));
}

TEST_F(BreadthFirst, TheCheckCatchesAWayThatIsTooLong) {
  // A triangle of which two edges are used, one after the other.
  const std::vector<uint32_t> first = {0, 2, 4, 6};
  const std::vector<uint32_t> neighbours = {1, 2, 0, 2, 0, 1};
  const std::vector<uint32_t> degrees = {2, 2, 2};
  const std::vector<uint32_t> parents = {0, 0, 1};
  SearchTree tree;
  EXPECT_THAT(std::string(CheckSearch({first, neighbours, degrees}, 0, parents, tree).message()),
              HasSubstr("is too far away"));
}

TEST(Direction, GoesUpWhenTheFrontierIsLargeAndDownWhenItIsSmallAgain) {
  Direction direction(1000, 20'000);
  EXPECT_FALSE(direction.Up({.vertices = 1, .edges = 20}));
  EXPECT_TRUE(direction.Up({.vertices = 200, .edges = 6000}));
  EXPECT_TRUE(direction.Up({.vertices = 700, .edges = 12'000}));
  EXPECT_TRUE(direction.Up({.vertices = 80, .edges = 200}));
  EXPECT_FALSE(direction.Up({.vertices = 10, .edges = 10}));
}

}  // namespace
}  // namespace farpage::apps

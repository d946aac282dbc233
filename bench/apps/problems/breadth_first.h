// Breadth-first search that changes direction (Beamer, Asanović and Patterson, SC 2012), in pieces
// that several workers do for their own vertices.
//
// Each vertex has one owner, and only the owner writes what belongs to it: its parent, and its bit
// of the next frontier. So nothing has to be claimed, and between two levels everybody only reads
// what others wrote. Going down, an owner looks for its vertices among the neighbours of the whole
// frontier, which the order of the rows makes cheap; going up, each of its vertices without a
// parent looks for one in the frontier.
#ifndef FARPAGE_BENCH_APPS_PROBLEMS_BREADTH_FIRST_H_
#define FARPAGE_BENCH_APPS_PROBLEMS_BREADTH_FIRST_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "absl/status/status.h"
#include "bench/apps/page_rank.h"

namespace farpage::apps {

inline constexpr uint32_t kNoParent = ~uint32_t{0};

// A set of vertices, one bit each.
using Bits = std::span<uint64_t>;
inline constexpr size_t kBitsPerWord = 64;
inline constexpr size_t WordsFor(size_t vertices) {
  return (vertices + kBitsPerWord - 1) / kBitsPerWord;
}

// What is known of a level by all workers together. Sums of sums are right.
struct Level {
  uint64_t vertices = 0;  // in the frontier
  uint64_t edges = 0;     // that leave it

  Level& operator+=(const Level& other);
};

// Decides how each level is searched. The same everywhere, for it is told the same.
class Direction {
 public:
  // The first level is `source`. `graph_edges` counts each edge in both directions.
  Direction(uint64_t vertices, uint64_t graph_edges)
      : vertices_(vertices), unexplored_edges_(graph_edges) {}

  // Whether to go up (vertices look for a parent) from this frontier.
  bool Up(const Level& frontier);

 private:
  uint64_t vertices_;
  uint64_t unexplored_edges_;
  uint64_t previous_vertices_ = 0;
  bool up_ = false;
};

// For the vertices of the range, whose bounds are multiples of 64 or the end. `parents` is of all
// vertices. The functions return what they have found for the next frontier.
Level StartSearch(const GraphView& graph, Range range, uint32_t source, std::span<uint32_t> parents,
                  Bits frontier);
Level SearchDown(const GraphView& graph, Range range, std::span<const uint64_t> frontier,
                 std::span<uint32_t> parents, Bits next);
Level SearchUp(const GraphView& graph, Range range, std::span<const uint64_t> frontier,
               std::span<uint32_t> parents, Bits next);
// Empties the range's part of a frontier that is over. Writes only what is not empty, so that a
// page without a bit is not written.
void ClearBits(Range range, Bits bits);

// All of it by one thread. `frontiers` are two sets of all vertices, whose content does not matter.
void SearchAll(const GraphView& graph, uint32_t source, std::span<uint32_t> parents,
               std::array<Bits, 2> frontiers);

struct SearchTree {
  uint64_t vertices = 0;  // reached
  uint64_t edges = 0;     // of the graph, between those; each once. What Graph500 divides by time
  uint32_t depth = 0;
};

// The checks of Graph500: the parents form a tree rooted at the source; a parent is a neighbour,
// one level up; neighbours differ by at most one level; and all that can be reached is. OK, or
// FAILED_PRECONDITION that names the first vertex for which it is not so.
absl::Status CheckSearch(const GraphView& graph, uint32_t source, std::span<const uint32_t> parents,
                         SearchTree& tree);

}  // namespace farpage::apps

#endif  // FARPAGE_BENCH_APPS_PROBLEMS_BREADTH_FIRST_H_

#include "bench/apps/problems/breadth_first.h"

#include <algorithm>
#include <bit>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace farpage::apps {

namespace {

bool Has(std::span<const uint64_t> bits, uint32_t vertex) {
  return (bits[vertex / kBitsPerWord] >> (vertex % kBitsPerWord) & 1) != 0;
}

std::span<const uint32_t> Row(const GraphView& graph, size_t vertex) {
  return graph.dependents.subspan(graph.first_dependent[vertex], graph.dependency_count[vertex]);
}

// The part of an ascending row that falls into the range.
std::span<const uint32_t> Within(std::span<const uint32_t> row, Range range, size_t vertices) {
  const uint32_t* begin = row.data();
  const uint32_t* end = begin + row.size();
  if (range.begin > 0) begin = std::lower_bound(begin, end, range.begin);
  if (range.end < vertices) end = std::lower_bound(begin, end, range.end);
  return {begin, end};
}

constexpr uint32_t kUnknown = ~uint32_t{0};

// How far each vertex is from the source, along parents. Names a vertex that does not get there.
absl::Status FindLevels(std::span<const uint32_t> parents, uint32_t source,
                        std::vector<uint32_t>& levels) {
  levels.assign(parents.size(), kUnknown);
  levels[source] = 0;
  std::vector<uint32_t> path;
  for (uint32_t vertex = 0; vertex < parents.size(); ++vertex) {
    if (parents[vertex] == kNoParent) continue;
    path.clear();
    uint32_t at = vertex;
    while (levels[at] == kUnknown) {
      path.push_back(at);
      at = parents[at];
      if (at >= parents.size() || path.size() > parents.size()) {
        return absl::FailedPreconditionError(
            absl::StrCat("vertex ", vertex, "'s parents do not lead to the source"));
      }
    }
    uint32_t level = levels[at];
    for (; !path.empty(); path.pop_back()) levels[path.back()] = ++level;
  }
  return absl::OkStatus();
}

}  // namespace

Level& Level::operator+=(const Level& other) {
  vertices += other.vertices;
  edges += other.edges;
  return *this;
}

bool Direction::Up(const Level& frontier) {
  // The thresholds of the paper. Going up ends when the frontier is small and shrinks.
  constexpr uint64_t kAlpha = 15;
  constexpr uint64_t kBeta = 18;
  if (up_) {
    up_ = frontier.vertices >= previous_vertices_ || frontier.vertices > vertices_ / kBeta;
  } else {
    up_ = frontier.edges > unexplored_edges_ / kAlpha;
  }
  unexplored_edges_ -= std::min(unexplored_edges_, frontier.edges);
  previous_vertices_ = frontier.vertices;
  return up_;
}

Level StartSearch(const GraphView& graph, Range range, uint32_t source, std::span<uint32_t> parents,
                  Bits frontier) {
  std::fill(parents.begin() + static_cast<std::ptrdiff_t>(range.begin),
            parents.begin() + static_cast<std::ptrdiff_t>(range.end), kNoParent);
  ClearBits(range, frontier);
  if (source < range.begin || source >= range.end) return {};
  parents[source] = source;
  frontier[source / kBitsPerWord] |= uint64_t{1} << (source % kBitsPerWord);
  return {.vertices = 1, .edges = graph.dependency_count[source]};
}

Level SearchDown(const GraphView& graph, Range range, std::span<const uint64_t> frontier,
                 std::span<uint32_t> parents, Bits next) {
  Level found;
  for (size_t word = 0; word < frontier.size(); ++word) {
    for (uint64_t left = frontier[word]; left != 0; left &= left - 1) {
      const auto from =
          static_cast<uint32_t>(word * kBitsPerWord + static_cast<size_t>(std::countr_zero(left)));
      for (const uint32_t to : Within(Row(graph, from), range, graph.size())) {
        if (parents[to] != kNoParent) continue;
        parents[to] = from;
        next[to / kBitsPerWord] |= uint64_t{1} << (to % kBitsPerWord);
        found += {.vertices = 1, .edges = graph.dependency_count[to]};
      }
    }
  }
  return found;
}

Level SearchUp(const GraphView& graph, Range range, std::span<const uint64_t> frontier,
               std::span<uint32_t> parents, Bits next) {
  Level found;
  for (size_t vertex = range.begin; vertex < range.end; ++vertex) {
    if (parents[vertex] != kNoParent) continue;
    for (const uint32_t neighbour : Row(graph, vertex)) {
      if (!Has(frontier, neighbour)) continue;
      parents[vertex] = neighbour;
      next[vertex / kBitsPerWord] |= uint64_t{1} << (vertex % kBitsPerWord);
      found += {.vertices = 1, .edges = graph.dependency_count[vertex]};
      break;
    }
  }
  return found;
}

void ClearBits(Range range, Bits bits) {
  if (range.empty()) return;  // its bounds may be within a word that another owns
  for (size_t word = range.begin / kBitsPerWord; word < WordsFor(range.end); ++word) {
    if (bits[word] != 0) bits[word] = 0;
  }
}

void SearchAll(const GraphView& graph, uint32_t source, std::span<uint32_t> parents,
               std::array<Bits, 2> frontiers) {
  const Range all{0, graph.size()};
  Direction direction(graph.size(), graph.dependents.size());
  Level level = StartSearch(graph, all, source, parents, frontiers[0]);
  for (size_t depth = 0; level.vertices > 0; ++depth) {
    const Bits frontier = frontiers[depth % 2];
    const Bits next = frontiers[(depth + 1) % 2];
    ClearBits(all, next);
    level = direction.Up(level) ? SearchUp(graph, all, frontier, parents, next)
                                : SearchDown(graph, all, frontier, parents, next);
  }
}

absl::Status CheckSearch(const GraphView& graph, uint32_t source, std::span<const uint32_t> parents,
                         SearchTree& tree) {
  const auto wrong = [](uint32_t vertex, const std::string& what) {
    return absl::FailedPreconditionError(absl::StrCat("vertex ", vertex, " ", what));
  };
  tree = {};
  if (parents.size() != graph.size() || source >= graph.size() || parents[source] != source) {
    return absl::FailedPreconditionError("the source is not its own parent");
  }
  std::vector<uint32_t> levels;
  if (absl::Status found = FindLevels(parents, source, levels); !found.ok()) return found;
  uint64_t ends = 0;
  for (uint32_t vertex = 0; vertex < graph.size(); ++vertex) {
    const std::span<const uint32_t> row = Row(graph, vertex);
    if (levels[vertex] == kUnknown) {
      // Its neighbours are asked when it is their turn: an edge has two ends.
      continue;
    }
    for (const uint32_t neighbour : row) {
      if (levels[neighbour] == kUnknown) return wrong(neighbour, "was not reached");
      if (levels[neighbour] + 1 < levels[vertex]) return wrong(vertex, "is too far away");
    }
    if (vertex != source) {
      const uint32_t parent = parents[vertex];
      if (!std::binary_search(row.begin(), row.end(), parent)) {
        return wrong(vertex, absl::StrCat("is no neighbour of its parent ", parent));
      }
      if (levels[parent] + 1 != levels[vertex]) return wrong(vertex, "is not below its parent");
    }
    ++tree.vertices;
    ends += row.size();
    tree.depth = std::max(tree.depth, levels[vertex]);
  }
  tree.edges = ends / 2;
  return absl::OkStatus();
}

}  // namespace farpage::apps

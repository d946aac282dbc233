#include "bench/apps/problems/kronecker.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "bench/apps/problems/counter_random.h"

namespace farpage::apps {

namespace {

constexpr uint64_t kNamesStream = ~uint64_t{0};  // streams below draw edges
constexpr uint64_t kSourcesStream = kNamesStream - 1;

uint64_t Below(CounterRandom& random, uint64_t bound) {
  return static_cast<uint64_t>(random.Fraction() * static_cast<double>(bound));
}

std::vector<uint32_t> Names(const KroneckerParameters& parameters) {
  std::vector<uint32_t> names(size_t{1} << parameters.scale);
  std::iota(names.begin(), names.end(), 0);
  CounterRandom random(parameters.seed, kNamesStream);
  for (size_t left = names.size(); left > 1; --left) {
    std::swap(names[left - 1], names[Below(random, left)]);
  }
  return names;
}

// Sorts each row, drops what is there twice, and moves the rows together.
void TidyRows(Graph& graph) {
  uint32_t end = 0;
  for (size_t vertex = 0; vertex < graph.size(); ++vertex) {
    const auto begin = graph.neighbours.begin() + graph.first[vertex];
    const auto row_end = graph.neighbours.begin() + graph.first[vertex + 1];
    std::sort(begin, row_end);
    const auto unique_end = std::unique(begin, row_end);
    std::copy(begin, unique_end, graph.neighbours.begin() + end);
    graph.first[vertex] = end;
    graph.degrees[vertex] = static_cast<uint32_t>(unique_end - begin);
    end += graph.degrees[vertex];
  }
  graph.first.back() = end;
  graph.neighbours.resize(end);
  graph.neighbours.shrink_to_fit();
}

}  // namespace

Edge KroneckerEdge(const KroneckerParameters& parameters, uint64_t index) {
  // Probabilities as fractions of 2³²: one draw decides both halves of the matrix.
  constexpr double kA = 0.57, kB = 0.19, kC = 0.19, kD = 0.05;
  constexpr auto kLower = static_cast<uint32_t>((kC + kD) * 0x1p32);
  constexpr auto kRightOfLower = static_cast<uint32_t>(kD / (kC + kD) * 0x1p32);
  constexpr auto kRightOfUpper = static_cast<uint32_t>(kB / (kA + kB) * 0x1p32);
  CounterRandom random(parameters.seed, index);
  Edge edge;
  for (uint32_t level = 0; level < parameters.scale; ++level) {
    const uint64_t draw = random();
    const bool lower = static_cast<uint32_t>(draw) < kLower;
    const bool right = draw >> 32 < (lower ? kRightOfLower : kRightOfUpper);
    edge.from = edge.from << 1 | (lower ? 1 : 0);
    edge.to = edge.to << 1 | (right ? 1 : 0);
  }
  return edge;
}

Graph MakeKronecker(const KroneckerParameters& parameters) {
  const size_t vertices = size_t{1} << parameters.scale;
  const std::vector<uint32_t> names = Names(parameters);
  std::vector<Edge> edges(vertices * parameters.edge_factor);
  Graph graph;
  graph.first.resize(vertices + 1);
  graph.degrees.resize(vertices);
  for (size_t index = 0; index < edges.size(); ++index) {
    const Edge drawn = KroneckerEdge(parameters, index);
    edges[index] = {names[drawn.from], names[drawn.to]};
    if (drawn.from == drawn.to) continue;
    ++graph.first[edges[index].from + 1];
    ++graph.first[edges[index].to + 1];
  }
  std::partial_sum(graph.first.begin(), graph.first.end(), graph.first.begin());
  graph.neighbours.resize(graph.first.back());
  std::vector<uint32_t> ends(graph.first.begin(), graph.first.end() - 1);
  for (const Edge& edge : edges) {
    if (edge.from == edge.to) continue;
    graph.neighbours[ends[edge.from]++] = edge.to;
    graph.neighbours[ends[edge.to]++] = edge.from;
  }
  TidyRows(graph);
  return graph;
}

std::vector<uint32_t> ChooseSources(const GraphView& graph, size_t count, uint64_t seed) {
  std::vector<uint32_t> sources;
  if (std::ranges::all_of(graph.dependency_count, [](uint32_t degree) { return degree == 0; })) {
    return sources;
  }
  CounterRandom random(seed, kSourcesStream);
  while (sources.size() < count) {
    const auto vertex = static_cast<uint32_t>(Below(random, graph.size()));
    if (graph.dependency_count[vertex] > 0) sources.push_back(vertex);
  }
  return sources;
}

}  // namespace farpage::apps

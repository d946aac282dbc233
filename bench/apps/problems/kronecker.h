// Kronecker graphs as Graph500 defines them (graph500.org): 2^scale vertices, 16 edges each, many
// of few neighbours and few of very many, in no order that a program could make use of.
#ifndef FARPAGE_BENCH_APPS_PROBLEMS_KRONECKER_H_
#define FARPAGE_BENCH_APPS_PROBLEMS_KRONECKER_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "bench/apps/page_rank.h"

namespace farpage::apps {

struct KroneckerParameters {
  uint32_t scale = 16;  // 1 … 26
  uint32_t edge_factor = 16;
  uint64_t seed = 1;
};

struct Edge {
  uint32_t from = 0;
  uint32_t to = 0;
};

// Draws edge number `index`, before its ends get new names. The quarter of the adjacency matrix it
// falls into is chosen `scale` times, with probability 0.57, 0.19, 0.19 and 0.05.
Edge KroneckerEdge(const KroneckerParameters& parameters, uint64_t index);

// An undirected graph in compressed sparse rows: the neighbours of v, ascending and each once, are
// neighbours[first[v]] … neighbours[first[v + 1] − 1]. Nobody is its own neighbour.
struct Graph {
  std::vector<uint32_t> first;  // one more than there are vertices
  std::vector<uint32_t> neighbours;
  std::vector<uint32_t> degrees;

  size_t size() const { return degrees.size(); }
  uint64_t edges() const { return neighbours.size() / 2; }
  // As PageRank looks at it: everybody depends on its neighbours.
  GraphView view() const { return {first, neighbours, degrees}; }
};

// Draws all edges and builds the graph: vertices get names at random, loops and edges that were
// drawn before are left out. The same on every machine.
Graph MakeKronecker(const KroneckerParameters& parameters);

// So many vertices that have neighbours, at random; the same for the same seed.
std::vector<uint32_t> ChooseSources(const GraphView& graph, size_t count, uint64_t seed);

}  // namespace farpage::apps

#endif  // FARPAGE_BENCH_APPS_PROBLEMS_KRONECKER_H_

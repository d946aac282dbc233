// Breadth-first searches of a Kronecker graph, from the top down and from the bottom up.
//
//   farpage run -n 2 -- bfs
//   farpage run -n 4 -- bfs --scale 20 --threads 2
//
// Each thread owns a range of the vertices and is the only one that writes their parents and their
// bits in the next frontier (breadth_first.h): no vertex has to be claimed with an atomic
// operation, and nothing is sent. All that moves between nodes is the frontier, one bit a vertex,
// once a level.
//
// Placement: blocks. Parents are written where they are at home. The graph is stored by node 0 and
// then only read: each node fetches the rows that it looks at, once, and keeps them.
//
// Synchronisation: a reduction a level, which says how large the next frontier is, and with it
// whether to go on, and in which direction.
//
// Consistency: release for graph and frontiers. Pages of a frontier that border on two owners may
// be written by both, and who reads them asks no owner for permission. Sequential for the parents:
// nobody but the owner touches them before the end, so that they stay writable at home.
#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "bench/apps/frame/measurement.h"
#include "bench/apps/frame/shared_program.h"
#include "bench/apps/problems/bfs.h"
#include "bench/apps/shared_graph.h"

namespace farpage::apps {
namespace {

class SharedBfs : public SharedProgram {
 public:
  explicit SharedBfs(BfsProblem& problem) : problem_(&problem) {}

  absl::Status Allocate(Node& node, Consistency consistency) override {
    const AllocateOptions options = {.consistency = consistency};
    std::optional<GraphView> source;
    if (node.id() == 0) {
      problem_->Build();
      source = problem_->graph().view();
    }
    const absl::StatusOr<SharedGraph> graph = ShareGraph(node, source, options);
    if (!graph.ok()) return graph.status();
    graph_ = graph->view();
    for (size_t index = 0; index < frontiers_.size(); ++index) {
      const auto frontier = node.Allocate<uint64_t>(absl::StrCat("frontier ", index),
                                                    WordsFor(graph_.size()), options);
      if (!frontier.ok()) return frontier.status();
      frontiers_[index] = *frontier;
    }
    for (uint32_t trial = 0; trial < problem_->trials(); ++trial) {
      const auto parents = node.Allocate<uint32_t>(absl::StrCat("parents ", trial), graph_.size());
      if (!parents.ok()) return parents.status();
      parents_.push_back(*parents);
    }
    problem_->trial_seconds.resize(problem_->trials());
    return absl::OkStatus();
  }

  // The first repetition finds a graph that nobody has looked at, as a program would.
  void Prepare(Worker& /*worker*/) override {}

  void Compute(Worker& worker) override {
    const std::vector<uint32_t> sources = problem_->Sources(graph_);
    for (size_t trial = 0; trial < sources.size(); ++trial) {
      const Stopwatch watch;
      Search(worker, sources[trial], parents_[trial]);
      if (worker.thread() == 0) problem_->trial_seconds[trial] = watch.seconds();
    }
  }

  void Collect() override {
    for (const std::span<uint32_t> parents : parents_) {
      problem_->result.emplace_back(parents.begin(), parents.end());
    }
  }

 private:
  static Level Sum(Worker& worker, const Level& own) {
    const auto [vertices, edges] = worker.Sum(std::array{own.vertices, own.edges});
    return {vertices, edges};
  }

  void Search(Worker& worker, uint32_t source, std::span<uint32_t> parents) {
    const Range own = OwnVertices(worker);
    Direction direction(graph_.size(), graph_.dependents.size());
    Level level = Sum(worker, StartSearch(graph_, own, source, parents, frontiers_[0]));
    for (size_t depth = 0; level.vertices > 0; ++depth) {
      const Bits frontier = frontiers_[depth % 2];
      const Bits next = frontiers_[(depth + 1) % 2];  // nobody reads it any more
      ClearBits(own, next);
      const Level found = direction.Up(level) ? SearchUp(graph_, own, frontier, parents, next)
                                              : SearchDown(graph_, own, frontier, parents, next);
      level = Sum(worker, found);
    }
  }

  // Whole pages of parents for each node, whole words of the frontiers for each thread.
  Range OwnVertices(const Worker& worker) const {
    const Range node = BlockOf(graph_.size(), worker.nodes(), worker.node().id(),
                               ItemsPerWholePages(sizeof(uint32_t)));
    const Range part = BlockOf(node.size(), worker.threads(), worker.thread(), kBitsPerWord);
    return {node.begin + part.begin, node.begin + part.end};
  }

  BfsProblem* problem_;
  GraphView graph_;
  std::array<Bits, 2> frontiers_;
  std::vector<std::span<uint32_t>> parents_;
};

}  // namespace
}  // namespace farpage::apps

int main(int argc, char** argv) {
  farpage::apps::BfsProblem problem;
  farpage::apps::SharedBfs program(problem);
  return farpage::apps::RunShared(argc, argv, problem, program);
}

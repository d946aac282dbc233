// Breadth-first searches of a Kronecker graph on the threads of one machine, for comparison.
//
//   bfs_openmp --threads 2
#include <array>

#include "bench/apps/frame/measurement.h"
#include "bench/apps/frame/process_program.h"
#include "bench/apps/problems/bfs.h"

namespace farpage::apps {
namespace {

class OpenMpBfs : public ProcessProgram {
 public:
  explicit OpenMpBfs(BfsProblem& problem) : problem_(&problem) {}

  std::string version() const override { return "openmp"; }

  void Prepare(uint32_t /*threads*/) override {
    if (problem_->graph().size() == 0) problem_->Build();
    problem_->result.assign(problem_->trials(), std::vector<uint32_t>(problem_->vertices()));
    problem_->trial_seconds.resize(problem_->trials());
    for (std::vector<uint64_t>& frontier : frontiers_) {
      frontier.resize(WordsFor(problem_->vertices()));
    }
  }

  void Compute(uint32_t threads) override {
    const std::vector<uint32_t> sources = problem_->Sources(problem_->graph().view());
    for (size_t trial = 0; trial < sources.size(); ++trial) {
      const Stopwatch watch;
      Search(threads, sources[trial], problem_->result[trial]);
      problem_->trial_seconds[trial] = watch.seconds();
    }
  }

  void Collect() override {}  // what is computed is in the problem already

 private:
  void Search(uint32_t threads, uint32_t source, std::span<uint32_t> parents) {
    const GraphView graph = problem_->graph().view();
    Direction direction(graph.size(), graph.dependents.size());
    const auto on_all = [&](auto function) {
      uint64_t vertices = 0;
      uint64_t edges = 0;
#pragma omp parallel for num_threads(threads) schedule(static) reduction(+ : vertices, edges)
      for (uint32_t thread = 0; thread < threads; ++thread) {
        const Level found = function(BlockOf(graph.size(), threads, thread, kBitsPerWord));
        vertices += found.vertices;
        edges += found.edges;
      }
      return Level{vertices, edges};
    };
    Level level = on_all(
        [&](Range own) { return StartSearch(graph, own, source, parents, Bits(frontiers_[0])); });
    for (size_t depth = 0; level.vertices > 0; ++depth) {
      const std::span<const uint64_t> frontier = frontiers_[depth % 2];
      const Bits next = frontiers_[(depth + 1) % 2];
      const bool up = direction.Up(level);
      level = on_all([&](Range own) {
        ClearBits(own, next);
        return up ? SearchUp(graph, own, frontier, parents, next)
                  : SearchDown(graph, own, frontier, parents, next);
      });
    }
  }

  BfsProblem* problem_;
  std::array<std::vector<uint64_t>, 2> frontiers_;
};

}  // namespace
}  // namespace farpage::apps

int main(int argc, char** argv) {
  farpage::apps::BfsProblem problem;
  farpage::apps::OpenMpBfs program(problem);
  return farpage::apps::RunInProcess(argc, argv, problem, program);
}

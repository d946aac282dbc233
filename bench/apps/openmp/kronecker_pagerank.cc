// PageRank of a Kronecker graph on the threads of one machine, for comparison.
//
//   kronecker_pagerank_openmp --threads 2
#include <array>

#include "bench/apps/frame/measurement.h"
#include "bench/apps/frame/process_program.h"
#include "bench/apps/problems/kronecker_pagerank.h"

namespace farpage::apps {
namespace {

class OpenMpPagerank : public ProcessProgram {
 public:
  explicit OpenMpPagerank(KroneckerPagerankProblem& problem) : problem_(&problem) {}

  std::string version() const override { return "openmp"; }

  void Prepare(uint32_t /*threads*/) override {
    if (problem_->graph().size() == 0) problem_->Build();
    problem_->result.ranks.resize(problem_->vertices());
    for (std::vector<double>& side : shares_) side.resize(problem_->vertices());
  }

  void Compute(uint32_t threads) override {
    const Stopwatch watch;
    const GraphView graph = problem_->graph().view();
    std::vector<double>& ranks = problem_->result.ranks;
    const auto on_all = [&](auto function) {
      double change = 0;
      double dangling = 0;
#pragma omp parallel for num_threads(threads) schedule(static) reduction(+ : change, dangling)
      for (uint32_t thread = 0; thread < threads; ++thread) {
        const Totals own = function(BlockOf(graph.size(), threads, thread));
        change += own.change;
        dangling += own.dangling;
      }
      return Totals{change, dangling};
    };
    Totals totals = on_all([&](Range own) { return StartRanks(graph, own, ranks, shares_[0]); });
    uint32_t iteration = 0;
    while (iteration < problem_->limits().iterations) {
      const std::span<const double> current = shares_[iteration % 2];
      ++iteration;
      const std::span<double> next = shares_[iteration % 2];
      totals =
          on_all([&](Range own) { return StepRanks(graph, own, totals, current, ranks, next); });
      if (totals.change <= problem_->limits().tolerance) break;
    }
    problem_->result.iterations = iteration;
    problem_->result.seconds = watch.seconds();
  }

  void Collect() override {}  // what is computed is in the problem already

 private:
  KroneckerPagerankProblem* problem_;
  std::array<std::vector<double>, 2> shares_;
};

}  // namespace
}  // namespace farpage::apps

int main(int argc, char** argv) {
  farpage::apps::KroneckerPagerankProblem problem;
  farpage::apps::OpenMpPagerank program(problem);
  return farpage::apps::RunInProcess(argc, argv, problem, program);
}

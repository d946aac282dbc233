// PageRank of a Kronecker graph: GAP's `pr`.
//
//   farpage run -n 2 -- kronecker_pagerank
//   farpage run -n 4 -- kronecker_pagerank --scale 20 --threads 2
//
// (pagerank.cc does the same for the dependencies of Debian packages.) Each thread computes the
// next ranks of its own range of vertices, from the shares that all others have computed last.
//
// Placement: blocks. What a thread writes is at home on its node. Of the shares every node needs
// nearly all, each iteration: half of them move where there are two nodes, three quarters with
// four.
//
// Synchronisation: a reduction an iteration, of what decides whether to go on. Shares of this and
// of the next iteration are apart, so that nobody reads what is being written.
//
// Consistency: release for the shares. Their pages are written by one node and read by all others;
// the barrier names them, and who reads them next fetches them from their home with one read, many
// at a time. With sequential consistency the writer would have to be given each page back first.
// Sequential for the ranks, which only their owner touches before the end.
#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "bench/apps/frame/die.h"
#include "bench/apps/frame/measurement.h"
#include "bench/apps/frame/shared_program.h"
#include "bench/apps/problems/kronecker_pagerank.h"
#include "bench/apps/shared_graph.h"

namespace farpage::apps {
namespace {

class SharedPagerank : public SharedProgram {
 public:
  explicit SharedPagerank(KroneckerPagerankProblem& problem) : problem_(&problem) {}

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
    for (size_t side = 0; side < shares_.size(); ++side) {
      const auto shares =
          node.Allocate<double>(absl::StrCat("shares ", side), graph_.size(), options);
      if (!shares.ok()) return shares.status();
      shares_[side] = *shares;
    }
    const auto ranks = node.Allocate<double>("ranks", graph_.size());
    if (!ranks.ok()) return ranks.status();
    ranks_ = *ranks;
    return absl::OkStatus();
  }

  void Prepare(Worker& /*worker*/) override {}

  void Compute(Worker& worker) override {
    const Stopwatch watch;
    const Range own = worker.Block(graph_.size(), sizeof(double));
    Totals totals = Sum(worker, StartRanks(graph_, own, ranks_, shares_[0]));
    uint32_t iteration = 0;
    while (iteration < problem_->limits().iterations) {
      const std::span<double> current = shares_[iteration % 2];
      // They will be read in an order that nobody could foresee. Asked for together, they come
      // together. Only faster, never needed.
      if (worker.thread() == 0) {
        const absl::Status asked = worker.node().Prefetch(current.data(), current.size_bytes());
        if (!asked.ok()) Die(worker.node(), "prefetch", asked);
      }
      ++iteration;
      totals = Sum(worker, StepRanks(graph_, own, totals, current, ranks_, shares_[iteration % 2]));
      if (totals.change <= problem_->limits().tolerance) break;
    }
    if (worker.thread() != 0) return;
    problem_->result.iterations = iteration;
    problem_->result.seconds = watch.seconds();
  }

  void Collect() override { problem_->result.ranks.assign(ranks_.begin(), ranks_.end()); }

 private:
  static Totals Sum(Worker& worker, const Totals& own) {
    const auto [change, dangling] = worker.Sum(std::array{own.change, own.dangling});
    return {change, dangling};
  }

  KroneckerPagerankProblem* problem_;
  GraphView graph_;
  std::array<std::span<double>, 2> shares_;
  std::span<double> ranks_;
};

}  // namespace
}  // namespace farpage::apps

int main(int argc, char** argv) {
  farpage::apps::KroneckerPagerankProblem problem;
  farpage::apps::SharedPagerank program(problem);
  return farpage::apps::RunShared(argc, argv, problem, program);
}

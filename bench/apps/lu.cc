// Triangular factors of a matrix with partial pivoting, divided by panels of 64 columns.
//
//   farpage run -n 2 -- lu
//   farpage run -n 4 -- lu --order 4096 --threads 2
//
// Placement: cyclic, a panel a block, so that all nodes have work to the end. Who has a panel at
// home is its only writer.
//
// Synchronisation: a barrier a panel. Whoever has the next panel brings it up to date and factors
// it before its others, so that nobody waits for it longer than it takes.
//
// Consistency: release. A panel is written by one node until it is finished and read by all in the
// next step: then its pages come with a few requests, and nobody who is computing has to be asked
// for them.
#include <span>
#include <utility>

#include "bench/apps/frame/die.h"
#include "bench/apps/frame/shared_program.h"
#include "bench/apps/problems/lu.h"

namespace farpage::apps {
namespace {

class SharedLu : public SharedProgram {
 public:
  explicit SharedLu(LuProblem& problem) : problem_(&problem) {}

  absl::Status Allocate(Node& node, Consistency consistency) override {
    const size_t order = problem_->order();
    const auto matrix =
        node.Allocate<double>("matrix", order * order,
                              {.consistency = consistency,
                               .placement = Placement::kCyclic,
                               .cyclic_block_bytes = order * kPanel * sizeof(double)});
    if (!matrix.ok()) return matrix.status();
    matrix_ = *matrix;
    const auto pivots =
        node.Allocate<uint64_t>("pivots", problem_->panels().count() * kPivotsPerPanel,
                                {.consistency = consistency,
                                 .placement = Placement::kCyclic,
                                 .cyclic_block_bytes = kPivotsPerPanel * sizeof(uint64_t)});
    if (!pivots.ok()) return pivots.status();
    pivots_ = *pivots;
    return absl::OkStatus();
  }

  void Prepare(Worker& worker) override {
    const Panels panels = problem_->panels();
    for (size_t panel = 0; panel < panels.count(); ++panel) {
      if (!IsOwn(worker, panel)) continue;
      const size_t first = panels.first_column(panel);
      FillColumns(matrix_, panels.order, first, first + panels.columns(panel));
    }
  }

  void Compute(Worker& worker) override {
    const Panels panels = problem_->panels();
    Multiplier multiplier;
    if (IsOwn(worker, 0)) FactorPanel(multiplier, panels, 0, matrix_, PivotsOf(0));
    for (size_t panel = 0; panel < panels.count(); ++panel) {
      worker.Barrier();  // `panel` is finished
      AskFor(worker, panel);
      for (size_t later = panel + 1; later < panels.count(); ++later) {
        if (!IsOwn(worker, later)) continue;
        ApplyPanel(multiplier, panels, panel, later, matrix_, PivotsOf(panel));
        if (later == panel + 1) FactorPanel(multiplier, panels, later, matrix_, PivotsOf(later));
      }
    }
  }

  void Collect() override { problem_->result.assign(matrix_.begin(), matrix_.end()); }

 private:
  // Dealt to the nodes as their homes are, and to a node's threads in turn.
  static bool IsOwn(const Worker& worker, size_t panel) {
    return panel % worker.nodes() == worker.node().id() &&
           panel / worker.nodes() % worker.threads() == worker.thread();
  }

  // The panel's pages come together. Only faster, never needed.
  void AskFor(const Worker& worker, size_t panel) const {
    if (worker.thread() != 0) return;
    const std::span<double> data = problem_->panels().Of(matrix_, panel);
    const absl::Status asked = worker.node().Prefetch(data.data(), data.size_bytes());
    if (!asked.ok()) Die(worker.node(), "prefetch", asked);
  }

  std::span<uint64_t> PivotsOf(size_t panel) const {
    return pivots_.subspan(panel * kPivotsPerPanel, kPivotsPerPanel);
  }

  LuProblem* problem_;
  std::span<double> matrix_;
  std::span<uint64_t> pivots_;
};

}  // namespace
}  // namespace farpage::apps

int main(int argc, char** argv) {
  farpage::apps::LuProblem problem;
  farpage::apps::SharedLu program(problem);
  return farpage::apps::RunShared(argc, argv, problem, program);
}

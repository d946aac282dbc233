// Jacobi's iteration on a square grid, divided by rows.
//
//   farpage run -n 2 -- stencil
//   farpage run -n 4 -- stencil --side 8192 --steps 100 --threads 2
//
// Placement: blocks. A node's rows are at home there, so that they never move; of the others' rows
// it needs one above and one below its own, eight pages each at the default side.
//
// Synchronisation: a barrier a step. There are two grids, of which one is read and one written, so
// nobody reads what is being written.
//
// Consistency: sequential. Only the rows at the borders are ever on two nodes, so only they are
// invalidated and fetched, step by step; all others are written like private memory.
#include "bench/apps/frame/shared_program.h"

#include <array>

#include "absl/strings/str_cat.h"
#include "bench/apps/problems/stencil.h"

namespace farpage::apps {
namespace {

class SharedStencil : public SharedProgram {
 public:
  explicit SharedStencil(StencilProblem& problem) : problem_(&problem) {}

  Consistency consistency() const override { return Consistency::kSequential; }

  absl::Status Allocate(Node& node, Consistency consistency) override {
    for (size_t index = 0; index < grids_.size(); ++index) {
      const size_t values = problem_->side() * problem_->side();
      const auto grid =
          node.Allocate<double>(absl::StrCat("grid ", index), values, {.consistency = consistency});
      if (!grid.ok()) return grid.status();
      grids_[index] = *grid;
    }
    return absl::OkStatus();
  }

  void Prepare(Worker& worker) override {
    for (std::span<double> grid : grids_) StartGrid(grid, problem_->side(), OwnRows(worker));
  }

  void Compute(Worker& worker) override {
    const Range rows = OwnRows(worker);
    for (uint32_t step = 0; step < problem_->steps(); ++step) {
      StepGrid(grids_[problem_->From(step)], grids_[problem_->From(step + 1)], problem_->side(),
               rows);
      worker.Barrier();
    }
  }

  void Collect() override {
    const std::span<double> last = grids_[problem_->From(problem_->steps())];
    problem_->result.assign(last.begin(), last.end());
  }

 private:
  Range OwnRows(const Worker& worker) const {
    return worker.Block(problem_->side(), problem_->side() * sizeof(double));
  }

  StencilProblem* problem_;
  std::array<std::span<double>, 2> grids_;
};

}  // namespace
}  // namespace farpage::apps

int main(int argc, char** argv) {
  farpage::apps::StencilProblem problem;
  farpage::apps::SharedStencil program(problem);
  return farpage::apps::RunShared(argc, argv, problem, program);
}

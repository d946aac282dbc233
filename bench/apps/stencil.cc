// Jacobi's iteration on a square grid, divided by rows.
//
//   farpage run -n 2 -- stencil
//   farpage run -n 4 -- stencil --side 8192 --steps 100 --threads 2
//
// Placement: blocks. A node's rows are at home there, so that they never move. Of its neighbours'
// rows it copies as many as the next steps depend on, eight above and eight below unless told
// otherwise, each of eight pages at the default side.
//
// Synchronisation: two barriers for every eight steps, around the copying: nobody writes what is
// being copied.
//
// Consistency: sequential. Only the rows at the borders are ever on two nodes, so only they are
// invalidated and fetched; all others are written like private memory.
#include "bench/apps/frame/shared_program.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "bench/apps/problems/grid_band.h"
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
    const Range rows = OwnRows(worker);
    for (std::span<double> grid : grids_) StartRows(Rows(grid, rows), problem_->side(), rows);
  }

  void Compute(Worker& worker) override {
    const Range rows = OwnRows(worker);
    GridBand band(problem_->side(), rows, problem_->depth(),
                  {Rows(grids_[0], rows).data(), Rows(grids_[1], rows).data()});
    for (uint32_t step = 0; step < problem_->steps(); step += band.depth()) {
      const std::span<double> from = grids_[GridReadBy(step)];
      std::ranges::copy(Rows(from, band.above()), band.CopyOfAbove(step).begin());
      std::ranges::copy(Rows(from, band.below()), band.CopyOfBelow(step).begin());
      worker.Barrier();
      band.Advance(step, problem_->StepsFrom(step));
      worker.Barrier();
    }
  }

  void Collect() override {
    const std::span<double> last = grids_[GridReadBy(problem_->steps())];
    problem_->result.assign(last.begin(), last.end());
  }

 private:
  Range OwnRows(const Worker& worker) const {
    return worker.Block(problem_->side(), problem_->side() * sizeof(double));
  }

  std::span<double> Rows(std::span<double> grid, Range rows) const {
    return grid.subspan(rows.begin * problem_->side(), rows.size() * problem_->side());
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

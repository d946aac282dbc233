// The stencil with OpenMP: what stencil.cc is measured beside.
//
//   stencil_openmp --threads 2
#include <omp.h>

#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include "bench/apps/frame/process_program.h"
#include "bench/apps/problems/grid_band.h"
#include "bench/apps/problems/stencil.h"

namespace farpage::apps {
namespace {

class OpenMpStencil : public ProcessProgram {
 public:
  explicit OpenMpStencil(StencilProblem& problem) : problem_(&problem) {}

  std::string version() const override { return "openmp"; }

  void Prepare(uint32_t threads) override {
    const size_t side = problem_->side();
    for (std::vector<double>& grid : grids_) grid.resize(side * side);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (uint32_t thread = 0; thread < threads; ++thread) {
      const Range rows = BlockOf(side, threads, thread);
      for (std::vector<double>& grid : grids_) StartRows(Rows(grid, rows), side, rows);
    }
  }

  void Compute(uint32_t threads) override {
    const size_t side = problem_->side();
#pragma omp parallel num_threads(threads)
    {
      const Range rows = BlockOf(side, threads, static_cast<uint32_t>(omp_get_thread_num()));
      GridBand band(side, rows, problem_->depth(),
                    {Rows(grids_[0], rows).data(), Rows(grids_[1], rows).data()});
      for (uint32_t step = 0; step < problem_->steps(); step += band.depth()) {
        const std::span<double> from = grids_[GridReadBy(step)];
        std::ranges::copy(Rows(from, band.above()), band.CopyOfAbove(step).begin());
        std::ranges::copy(Rows(from, band.below()), band.CopyOfBelow(step).begin());
#pragma omp barrier
        band.Advance(step, problem_->StepsFrom(step));
#pragma omp barrier
      }
    }
  }

  void Collect() override { problem_->result = grids_[GridReadBy(problem_->steps())]; }

 private:
  std::span<double> Rows(std::span<double> grid, Range rows) const {
    return grid.subspan(rows.begin * problem_->side(), rows.size() * problem_->side());
  }

  StencilProblem* problem_;
  std::array<std::vector<double>, 2> grids_;
};

}  // namespace
}  // namespace farpage::apps

int main(int argc, char** argv) {
  farpage::apps::StencilProblem problem;
  farpage::apps::OpenMpStencil program(problem);
  return farpage::apps::RunInProcess(argc, argv, problem, program);
}

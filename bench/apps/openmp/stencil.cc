// The stencil with OpenMP: what stencil.cc is measured beside.
//
//   stencil_openmp --threads 2
#include <array>
#include <vector>

#include "bench/apps/frame/process_program.h"
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
      for (std::vector<double>& grid : grids_)
        StartGrid(grid, side, BlockOf(side, threads, thread));
    }
  }

  void Compute(uint32_t threads) override {
    const size_t side = problem_->side();
#pragma omp parallel num_threads(threads)
    for (uint32_t step = 0; step < problem_->steps(); ++step) {
#pragma omp for schedule(static)
      for (uint32_t thread = 0; thread < threads; ++thread) {
        StepGrid(grids_[problem_->From(step)], grids_[problem_->From(step + 1)], side,
                 BlockOf(side, threads, thread));
      }
    }
  }

  void Collect() override { problem_->result = grids_[problem_->From(problem_->steps())]; }

 private:
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

// The product of two matrices with OpenMP: what matmul.cc is measured beside.
//
//   matmul_openmp --threads 2
#include <vector>

#include "bench/apps/frame/process_program.h"
#include "bench/apps/problems/matmul.h"

namespace farpage::apps {
namespace {

class OpenMpMatmul : public ProcessProgram {
 public:
  explicit OpenMpMatmul(MatmulProblem& problem) : problem_(&problem) {}

  std::string version() const override { return "openmp"; }

  void Prepare(uint32_t) override {
    const size_t order = problem_->order();
    for (std::vector<double>* matrix : {&a_, &b_, &c_}) matrix->resize(order * order);
    FillRows(a_, order, MatmulProblem::kSeedA, {0, order});
    FillRows(b_, order, MatmulProblem::kSeedB, {0, order});
  }

  void Compute(uint32_t threads) override {
    const size_t order = problem_->order();
#pragma omp parallel for num_threads(threads) schedule(static)
    for (uint32_t thread = 0; thread < threads; ++thread) {
      Multiplier multiplier;
      MultiplyRows(multiplier, a_, b_, c_, order, BlockOf(order, threads, thread));
    }
  }

  void Collect() override { problem_->result = c_; }

 private:
  MatmulProblem* problem_;
  std::vector<double> a_;
  std::vector<double> b_;
  std::vector<double> c_;
};

}  // namespace
}  // namespace farpage::apps

int main(int argc, char** argv) {
  farpage::apps::MatmulProblem problem;
  farpage::apps::OpenMpMatmul program(problem);
  return farpage::apps::RunInProcess(argc, argv, problem, program);
}

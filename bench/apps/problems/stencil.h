// Jacobi's iteration for Laplace's equation on a square grid.
#ifndef FARPAGE_BENCH_APPS_PROBLEMS_STENCIL_H_
#define FARPAGE_BENCH_APPS_PROBLEMS_STENCIL_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "bench/apps/frame/problem.h"
#include "bench/apps/frame/range.h"

namespace farpage::apps {

// A grid has side × side values, row after row. Its rim is given and stays: 1 above, 0 elsewhere.

// Sets the rows of the range to the values from which the iteration starts.
void StartGrid(std::span<double> grid, size_t side, Range rows);

// Gives each inner value of the rows the mean of its four neighbours in `from`. Reads a row above
// and a row below the range; writes the inner values of the rows of `to`.
void StepGrid(std::span<const double> from, std::span<double> to, size_t side, Range rows);

class StencilProblem : public Problem {
 public:
  std::string name() const override { return "stencil"; }
  std::string description() const override {
    return "Jacobi's iteration for Laplace's equation on a square grid.";
  }
  void AddOptions(CLI::App& app) override;
  std::vector<Figure> Figures(double seconds) const override;
  void PreparePlain() override;
  void ComputePlain() override;
  // The very same bits: no value depends on how the rows are divided.
  absl::Status Verify() override;

  size_t side() const { return side_; }
  uint32_t steps() const { return steps_; }
  // Which of the two grids a step reads; the other is written. After the last step it is the
  // result.
  static size_t From(uint32_t step) { return step % 2; }

  std::vector<double> result;  // a version's

 private:
  size_t side_ = 4096;
  uint32_t steps_ = 40;
  std::array<std::vector<double>, 2> plain_;
};

}  // namespace farpage::apps

#endif  // FARPAGE_BENCH_APPS_PROBLEMS_STENCIL_H_

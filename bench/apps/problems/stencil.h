// Jacobi's iteration for Laplace's equation on a square grid.
#ifndef FARPAGE_BENCH_APPS_PROBLEMS_STENCIL_H_
#define FARPAGE_BENCH_APPS_PROBLEMS_STENCIL_H_

#include <algorithm>
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

// Sets the rows of the range, the first of which is at `values`, to what the iteration starts from.
void StartRows(std::span<double> values, size_t side, Range rows);

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
  // How many steps neighbours take before they meet.
  uint32_t depth() const { return depth_; }
  // Of those, how many from `step` on: fewer at the end.
  uint32_t StepsFrom(uint32_t step) const { return std::min(depth_, steps_ - step); }

  std::vector<double> result;  // a version's

 private:
  size_t side_ = 4096;
  uint32_t steps_ = 40;
  uint32_t depth_ = 8;
  std::array<std::vector<double>, 2> plain_;
};

}  // namespace farpage::apps

#endif  // FARPAGE_BENCH_APPS_PROBLEMS_STENCIL_H_

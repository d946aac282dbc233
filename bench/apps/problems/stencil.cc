#include "bench/apps/problems/stencil.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "bench/apps/frame/compare.h"
#include "bench/apps/frame/processors.h"

namespace farpage::apps {

namespace {

// One row. Nothing overlaps, and saying so lets the compiler use vectors.
FARPAGE_FOR_PROCESSORS
void StepRow(const double* __restrict above, const double* __restrict here,
             const double* __restrict below, double* __restrict to, size_t side) {
  for (size_t column = 1; column + 1 < side; ++column) {
    to[column] = 0.25 * ((above[column] + below[column]) + (here[column - 1] + here[column + 1]));
  }
}

}  // namespace

void StartGrid(std::span<double> grid, size_t side, Range rows) {
  for (size_t row = rows.begin; row < rows.end; ++row) {
    std::ranges::fill(grid.subspan(row * side, side), row == 0 ? 1.0 : 0.0);
  }
}

void StepGrid(std::span<const double> from, std::span<double> to, size_t side, Range rows) {
  const size_t end = std::min(rows.end, side - 1);
  for (size_t row = std::max<size_t>(rows.begin, 1); row < end; ++row) {
    const double* here = from.data() + row * side;
    StepRow(here - side, here, here + side, to.data() + row * side, side);
  }
}

void StencilProblem::AddOptions(CLI::App& app) {
  app.add_option("--side", side_, "values in a row, and rows")
      ->check(CLI::Range(size_t{3}, size_t{1} << 16))
      ->capture_default_str();
  app.add_option("--steps", steps_, "iterations")
      ->check(CLI::Range(1u, 1'000'000u))
      ->capture_default_str();
}

std::vector<Figure> StencilProblem::Figures(double seconds) const {
  const double updates = static_cast<double>(side_ - 2) * static_cast<double>(side_ - 2) * steps_;
  return {{"side", static_cast<double>(side_)},
          {"steps", static_cast<double>(steps_)},
          {"updates_per_second", updates / seconds}};
}

void StencilProblem::PreparePlain() {
  for (std::vector<double>& grid : plain_) {
    grid.resize(side_ * side_);
    StartGrid(grid, side_, {0, side_});
  }
}

void StencilProblem::ComputePlain() {
  for (uint32_t step = 0; step < steps_; ++step) {
    StepGrid(plain_[From(step)], plain_[From(step + 1)], side_, {0, side_});
  }
}

absl::Status StencilProblem::Verify() {
  return CompareExactly<double>(result, plain_[From(steps_)]);
}

}  // namespace farpage::apps

#include "bench/apps/problems/stencil.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "bench/apps/frame/compare.h"
#include "bench/apps/problems/grid_band.h"

namespace farpage::apps {

void StartRows(std::span<double> values, size_t side, Range rows) {
  for (size_t row = rows.begin; row < rows.end; ++row) {
    std::ranges::fill(values.subspan((row - rows.begin) * side, side), row == 0 ? 1.0 : 0.0);
  }
}

void StencilProblem::AddOptions(CLI::App& app) {
  app.add_option("--side", side_, "values in a row, and rows")
      ->check(CLI::Range(size_t{3}, size_t{1} << 16))
      ->capture_default_str();
  app.add_option("--steps", steps_, "iterations")
      ->check(CLI::Range(1u, 1'000'000u))
      ->capture_default_str();
  app.add_option("--depth", depth_, "steps that are taken together, between meetings")
      ->check(CLI::Range(1u, 64u))
      ->capture_default_str();
}

std::vector<Figure> StencilProblem::Figures(double seconds) const {
  const double updates = static_cast<double>(side_ - 2) * static_cast<double>(side_ - 2) * steps_;
  return {{"side", static_cast<double>(side_)},
          {"steps", static_cast<double>(steps_)},
          {"depth", static_cast<double>(depth_)},
          {"updates_per_second", updates / seconds}};
}

void StencilProblem::PreparePlain() {
  for (std::vector<double>& grid : plain_) {
    grid.resize(side_ * side_);
    StartRows(grid, side_, {0, side_});
  }
}

void StencilProblem::ComputePlain() {
  GridBand all(side_, {0, side_}, depth_, {plain_[0].data(), plain_[1].data()});
  for (uint32_t step = 0; step < steps_; step += depth_) all.Advance(step, StepsFrom(step));
}

absl::Status StencilProblem::Verify() {
  return CompareExactly<double>(result, plain_[GridReadBy(steps_)]);
}

}  // namespace farpage::apps

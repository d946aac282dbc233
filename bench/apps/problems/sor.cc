#include "bench/apps/problems/sor.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <numbers>

#include "bench/apps/frame/compare.h"
#include "bench/apps/frame/processors.h"

namespace farpage::apps {

namespace {

// One row of one colour, the places of the range. `left` and `right` are shifted so that the
// neighbours of place p are left[p] and right[p].
FARPAGE_FOR_PROCESSORS
void SweepRow(double* __restrict own, const double* __restrict above,
              const double* __restrict below, const double* left, const double* right,
              double relaxation, size_t begin, size_t end) {
  for (size_t place = begin; place < end; ++place) {
    const double mean = 0.25 * ((above[place] + below[place]) + (left[place] + right[place]));
    own[place] += relaxation * (mean - own[place]);
  }
}

}  // namespace

void StartColours(std::span<double> red, std::span<double> black, size_t side, Range rows) {
  const size_t width = side / 2;
  for (size_t row = rows.begin; row < rows.end; ++row) {
    for (std::span<double> colour : {red, black}) {
      std::ranges::fill(colour.subspan(row * width, width), row == 0 ? 1.0 : 0.0);
    }
  }
}

void SweepColour(Colour colour, std::span<double> own, std::span<const double> other, size_t side,
                 double relaxation, Range rows) {
  const size_t width = side / 2;
  const size_t last = std::min(rows.end, side - 1);
  for (size_t row = std::max<size_t>(rows.begin, 1); row < last; ++row) {
    // The first column of this colour in this row. Column 0 and column side − 1 are rim.
    const size_t shift = (row + static_cast<size_t>(colour)) % 2;
    const Range places = {shift == 0 ? size_t{1} : 0, shift == 0 ? width : width - 1};
    const double* beside = other.data() + row * width;
    SweepRow(own.data() + row * width, beside - width, beside + width, beside + shift - 1,
             beside + shift, relaxation, places.begin, places.end);
  }
}

void SorProblem::AddOptions(CLI::App& app) {
  app.add_option("--side", side_, "values in a row, and rows; even")
      ->check(CLI::Range(size_t{4}, size_t{1} << 16))
      ->capture_default_str();
  app.add_option("--steps", steps_, "iterations")
      ->check(CLI::Range(1u, 1'000'000u))
      ->capture_default_str();
}

absl::Status SorProblem::Check() const {
  if (side_ % 2 == 0) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("--side: ", side_, " is not even"));
}

std::vector<Figure> SorProblem::Figures(double seconds) const {
  const double updates = static_cast<double>(side_ - 2) * static_cast<double>(side_ - 2) * steps_;
  return {{"side", static_cast<double>(side_)},
          {"steps", static_cast<double>(steps_)},
          {"updates_per_second", updates / seconds}};
}

double SorProblem::relaxation() const {
  // The best for this equation on this grid (Young, 1954).
  return 2 / (1 + std::sin(std::numbers::pi / static_cast<double>(side_ - 1)));
}

void SorProblem::PreparePlain() {
  for (std::vector<double>& colour : plain_) colour.resize(side_ * side_ / 2);
  StartColours(plain_[0], plain_[1], side_, {0, side_});
}

void SorProblem::ComputePlain() {
  for (uint32_t step = 0; step < steps_; ++step) {
    SweepColour(Colour::kRed, plain_[0], plain_[1], side_, relaxation(), {0, side_});
    SweepColour(Colour::kBlack, plain_[1], plain_[0], side_, relaxation(), {0, side_});
  }
}

absl::Status SorProblem::Verify() {
  if (absl::Status red = CompareExactly<double>(result[0], plain_[0]); !red.ok()) return red;
  return CompareExactly<double>(result[1], plain_[1]);
}

}  // namespace farpage::apps

// Successive over-relaxation for Laplace's equation on a square grid, red and black by turns.
#ifndef FARPAGE_BENCH_APPS_PROBLEMS_SOR_H_
#define FARPAGE_BENCH_APPS_PROBLEMS_SOR_H_

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

// The squares of a chess board: all neighbours of a red value are black. Each colour has an array
// of its own, side × side / 2 values, row after row, so that a sweep over one colour goes through
// memory without gaps. Of row r and column c, the colour is (r + c) % 2 and the place c / 2.
enum class Colour : uint8_t { kRed, kBlack };

// Sets the rows of both colours to the values from which the iteration starts. The rim is given and
// stays: 1 above, 0 elsewhere.
void StartColours(std::span<double> red, std::span<double> black, size_t side, Range rows);

// Moves each inner value of one colour towards the mean of its four neighbours, and beyond it.
// Reads a row of `other` above and one below the range; writes the inner values of the rows of
// `own`.
void SweepColour(Colour colour, std::span<double> own, std::span<const double> other, size_t side,
                 double relaxation, Range rows);

class SorProblem : public Problem {
 public:
  std::string name() const override { return "sor"; }
  std::string description() const override {
    return "Red-black successive over-relaxation for Laplace's equation on a square grid.";
  }
  void AddOptions(CLI::App& app) override;
  absl::Status Check() const override;
  std::vector<Figure> Figures(double seconds) const override;
  void PreparePlain() override;
  void ComputePlain() override;
  // The very same bits: no value depends on how the rows are divided.
  absl::Status Verify() override;

  size_t side() const { return side_; }
  uint32_t steps() const { return steps_; }
  double relaxation() const;

  std::array<std::vector<double>, 2> result;  // of each colour

 private:
  size_t side_ = 4096;
  uint32_t steps_ = 30;
  std::array<std::vector<double>, 2> plain_;
};

}  // namespace farpage::apps

#endif  // FARPAGE_BENCH_APPS_PROBLEMS_SOR_H_

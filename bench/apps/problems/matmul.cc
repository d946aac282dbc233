#include "bench/apps/problems/matmul.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <limits>

#include "bench/apps/frame/compare.h"
#include "bench/apps/problems/random.h"

namespace farpage::apps {

namespace {

std::vector<double> TimesVector(std::span<const double> matrix, std::span<const double> vector) {
  const size_t order = vector.size();
  std::vector<double> product(order, 0.0);
  for (size_t row = 0; row < order; ++row) {
    for (size_t column = 0; column < order; ++column) {
      product[row] += matrix[row * order + column] * vector[column];
    }
  }
  return product;
}

}  // namespace

void FillRows(std::span<double> matrix, size_t order, uint64_t seed, Range rows) {
  for (size_t index = rows.begin * order; index < rows.end * order; ++index) {
    matrix[index] = RandomValue(seed, index);
  }
}

void MultiplyRows(Multiplier& multiplier, std::span<const double> a, std::span<const double> b,
                  std::span<double> c, size_t order, Range rows) {
  const size_t first = rows.begin * order;
  std::ranges::fill(c.subspan(first, rows.size() * order), 0.0);
  multiplier.AddProduct(1, {a.data() + first, rows.size(), order, order, 1},
                        {b.data(), order, order, order, 1},
                        {c.data() + first, rows.size(), order, order, 1});
}

void MatmulProblem::AddOptions(CLI::App& app) {
  app.add_option("--order", order_, "rows and columns of the matrices")
      ->check(CLI::Range(size_t{1}, size_t{1} << 15))
      ->capture_default_str();
}

std::vector<Figure> MatmulProblem::Figures(double seconds) const {
  const auto order = static_cast<double>(order_);
  return {{"order", order}, {"gflops", 2e-9 * order * order * order / seconds}};
}

void MatmulProblem::PreparePlain() {
  for (std::vector<double>* matrix : {&a_, &b_, &c_}) matrix->resize(order_ * order_);
  FillRows(a_, order_, kSeedA, {0, order_});
  FillRows(b_, order_, kSeedB, {0, order_});
}

void MatmulProblem::ComputePlain() {
  Multiplier multiplier;
  MultiplyRows(multiplier, a_, b_, c_, order_, {0, order_});
}

absl::Status MatmulProblem::Verify() {
  std::vector<double> vector(order_);
  for (size_t index = 0; index < order_; ++index) vector[index] = RandomValue(3, index);
  // Sums of order² terms of at most 1 each; rounding grows as their root at random.
  const double tolerance =
      16 * std::numeric_limits<double>::epsilon() * static_cast<double>(order_);
  absl::Status right =
      CompareNearly(TimesVector(c_, vector), TimesVector(a_, TimesVector(b_, vector)), tolerance);
  if (!right.ok()) return right;
  return CompareExactly<double>(result, c_);
}

}  // namespace farpage::apps

#include "bench/apps/problems/lu.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bench/apps/frame/compare.h"
#include "bench/apps/frame/processors.h"
#include "bench/apps/problems/random.h"

namespace farpage::apps {

namespace {

// Columns that are factored without going through products of matrices.
constexpr size_t kNarrow = 8;

// y −= factor · x
FARPAGE_FOR_PROCESSORS
void Subtract(double factor, const double* __restrict x, double* __restrict y, size_t count) {
  for (size_t index = 0; index < count; ++index) y[index] -= factor * x[index];
}

void ExchangeRows(double* column, size_t first_row, std::span<const uint64_t> pivots) {
  for (size_t index = 0; index < pivots.size(); ++index) {
    std::swap(column[first_row + index], column[pivots[index]]);
  }
}

// A column of the unit lower triangle below `diagonal` is subtracted from the rest of another.
void ForwardColumn(const double* triangle, size_t order, size_t first_row, size_t size,
                   double* column) {
  for (size_t index = 0; index + 1 < size; ++index) {
    Subtract(column[first_row + index], triangle + index * order + first_row + index + 1,
             column + first_row + index + 1, size - index - 1);
  }
}

// Some columns of a panel, whose diagonal begins at row first_row.
struct Columns {
  double* data;  // of the first column, from row 0 on
  size_t count;
  size_t first_row;
  size_t order;

  double* column(size_t index) const { return data + index * order; }
  MatrixView<double> Rows(size_t begin, size_t end) const {
    return {data + begin, end - begin, count, 1, order};
  }
};

MatrixView<const double> ToRead(const MatrixView<double>& view) {
  return {view.data, view.rows, view.columns, view.row_step, view.column_step};
}

// The columns `right` of a panel catch up with `left`, which have just been factored.
void CatchUp(Multiplier& multiplier, const Columns& left, const Columns& right,
             std::span<const uint64_t> pivots) {
  const size_t below = left.first_row + left.count;
  for (size_t index = 0; index < right.count; ++index) {
    ExchangeRows(right.column(index), left.first_row, pivots);
    ForwardColumn(left.data, left.order, left.first_row, left.count, right.column(index));
  }
  multiplier.AddProduct(-1, ToRead(left.Rows(below, left.order)),
                        ToRead(right.Rows(left.first_row, below)), right.Rows(below, left.order));
}

void FactorNarrow(const Columns& columns, std::span<uint64_t> pivots) {
  for (size_t index = 0; index < columns.count; ++index) {
    double* column = columns.column(index);
    const size_t diagonal = columns.first_row + index;
    size_t best = diagonal;
    for (size_t row = diagonal + 1; row < columns.order; ++row) {
      if (std::abs(column[row]) > std::abs(column[best])) best = row;
    }
    pivots[index] = best;
    for (size_t other = 0; other < columns.count; ++other) {
      std::swap(columns.column(other)[diagonal], columns.column(other)[best]);
    }
    const double reciprocal = 1 / column[diagonal];
    for (size_t row = diagonal + 1; row < columns.order; ++row) column[row] *= reciprocal;
    for (size_t other = index + 1; other < columns.count; ++other) {
      Subtract(columns.column(other)[diagonal], column + diagonal + 1,
               columns.column(other) + diagonal + 1, columns.order - diagonal - 1);
    }
  }
}

// After Toledo (Locality of Reference in LU Decomposition with Partial Pivoting, 1997): the left
// half, then what it does to the right half, then that.
void FactorColumns(Multiplier& multiplier, const Columns& columns, std::span<uint64_t> pivots) {
  if (columns.count <= kNarrow) return FactorNarrow(columns, pivots);
  const size_t half = columns.count / 2;
  const Columns left = {columns.data, half, columns.first_row, columns.order};
  const Columns right = {columns.column(half), columns.count - half, columns.first_row + half,
                         columns.order};
  FactorColumns(multiplier, left, pivots.first(half));
  CatchUp(multiplier, left, right, pivots.first(half));
  FactorColumns(multiplier, right, pivots.subspan(half));
  for (size_t index = 0; index < half; ++index) {
    ExchangeRows(left.column(index), right.first_row, pivots.subspan(half, right.count));
  }
}

Columns ColumnsOf(const Panels& panels, size_t panel, std::span<double> matrix) {
  return {panels.Of(matrix, panel).data(), panels.columns(panel), panels.first_column(panel),
          panels.order};
}

// Solves A · x = b for b = A · (1, 1, …), with factors of A and each panel's exchanges of rows.
void Solve(const Panels& panels, std::span<double> factors, std::span<const uint64_t> pivots,
           std::span<double> x) {
  for (size_t panel = 0; panel < panels.count(); ++panel) {
    const Columns columns = ColumnsOf(panels, panel, factors);
    ExchangeRows(x.data(), columns.first_row,
                 pivots.subspan(panel * kPivotsPerPanel, columns.count));
    for (size_t index = 0; index < columns.count; ++index) {
      const size_t diagonal = columns.first_row + index;
      Subtract(x[diagonal], columns.column(index) + diagonal + 1, x.data() + diagonal + 1,
               panels.order - diagonal - 1);
    }
  }
  for (size_t column = panels.order; column-- > 0;) {
    const double* above = factors.data() + column * panels.order;
    x[column] /= above[column];
    Subtract(x[column], above, x.data(), column);
  }
}

double LargestOf(std::span<const double> values) {
  double largest = 0;
  for (const double value : values) largest = std::max(largest, std::abs(value));
  return largest;
}

}  // namespace

size_t Panels::columns(size_t panel) const { return std::min(kPanel, order - first_column(panel)); }

std::span<double> Panels::Of(std::span<double> matrix, size_t panel) const {
  return matrix.subspan(first_column(panel) * order, columns(panel) * order);
}

void FillColumns(std::span<double> matrix, size_t order, size_t begin, size_t end) {
  for (size_t index = begin * order; index < end * order; ++index) {
    matrix[index] = RandomValue(4, index);
  }
}

void FactorPanel(Multiplier& multiplier, const Panels& panels, size_t panel,
                 std::span<double> matrix, std::span<uint64_t> pivots) {
  const Columns columns = ColumnsOf(panels, panel, matrix);
  FactorColumns(multiplier, columns, pivots.first(columns.count));
}

void ApplyPanel(Multiplier& multiplier, const Panels& panels, size_t factored, size_t later,
                std::span<double> matrix, std::span<const uint64_t> pivots) {
  const Columns left = ColumnsOf(panels, factored, matrix);
  CatchUp(multiplier, left, ColumnsOf(panels, later, matrix), pivots.first(left.count));
}

void LuProblem::AddOptions(CLI::App& app) {
  app.add_option("--order", order_, "rows and columns of the matrix; a multiple of 8")
      ->check(CLI::Range(size_t{8}, size_t{1} << 15))
      ->capture_default_str();
}

absl::Status LuProblem::Check() const {
  if (order_ % 8 == 0) return absl::OkStatus();  // so that panels are whole pages
  return absl::InvalidArgumentError(absl::StrCat("--order: ", order_, " is no multiple of 8"));
}

std::vector<Figure> LuProblem::Figures(double seconds) const {
  const auto order = static_cast<double>(order_);
  return {{"order", order}, {"gflops", 2e-9 / 3 * order * order * order / seconds}};
}

void LuProblem::PreparePlain() {
  matrix_.resize(order_ * order_);
  pivots_.resize(panels().count() * kPivotsPerPanel);
  FillColumns(matrix_, order_, 0, order_);
}

void LuProblem::ComputePlain() {
  Multiplier multiplier;
  const std::span<uint64_t> pivots(pivots_);
  for (size_t panel = 0; panel < panels().count(); ++panel) {
    const std::span<uint64_t> own = pivots.subspan(panel * kPivotsPerPanel, kPivotsPerPanel);
    FactorPanel(multiplier, panels(), panel, matrix_, own);
    for (size_t later = panel + 1; later < panels().count(); ++later) {
      ApplyPanel(multiplier, panels(), panel, later, matrix_, own);
    }
  }
}

absl::Status LuProblem::Verify() {
  std::vector<double> original(order_ * order_);
  FillColumns(original, order_, 0, order_);
  std::vector<double> b(order_);
  for (size_t index = 0; index < order_; ++index) b[index] = RandomValue(5, index);
  std::vector<double> x = b;
  Solve(panels(), matrix_, pivots_, x);
  std::vector<double> residual = b;
  for (size_t column = 0; column < order_; ++column) {
    Subtract(x[column], original.data() + column * order_, residual.data(), order_);
  }
  // HPL's: ‖A·x − b‖ / (ε · (‖A‖·‖x‖ + ‖b‖) · n) < 16, here with ‖A‖ ≥ its largest value.
  const double scaled =
      LargestOf(residual) / (std::numeric_limits<double>::epsilon() * static_cast<double>(order_) *
                             (LargestOf(original) * LargestOf(x) + LargestOf(b)));
  if (!(scaled < 16)) {
    return absl::DataLossError(absl::StrCat("the scaled residual is ", scaled, ", not below 16"));
  }
  return CompareExactly<double>(result, matrix_);
}

}  // namespace farpage::apps

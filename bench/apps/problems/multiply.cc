#include "bench/apps/problems/multiply.h"

#include <algorithm>
#include <cstring>

#include "bench/apps/frame/processors.h"

namespace farpage::apps {

namespace {

// The innermost product keeps kRows × kWidth sums in registers: 12 of 16 with AVX2.
constexpr size_t kRows = 6;
constexpr size_t kWidth = 8;
// Blocks: kDepth × kWidth values of b stay in the first cache, kBlockRows × kDepth of a in the
// second.
constexpr size_t kDepth = 256;
constexpr size_t kBlockRows = 96;
constexpr size_t kColumns = 4096;

constexpr size_t RoundUp(size_t number, size_t to) { return (number + to - 1) / to * to; }

template <typename T>
MatrixView<T> Part(const MatrixView<T>& view, size_t row, size_t rows, size_t column,
                   size_t columns) {
  return {view.data + row * view.row_step + column * view.column_step, rows, columns, view.row_step,
          view.column_step};
}

template <typename T>
MatrixView<T> Transposed(const MatrixView<T>& view) {
  return {view.data, view.columns, view.rows, view.column_step, view.row_step};
}

// Copies `view`, times `factor`, strip by strip of `strip` columns; in a strip row after row. What
// a strip lacks at the right is filled with zeros.
void Pack(const MatrixView<const double>& view, size_t strip, double factor, double* to) {
  for (size_t first = 0; first < view.columns; first += strip) {
    const size_t columns = std::min(strip, view.columns - first);
    const double* from = view.data + first * view.column_step;
    if (view.column_step == 1) {
      for (size_t row = 0; row < view.rows; ++row) {
        for (size_t column = 0; column < columns; ++column) {
          to[row * strip + column] = factor * from[row * view.row_step + column];
        }
      }
    } else {  // along the columns, for those are contiguous
      for (size_t column = 0; column < columns; ++column) {
        for (size_t row = 0; row < view.rows; ++row) {
          to[row * strip + column] = factor * from[row * view.row_step + column * view.column_step];
        }
      }
    }
    for (size_t row = 0; row < view.rows && columns < strip; ++row) {
      std::fill(to + row * strip + columns, to + (row + 1) * strip, 0.0);
    }
    to += strip * view.rows;
  }
}

// Four doubles; the compiler splits them where the processor has fewer in a register.
using Vector [[gnu::vector_size(32), gnu::aligned(8), gnu::may_alias]] = double;

// c (rows × columns, its rows row_step apart) += a strip of a times a strip of b.
[[gnu::always_inline]] inline void AddStrips(const double* a, const double* b, size_t depth,
                                             double* c, size_t row_step, size_t rows,
                                             size_t columns) {
  Vector sums[kRows][2] = {};
  for (size_t k = 0; k < depth; ++k, a += kRows, b += kWidth) {
    const Vector left = *reinterpret_cast<const Vector*>(b);
    const Vector right = *reinterpret_cast<const Vector*>(b + 4);
#pragma GCC unroll 6
    for (size_t row = 0; row < kRows; ++row) {
      sums[row][0] += a[row] * left;
      sums[row][1] += a[row] * right;
    }
  }
  if (rows == kRows && columns == kWidth) {
#pragma GCC unroll 6
    for (size_t row = 0; row < kRows; ++row) {
      auto* to = reinterpret_cast<Vector*>(c + row * row_step);
      to[0] += sums[row][0];
      to[1] += sums[row][1];
    }
    return;
  }
  double values[kRows][kWidth];
  std::memcpy(values, sums, sizeof values);
  for (size_t row = 0; row < rows; ++row) {
    for (size_t column = 0; column < columns; ++column) {
      c[row * row_step + column] += values[row][column];
    }
  }
}

FARPAGE_FOR_PROCESSORS
void AddBlocks(const double* a, const double* b, size_t depth, double* c, size_t row_step,
               size_t rows, size_t columns) {
  for (size_t column = 0; column < columns; column += kWidth) {
    for (size_t row = 0; row < rows; row += kRows) {
      AddStrips(a + row * depth, b + column * depth, depth, c + row * row_step + column, row_step,
                std::min(kRows, rows - row), std::min(kWidth, columns - column));
    }
  }
}

}  // namespace

void Multiplier::AddProduct(double sign, MatrixView<const double> a, MatrixView<const double> b,
                            MatrixView<double> c) {
  if (c.column_step != 1) {  // cᵀ += bᵀ · aᵀ
    return AddProduct(sign, Transposed(b), Transposed(a), Transposed(c));
  }
  const size_t most_depth = std::min(kDepth, a.columns);
  a_.resize(most_depth * RoundUp(std::min(kBlockRows, c.rows), kRows));
  b_.resize(most_depth * RoundUp(std::min(kColumns, c.columns), kWidth));
  for (size_t column = 0; column < c.columns; column += kColumns) {
    const size_t columns = std::min(kColumns, c.columns - column);
    for (size_t k = 0; k < a.columns; k += kDepth) {
      const size_t depth = std::min(kDepth, a.columns - k);
      Pack(Part(b, k, depth, column, columns), kWidth, 1, b_.data());
      for (size_t row = 0; row < c.rows; row += kBlockRows) {
        const size_t rows = std::min(kBlockRows, c.rows - row);
        Pack(Transposed(Part(a, row, rows, k, depth)), kRows, sign, a_.data());
        AddBlocks(a_.data(), b_.data(), depth, c.data + row * c.row_step + column, c.row_step, rows,
                  columns);
      }
    }
  }
}

}  // namespace farpage::apps

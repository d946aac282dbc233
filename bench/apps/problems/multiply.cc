#include "bench/apps/problems/multiply.h"

#include <algorithm>
#include <cstring>

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

// c (rows × columns) += values.
void AddEdge(const double (&values)[kRows][kWidth], double* c, size_t row_step, size_t rows,
             size_t columns) {
  for (size_t row = 0; row < rows; ++row) {
    for (size_t column = 0; column < columns; ++column) {
      c[row * row_step + column] += values[row][column];
    }
  }
}

// c, its rows row_step apart, += packed a · packed b.
void AddBlocksPortably(const double* a, const double* b, size_t depth, double* c, size_t row_step,
                       size_t rows, size_t columns) {
  for (size_t column = 0; column < columns; column += kWidth) {
    for (size_t row = 0; row < rows; row += kRows) {
      const double* left = a + row * depth;
      const double* right = b + column * depth;
      double sums[kRows][kWidth] = {};
      for (size_t k = 0; k < depth; ++k, left += kRows, right += kWidth) {
        for (size_t i = 0; i < kRows; ++i) {
          for (size_t j = 0; j < kWidth; ++j) sums[i][j] += left[i] * right[j];
        }
      }
      AddEdge(sums, c + row * row_step + column, row_step, std::min(kRows, rows - row),
              std::min(kWidth, columns - column));
    }
  }
}

#if defined(__x86_64__)
bool HasFma() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

// Not by FARPAGE_FOR_PROCESSORS: left to itself, the compiler keeps the sums in memory.
using FourDoubles [[gnu::vector_size(32)]] = double;

[[gnu::target("avx2,fma")]] void AddBlocksWithFma(const double* a, const double* b, size_t depth,
                                                  double* c, size_t row_step, size_t rows,
                                                  size_t columns) {
  for (size_t column = 0; column < columns; column += kWidth) {
    for (size_t row = 0; row < rows; row += kRows) {
      const double* left = a + row * depth;
      const double* right = b + column * depth;
      FourDoubles sums[kRows][2] = {};
      for (size_t k = 0; k < depth; ++k, left += kRows, right += kWidth) {
        FourDoubles low;
        FourDoubles high;
        std::memcpy(&low, right, sizeof low);
        std::memcpy(&high, right + kWidth / 2, sizeof high);
#pragma GCC unroll 6
        for (size_t i = 0; i < kRows; ++i) {
          sums[i][0] += left[i] * low;
          sums[i][1] += left[i] * high;
        }
      }
      double* to = c + row * row_step + column;
      if (row + kRows <= rows && column + kWidth <= columns) {
#pragma GCC unroll 6
        for (size_t i = 0; i < kRows; ++i) {
          FourDoubles before[2];
          std::memcpy(before, to + i * row_step, sizeof before);
          before[0] += sums[i][0];
          before[1] += sums[i][1];
          std::memcpy(to + i * row_step, before, sizeof before);
        }
      } else {
        double values[kRows][kWidth];
#pragma GCC unroll 6
        for (size_t i = 0; i < kRows; ++i) {
          std::memcpy(values[i], sums[i], sizeof values[i]);
        }
        AddEdge(values, to, row_step, std::min(kRows, rows - row),
                std::min(kWidth, columns - column));
      }
    }
  }
}
#else
bool HasFma() { return false; }
constexpr auto& AddBlocksWithFma = AddBlocksPortably;
#endif

}  // namespace

void Multiplier::AddProduct(double sign, MatrixView<const double> a, MatrixView<const double> b,
                            MatrixView<double> c) {
  if (c.column_step != 1) {  // cᵀ += bᵀ · aᵀ
    return AddProduct(sign, Transposed(b), Transposed(a), Transposed(c));
  }
  const auto add_blocks = HasFma() ? &AddBlocksWithFma : &AddBlocksPortably;
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
        add_blocks(a_.data(), b_.data(), depth, c.data + row * c.row_step + column, c.row_step,
                   rows, columns);
      }
    }
  }
}

}  // namespace farpage::apps

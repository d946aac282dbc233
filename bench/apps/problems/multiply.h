// Products of dense matrices, in blocks that fit the caches.
#ifndef FARPAGE_BENCH_APPS_PROBLEMS_MULTIPLY_H_
#define FARPAGE_BENCH_APPS_PROBLEMS_MULTIPLY_H_

#include <cstddef>
#include <vector>

namespace farpage::apps {

// A part of a matrix of doubles: the value of row r and column c is data[r · row_step + c ·
// column_step]. One of the steps is 1.
template <typename T>
struct MatrixView {
  T* data;
  size_t rows;
  size_t columns;
  size_t row_step;
  size_t column_step;
};

// Copies of blocks of the factors, in the order in which they are read. One per thread; keeps its
// memory, some MiB.
class Multiplier {
 public:
  // c += sign · a · b, after Goto and van de Geijn (Anatomy of High-Performance Matrix
  // Multiplication, TOMS 2008). Every value of b is read once, row block after row block; values of
  // a are read once for every kColumns columns of b. c's rows are contiguous (column_step 1), or
  // its columns are (row_step 1).
  void AddProduct(double sign, MatrixView<const double> a, MatrixView<const double> b,
                  MatrixView<double> c);

 private:
  std::vector<double> a_;
  std::vector<double> b_;
};

}  // namespace farpage::apps

#endif  // FARPAGE_BENCH_APPS_PROBLEMS_MULTIPLY_H_

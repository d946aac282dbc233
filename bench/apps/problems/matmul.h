// The product of two square matrices.
#ifndef FARPAGE_BENCH_APPS_PROBLEMS_MATMUL_H_
#define FARPAGE_BENCH_APPS_PROBLEMS_MATMUL_H_

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "bench/apps/frame/problem.h"
#include "bench/apps/frame/range.h"
#include "bench/apps/problems/multiply.h"

namespace farpage::apps {

// Matrices have order × order values, row after row. Sets the rows of the range; those of different
// seeds differ.
void FillRows(std::span<double> matrix, size_t order, uint64_t seed, Range rows);

// Sets the rows of c to those of a · b.
void MultiplyRows(Multiplier& multiplier, std::span<const double> a, std::span<const double> b,
                  std::span<double> c, size_t order, Range rows);

class MatmulProblem : public Problem {
 public:
  std::string name() const override { return "matmul"; }
  std::string description() const override { return "The product of two square matrices."; }
  void AddOptions(CLI::App& app) override;
  std::vector<Figure> Figures(double seconds) const override;
  void PreparePlain() override;
  void ComputePlain() override;
  // The very same bits as the sequential program's; and that one is tried after Freivalds (1977):
  // c · v equals a · (b · v) up to rounding, for a random vector v.
  absl::Status Verify() override;

  size_t order() const { return order_; }
  static constexpr uint64_t kSeedA = 1;
  static constexpr uint64_t kSeedB = 2;

  std::vector<double> result;  // a version's

 private:
  size_t order_ = 2048;
  std::vector<double> a_;
  std::vector<double> b_;
  std::vector<double> c_;
};

}  // namespace farpage::apps

#endif  // FARPAGE_BENCH_APPS_PROBLEMS_MATMUL_H_

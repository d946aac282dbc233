// CG of the NAS Parallel Benchmarks: the smallest eigenvalue of a sparse matrix, by inverse
// iteration with a conjugate gradient method.
#ifndef FARPAGE_BENCH_APPS_PROBLEMS_CG_H_
#define FARPAGE_BENCH_APPS_PROBLEMS_CG_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "bench/apps/frame/problem.h"
#include "bench/apps/frame/range.h"

namespace farpage::apps {

inline constexpr uint32_t kCgSteps = 25;  // of the conjugate gradient method, in each iteration

struct CgClass {
  char name;
  size_t order;
  size_t nonzeros;  // of each of the sparse vectors that make the matrix
  uint32_t iterations;
  double shift;
  double zeta;  // verification value
};

// Rows of a symmetric matrix: the values of row r are values[first[r] … first[r + 1] − 1], in
// columns columns[…], ascending. Rows are counted from the first that is in it.
struct SparseRows {
  std::vector<uint64_t> first;
  std::vector<uint32_t> columns;
  std::vector<double> values;
};

// Those rows of the class's matrix (specification, section 2.7: Σ ωᵢ·xᵢ·xᵢᵀ, with 0.1 − shift added
// to the diagonal). Every node makes its own, from the same random numbers.
SparseRows MakeCgRows(const CgClass& problem_class, Range rows);

// Each product of a row with the vector.
void MultiplySparse(const SparseRows& rows, std::span<const double> vector,
                    std::span<double> products);

double DotProduct(std::span<const double> a, std::span<const double> b);
// y += factor · x
void AddScaled(double factor, std::span<const double> x, std::span<double> y);
// y = x + factor · y
void ScaleAndAdd(double factor, std::span<double> y, std::span<const double> x);

// What a thread has of all vectors but p: the values that belong to its rows.
struct CgVectors {
  explicit CgVectors(size_t rows) : x(rows), z(rows), q(rows), r(rows) {}

  std::vector<double> x;
  std::vector<double> z;
  std::vector<double> q;
  std::vector<double> r;
};

// What a version has to provide. Of p, a thread writes the values of its own rows; Publish()
// returns when all threads have called it and the values of all others are to be seen.
class CgPeers {
 public:
  virtual ~CgPeers() = default;
  virtual std::span<double> OwnP() = 0;
  virtual std::span<const double> Publish() = 0;
  virtual double Sum(double own) = 0;
};

struct CgResult {
  double zeta = 0;      // an estimate of the eigenvalue
  double residual = 0;  // of the last iteration's system of equations
};

// The whole computation, as one thread of several does it. All get the same result.
CgResult ComputeZeta(const CgClass& problem_class, const SparseRows& rows, CgVectors& vectors,
                     CgPeers& peers);

class CgProblem : public Problem {
 public:
  std::string name() const override { return "cg"; }
  std::string description() const override {
    return "CG of the NAS Parallel Benchmarks: an eigenvalue of a sparse matrix.";
  }
  void AddOptions(CLI::App& app) override;
  std::vector<Figure> Figures(double seconds) const override;
  void PreparePlain() override;
  void ComputePlain() override;
  // The zeta that the specification gives, to 10⁻¹⁰, and a residual as small, of a version and of
  // the sequential program.
  absl::Status Verify() override;

  const CgClass& problem_class() const;

  CgResult result;  // a version's

 private:
  char class_ = 'A';
  SparseRows matrix_;
  CgResult plain_;
};

}  // namespace farpage::apps

#endif  // FARPAGE_BENCH_APPS_PROBLEMS_CG_H_

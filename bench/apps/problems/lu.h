// Triangular factors of a dense matrix, with partial pivoting.
#ifndef FARPAGE_BENCH_APPS_PROBLEMS_LU_H_
#define FARPAGE_BENCH_APPS_PROBLEMS_LU_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "bench/apps/frame/problem.h"
#include "bench/apps/problems/multiply.h"

namespace farpage::apps {

// The matrix has order × order values, column after column, and is divided into panels of kPanel
// columns: one stretch of memory each. Factors replace it, as in LAPACK's getrf, but that the rows
// of a finished panel are not exchanged any more: what is finished is never written again. (So did
// LINPACK; a solution applies each panel's exchanges before it applies the panel.)
inline constexpr size_t kPanel = 64;

struct Panels {
  size_t order;

  size_t count() const { return (order + kPanel - 1) / kPanel; }
  size_t first_column(size_t panel) const { return panel * kPanel; }
  size_t columns(size_t panel) const;
  // Where the panel lies in the matrix.
  std::span<double> Of(std::span<double> matrix, size_t panel) const;
};

// A panel's pivots: row first_column + i was exchanged with row pivots[i]. Panels have a page each.
inline constexpr size_t kPivotsPerPanel = 4096 / sizeof(uint64_t);
static_assert(kPanel <= kPivotsPerPanel);

void FillColumns(std::span<double> matrix, size_t order, size_t begin, size_t end);

// Factors a panel to which all panels before it have been applied; sets its pivots.
void FactorPanel(Multiplier& multiplier, const Panels& panels, size_t panel,
                 std::span<double> matrix, std::span<uint64_t> pivots);

// Applies a factored panel to a later one: exchanges its rows, and subtracts.
void ApplyPanel(Multiplier& multiplier, const Panels& panels, size_t factored, size_t later,
                std::span<double> matrix, std::span<const uint64_t> pivots);

class LuProblem : public Problem {
 public:
  std::string name() const override { return "lu"; }
  std::string description() const override {
    return "Triangular factors of a dense matrix, with partial pivoting.";
  }
  void AddOptions(CLI::App& app) override;
  absl::Status Check() const override;
  std::vector<Figure> Figures(double seconds) const override;
  void PreparePlain() override;
  void ComputePlain() override;
  // The very same bits as the sequential program's factors; and with those a system of equations is
  // solved, whose residual is as small as HPL asks for.
  absl::Status Verify() override;

  Panels panels() const { return {order_}; }
  size_t order() const { return order_; }

  std::vector<double> result;  // a version's

 private:
  size_t order_ = 2048;
  std::vector<double> matrix_;
  std::vector<uint64_t> pivots_;
};

}  // namespace farpage::apps

#endif  // FARPAGE_BENCH_APPS_PROBLEMS_LU_H_

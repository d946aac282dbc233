#include "bench/apps/problems/cg.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "bench/apps/frame/processors.h"
#include "bench/apps/problems/npb.h"

namespace farpage::apps {

namespace {

constexpr std::array<CgClass, 3> kCgClasses = {{{'S', 1400, 7, 15, 10, 8.5971775078648},
                                                {'W', 7000, 8, 15, 12, 10.362595087124},
                                                {'A', 14000, 11, 15, 20, 17.130235054029}}};
constexpr double kReciprocalCondition = 0.1;
constexpr double kCgTolerance = 1e-10;

struct Element {
  uint32_t index;
  double value;
};
using SparseVector = std::vector<Element>;

// A vector with `nonzeros` random values at different random places, and then with 0.5 at `own`.
SparseVector MakeVector(const CgClass& problem_class, NpbRandom& random, uint32_t own) {
  const auto places = static_cast<double>(std::bit_ceil(problem_class.order));
  SparseVector vector;
  while (vector.size() < problem_class.nonzeros) {
    const double value = random.Next();
    const auto place = static_cast<uint32_t>(places * random.Next());
    const auto is_here = [&](const Element& element) { return element.index == place; };
    if (place >= problem_class.order || std::ranges::any_of(vector, is_here)) continue;
    vector.push_back({place, value});
  }
  const auto found = std::ranges::find(vector, own, &Element::index);
  if (found == vector.end()) {
    vector.push_back({own, 0.5});
  } else {
    found->value = 0.5;
  }
  return vector;
}

// Sorts a row by column and makes one of those in the same column.
void Compress(SparseVector& row) {
  std::ranges::stable_sort(row, {}, &Element::index);
  size_t kept = 0;
  for (size_t next = 0; next < row.size(); ++next) {
    if (kept > 0 && row[kept - 1].index == row[next].index) {
      row[kept - 1].value += row[next].value;
    } else {
      row[kept++] = row[next];
    }
  }
  row.resize(kept);
}

FARPAGE_FOR_PROCESSORS
double Dot(const double* a, const double* b, size_t count) {
  // Four sums: one would have to be added to in order, with nothing done meanwhile.
  std::array<double, 4> sums{};
  size_t index = 0;
  for (; index + 4 <= count; index += 4) {
    for (size_t lane = 0; lane < 4; ++lane) sums[lane] += a[index + lane] * b[index + lane];
  }
  for (; index < count; ++index) sums[0] += a[index] * b[index];
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

// z = A⁻¹ · x, nearly; gives ‖x − A · z‖.
double ConjugateGradient(const SparseRows& rows, CgVectors& own, CgPeers& peers) {
  const std::span<double> p = peers.OwnP();
  std::ranges::fill(own.z, 0);
  own.r = own.x;
  std::ranges::copy(own.r, p.begin());
  double rho = peers.Sum(DotProduct(own.r, own.r));
  for (uint32_t step = 0; step < kCgSteps; ++step) {
    MultiplySparse(rows, peers.Publish(), own.q);
    const double alpha = rho / peers.Sum(DotProduct(p, own.q));
    AddScaled(alpha, p, own.z);
    AddScaled(-alpha, own.q, own.r);
    const double rho_before = rho;
    rho = peers.Sum(DotProduct(own.r, own.r));
    ScaleAndAdd(rho / rho_before, p, own.r);
  }
  std::ranges::copy(own.z, p.begin());
  MultiplySparse(rows, peers.Publish(), own.q);
  own.r = own.x;
  AddScaled(-1, own.q, own.r);
  return std::sqrt(peers.Sum(DotProduct(own.r, own.r)));
}

// All there is, in one thread.
class Alone : public CgPeers {
 public:
  explicit Alone(size_t order) : p_(order) {}
  std::span<double> OwnP() override { return p_; }
  std::span<const double> Publish() override { return p_; }
  double Sum(double own) override { return own; }

 private:
  std::vector<double> p_;
};

absl::Status CheckResult(const CgResult& result, double zeta, const char* whose) {
  if (!(std::abs(result.zeta - zeta) <= kCgTolerance * zeta)) {
    return absl::DataLossError(
        absl::StrFormat("%s: zeta is %.13f instead of %.13f", whose, result.zeta, zeta));
  }
  if (!(result.residual <= kCgTolerance)) {
    return absl::DataLossError(absl::StrFormat("%s: the residual is %.3e", whose, result.residual));
  }
  return absl::OkStatus();
}

}  // namespace

SparseRows MakeCgRows(const CgClass& problem_class, Range rows) {
  NpbRandom random(1);  // the specification's program takes one before it makes the matrix
  std::vector<SparseVector> made(rows.size());
  const double ratio = std::pow(kReciprocalCondition, 1 / static_cast<double>(problem_class.order));
  double weight = 1;
  for (uint32_t index = 0; index < problem_class.order; ++index) {
    const SparseVector vector = MakeVector(problem_class, random, index);
    for (const Element& down : vector) {
      if (down.index < rows.begin || down.index >= rows.end) continue;
      SparseVector& row = made[down.index - rows.begin];
      for (const Element& across : vector) {
        double value = across.value * (weight * down.value);
        if (down.index == index && across.index == index) {
          value += kReciprocalCondition - problem_class.shift;
        }
        row.push_back({across.index, value});
      }
    }
    weight *= ratio;
  }
  SparseRows result;
  result.first.push_back(0);
  for (SparseVector& row : made) {
    Compress(row);
    for (const Element& element : row) {
      result.columns.push_back(element.index);
      result.values.push_back(element.value);
    }
    result.first.push_back(result.values.size());
    SparseVector().swap(row);
  }
  return result;
}

void MultiplySparse(const SparseRows& rows, std::span<const double> vector,
                    std::span<double> products) {
  const uint32_t* columns = rows.columns.data();
  const double* values = rows.values.data();
  for (size_t row = 0; row < products.size(); ++row) {
    // Two sums, for the same reason as in Dot().
    double even = 0;
    double odd = 0;
    uint64_t index = rows.first[row];
    const uint64_t end = rows.first[row + 1];
    for (; index + 2 <= end; index += 2) {
      even += values[index] * vector[columns[index]];
      odd += values[index + 1] * vector[columns[index + 1]];
    }
    if (index < end) even += values[index] * vector[columns[index]];
    products[row] = even + odd;
  }
}

double DotProduct(std::span<const double> a, std::span<const double> b) {
  return Dot(a.data(), b.data(), a.size());
}

void AddScaled(double factor, std::span<const double> x, std::span<double> y) {
  for (size_t index = 0; index < y.size(); ++index) y[index] += factor * x[index];
}

void ScaleAndAdd(double factor, std::span<double> y, std::span<const double> x) {
  for (size_t index = 0; index < y.size(); ++index) y[index] = x[index] + factor * y[index];
}

CgResult ComputeZeta(const CgClass& problem_class, const SparseRows& rows, CgVectors& vectors,
                     CgPeers& peers) {
  std::ranges::fill(vectors.x, 1);
  CgResult result;
  for (uint32_t iteration = 0; iteration < problem_class.iterations; ++iteration) {
    result.residual = ConjugateGradient(rows, vectors, peers);
    const double xz = peers.Sum(DotProduct(vectors.x, vectors.z));
    const double zz = peers.Sum(DotProduct(vectors.z, vectors.z));
    result.zeta = problem_class.shift + 1 / xz;
    const double factor = 1 / std::sqrt(zz);
    for (size_t row = 0; row < vectors.x.size(); ++row) vectors.x[row] = factor * vectors.z[row];
  }
  return result;
}

void CgProblem::AddOptions(CLI::App& app) {
  app.add_option("--class", class_, "problem class: S, W or A")
      ->check(CLI::IsMember({"S", "W", "A"}))
      ->capture_default_str();
}

const CgClass& CgProblem::problem_class() const {
  return *std::ranges::find(kCgClasses, class_, &CgClass::name);
}

std::vector<Figure> CgProblem::Figures(double seconds) const {
  const CgClass& size = problem_class();
  const auto multiplied = static_cast<double>(size.iterations * (kCgSteps + 1)) *
                          static_cast<double>(matrix_.values.size());
  return {{"order", static_cast<double>(size.order)},
          {"nonzeros", static_cast<double>(matrix_.values.size())},
          {"zeta", result.zeta},
          {"residual", result.residual},
          {"sparse_gflops", 2e-9 * multiplied / seconds}};
}

void CgProblem::PreparePlain() {
  if (matrix_.values.empty()) matrix_ = MakeCgRows(problem_class(), {0, problem_class().order});
}

void CgProblem::ComputePlain() {
  Alone alone(problem_class().order);
  CgVectors vectors(problem_class().order);
  plain_ = ComputeZeta(problem_class(), matrix_, vectors, alone);
}

absl::Status CgProblem::Verify() {
  absl::Status right = CheckResult(plain_, problem_class().zeta, "the sequential program");
  if (right.ok()) right = CheckResult(result, problem_class().zeta, "this version");
  return right;
}

}  // namespace farpage::apps

// The computations of the regular applications, alone and in parts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <span>
#include <vector>

#include "bench/apps/problems/cg.h"
#include "bench/apps/problems/grid_band.h"
#include "bench/apps/problems/is.h"
#include "bench/apps/problems/lu.h"
#include "bench/apps/problems/matmul.h"
#include "bench/apps/problems/multiply.h"
#include "bench/apps/problems/npb.h"
#include "bench/apps/problems/radix_sort.h"
#include "bench/apps/problems/random.h"
#include "bench/apps/problems/sor.h"
#include "bench/apps/problems/stencil.h"

namespace farpage::apps {
namespace {

using testing::HasSubstr;

// Gives the problem its options and runs the sequential program.
template <typename P>
void RunPlain(P& problem, const std::string& options) {
  CLI::App app;
  problem.AddOptions(app);
  app.parse(options);
  ASSERT_TRUE(problem.Check().ok());
  problem.PreparePlain();
  problem.ComputePlain();
}

TEST(Multiplier, EqualsTheTextbookForAllShapesAndOrders) {
  Multiplier multiplier;
  for (const auto& [rows, depth, columns] :
       {std::tuple{1, 1, 1}, {6, 8, 8}, {7, 3, 9}, {100, 300, 17}, {13, 64, 120}}) {
    const auto m = static_cast<size_t>(rows);
    const auto k = static_cast<size_t>(depth);
    const auto n = static_cast<size_t>(columns);
    std::vector<double> a(m * k);
    std::vector<double> b(k * n);
    for (size_t index = 0; index < a.size(); ++index) a[index] = RandomValue(1, index);
    for (size_t index = 0; index < b.size(); ++index) b[index] = RandomValue(2, index);
    for (const bool by_columns : {false, true}) {
      const auto view = [&](auto* data, size_t height, size_t width) {
        return MatrixView<std::remove_pointer_t<decltype(data)>>{
            data, height, width, by_columns ? 1 : width, by_columns ? height : 1};
      };
      std::vector<double> c(m * n, 1.0);
      multiplier.AddProduct(-1, view(std::as_const(a).data(), m, k),
                            view(std::as_const(b).data(), k, n), view(c.data(), m, n));
      const auto at = [&](const std::vector<double>& matrix, size_t height, size_t width,
                          size_t row, size_t column) {
        return matrix[by_columns ? column * height + row : row * width + column];
      };
      for (size_t row = 0; row < m; ++row) {
        for (size_t column = 0; column < n; ++column) {
          double expected = 1;
          for (size_t i = 0; i < k; ++i) expected -= at(a, m, k, row, i) * at(b, k, n, i, column);
          ASSERT_NEAR(at(c, m, n, row, column), expected, 1e-12 * static_cast<double>(k))
              << m << 'x' << k << 'x' << n << ' ' << row << ' ' << column;
        }
      }
    }
  }
}

// Jacobi's iteration as the textbook has it.
std::vector<double> StepByTextbook(const std::vector<double>& from, size_t side) {
  std::vector<double> to = from;
  for (size_t row = 1; row + 1 < side; ++row) {
    for (size_t column = 1; column + 1 < side; ++column) {
      const size_t at = row * side + column;
      to[at] = 0.25 * ((from[at - side] + from[at + side]) + (from[at - 1] + from[at + 1]));
    }
  }
  return to;
}

TEST(Grids, DoNotDependOnHowRowsAreDividedOrHowManyStepsAreTakenTogether) {
  constexpr size_t kSide = 21;
  constexpr uint32_t kSteps = 13;
  std::vector<double> start(kSide * kSide);
  StartRows(start, kSide, {0, kSide});
  for (size_t row = 1; row + 1 < kSide; ++row) {
    for (size_t column = 1; column + 1 < kSide; ++column) {
      start[row * kSide + column] = RandomValue(3, row * kSide + column);
    }
  }
  std::vector<double> expected = start;
  for (uint32_t step = 0; step < kSteps; ++step) expected = StepByTextbook(expected, kSide);

  for (const size_t parts : {1u, 2u, 4u, 9u, 25u}) {
    for (const uint32_t depth : {1u, 2u, 3u, 8u, 13u}) {
      std::array<std::vector<double>, 2> grids = {start, start};
      const auto rows = [&](size_t grid, Range range) {
        return std::span(grids[grid]).subspan(range.begin * kSide, range.size() * kSide);
      };
      std::vector<GridBand> bands;
      for (size_t part = 0; part < parts; ++part) {
        const Range own = BlockOf(kSide, parts, part);
        bands.emplace_back(kSide, own, depth, std::array{rows(0, own).data(), rows(1, own).data()});
      }
      for (uint32_t step = 0; step < kSteps; step += depth) {
        for (GridBand& band : bands) {
          const size_t from = GridReadBy(step);
          std::ranges::copy(rows(from, band.above()), band.CopyOfAbove(step).begin());
          std::ranges::copy(rows(from, band.below()), band.CopyOfBelow(step).begin());
        }
        for (GridBand& band : bands) band.Advance(step, std::min(depth, kSteps - step));
      }
      EXPECT_EQ(grids[GridReadBy(kSteps)], expected) << parts << " parts, depth " << depth;
    }
  }
}

TEST(Grids, StartWithOneWarmRow) {
  std::vector<double> rows(3 * 4, -1.0);
  StartRows(rows, 4, {0, 3});
  EXPECT_THAT(rows, testing::ElementsAre(1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0));
  StartRows(rows, 4, {1, 4});
  EXPECT_THAT(rows, testing::Each(0));
}

TEST(Grids, OverRelaxationFindsTheSolution) {
  // Where Laplace's equation holds, every value is the mean of its neighbours.
  constexpr size_t kSide = 20;
  SorProblem problem;
  RunPlain(problem, "--side 20 --steps 200");
  std::vector<double> red(kSide * kSide / 2);
  std::vector<double> black(red.size());
  StartColours(red, black, kSide, {0, kSide});
  for (int step = 0; step < 200; ++step) {
    SweepColour(Colour::kRed, red, black, kSide, problem.relaxation(), {0, kSide / 2});
    SweepColour(Colour::kRed, red, black, kSide, problem.relaxation(), {kSide / 2, kSide});
    SweepColour(Colour::kBlack, black, red, kSide, problem.relaxation(), {0, kSide});
  }
  const auto at = [&](size_t row, size_t column) {
    return ((row + column) % 2 == 0 ? red : black)[row * kSide / 2 + column / 2];
  };
  for (size_t row = 1; row + 1 < kSide; ++row) {
    for (size_t column = 1; column + 1 < kSide; ++column) {
      const double mean =
          (at(row - 1, column) + at(row + 1, column) + at(row, column - 1) + at(row, column + 1)) /
          4;
      ASSERT_NEAR(at(row, column), mean, 1e-12);
    }
  }
  EXPECT_NEAR(at(1, 10), at(1, 9), 1e-12);  // left and right are alike
  EXPECT_GT(at(1, 10), at(2, 10));
  problem.result = {red, black};
  EXPECT_TRUE(problem.Verify().ok());
  problem.result[1][30] += 1e-15;
  EXPECT_FALSE(problem.Verify().ok());
}

TEST(Problems, CatchWrongResults) {
  StencilProblem stencil;
  RunPlain(stencil, "--side 30 --steps 5");
  EXPECT_FALSE(stencil.Verify().ok());  // there is none

  MatmulProblem matmul;
  RunPlain(matmul, "--order 50");
  Multiplier multiplier;
  std::vector<double> a(2500);
  std::vector<double> b(2500);
  matmul.result.resize(2500);
  FillRows(a, 50, MatmulProblem::kSeedA, {0, 50});
  FillRows(b, 50, MatmulProblem::kSeedB, {0, 50});
  MultiplyRows(multiplier, a, b, matmul.result, 50, {0, 20});
  EXPECT_THAT(std::string(matmul.Verify().message()), HasSubstr("value 1000 is 0 "));
  MultiplyRows(multiplier, a, b, matmul.result, 50, {20, 50});
  EXPECT_TRUE(matmul.Verify().ok());

  CgProblem cg;
  RunPlain(cg, "--class S");
  cg.result.zeta = 8.597177509;
  EXPECT_THAT(std::string(cg.Verify().message()), HasSubstr("this version: zeta is 8.597177509"));
}

TEST(Lu, FactorsByPanelsInAnyOrderOfWork) {
  for (const size_t order : {8u, 64u, 72u, 200u}) {
    LuProblem problem;
    RunPlain(problem, absl::StrCat("--order ", order));
    const Panels panels = problem.panels();
    std::vector<double> matrix(order * order);
    std::vector<uint64_t> pivots(panels.count() * kPivotsPerPanel);
    const auto pivots_of = [&](size_t panel) {
      return std::span(pivots).subspan(panel * kPivotsPerPanel, kPivotsPerPanel);
    };
    FillColumns(matrix, order, 0, order);
    Multiplier multiplier;
    // Panel by panel, each brought up to date just before it is factored.
    for (size_t panel = 0; panel < panels.count(); ++panel) {
      for (size_t before = 0; before < panel; ++before) {
        ApplyPanel(multiplier, panels, before, panel, matrix, pivots_of(before));
      }
      FactorPanel(multiplier, panels, panel, matrix, pivots_of(panel));
    }
    problem.result = matrix;
    const absl::Status right = problem.Verify();
    EXPECT_TRUE(right.ok()) << order << ": " << right;
    // No multiplier is greater than 1: pivots are the largest.
    for (size_t column = 0; column < order; ++column) {
      for (size_t row = column + 1; row < order; ++row) {
        ASSERT_LE(std::abs(matrix[column * order + row]), 1);
      }
    }
    problem.result[0] += 1;
    EXPECT_FALSE(problem.Verify().ok());
  }
}

TEST(RadixSort, BucketsAreDividedEvenlyAndCompletely) {
  DigitCounts counts{};
  for (size_t digit = 0; digit < kDigits; ++digit) counts[digit] = digit % 7 * 100;
  counts[40] = 30'000;
  const uint64_t keys = std::accumulate(counts.begin(), counts.end(), uint64_t{0});
  for (const size_t parts : {1u, 2u, 4u, 8u, 300u}) {
    size_t next = 0;
    for (size_t part = 0; part < parts; ++part) {
      const Range buckets = BucketsOf(counts, parts, part);
      EXPECT_EQ(buckets.begin, next);
      next = buckets.end;
      const uint64_t own =
          std::accumulate(counts.begin() + static_cast<int>(buckets.begin),
                          counts.begin() + static_cast<int>(buckets.end), uint64_t{0});
      EXPECT_LE(own, keys / parts + 30'000 + 600);
    }
    EXPECT_EQ(next, kDigits);
  }
}

TEST(RadixSort, SortsABucketThatComesInStretches) {
  std::vector<uint32_t> keys(5000);
  for (size_t index = 0; index < keys.size(); ++index) {
    keys[index] = static_cast<uint32_t>(RandomBits(1, index)) >> 8 | 0x42000000;
  }
  const std::span<const uint32_t> all = keys;
  std::vector<uint32_t> sorted(keys.size());
  BucketSorter sorter;
  const std::span<const uint32_t> stretches[] = {all.first(17), all.subspan(17, 0),
                                                 all.subspan(17)};
  sorter.Sort(stretches, sorted);
  std::ranges::sort(keys);
  EXPECT_EQ(sorted, keys);
}

TEST(NpbRandom, SkipsAsFarAsItIsTold) {
  NpbRandom from_start;
  for (uint64_t skipped = 0; skipped < 300; ++skipped) {
    ASSERT_EQ(NpbRandom(skipped).Next(), from_start.Next()) << skipped;
  }
}

TEST(Is, KeysCanBeMadeInParts) {
  IsProblem problem;
  RunPlain(problem, "--class S");
  const IsClass& size = problem.problem_class();
  std::vector<uint32_t> whole(size.keys());
  std::vector<uint32_t> parts(size.keys());
  FillIsKeys(size, whole, {0, whole.size()});
  for (size_t part = 0; part < 3; ++part) FillIsKeys(size, parts, BlockOf(parts.size(), 3, part));
  EXPECT_EQ(whole, parts);
  EXPECT_LT(*std::ranges::max_element(whole), size.key_limit());
}

TEST(Is, WrongRanksAreCaught) {
  IsProblem problem;
  RunPlain(problem, "--class S");
  EXPECT_THAT(std::string(problem.Verify().message()), HasSubstr("this version: iteration 1"));
}

TEST(Cg, RowsOfAPartAreThoseOfTheWhole) {
  CgProblem problem;
  RunPlain(problem, "--class S");
  const CgClass& size = problem.problem_class();
  const SparseRows whole = MakeCgRows(size, {0, size.order});
  const Range range = {300, 700};
  const SparseRows part = MakeCgRows(size, range);
  ASSERT_EQ(part.first.size(), range.size() + 1);
  const uint64_t begin = whole.first[range.begin];
  const uint64_t end = whole.first[range.end];
  EXPECT_TRUE(std::equal(part.values.begin(), part.values.end(),
                         whole.values.begin() + static_cast<std::ptrdiff_t>(begin),
                         whole.values.begin() + static_cast<std::ptrdiff_t>(end)));
  // The matrix is symmetric.
  const auto value = [&](size_t row, uint32_t column) {
    for (uint64_t at = whole.first[row]; at < whole.first[row + 1]; ++at) {
      if (whole.columns[at] == column) return whole.values[at];
    }
    return 0.0;
  };
  for (size_t row = 0; row < 50; ++row) {
    for (uint64_t at = whole.first[row]; at < whole.first[row + 1]; ++at) {
      ASSERT_NEAR(whole.values[at], value(whole.columns[at], static_cast<uint32_t>(row)), 1e-12);
    }
  }
}

}  // namespace
}  // namespace farpage::apps

// IS of the NAS Parallel Benchmarks: ranks of integer keys.
#ifndef FARPAGE_BENCH_APPS_PROBLEMS_IS_H_
#define FARPAGE_BENCH_APPS_PROBLEMS_IS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "bench/apps/frame/problem.h"
#include "bench/apps/frame/range.h"

namespace farpage::apps {

inline constexpr uint32_t kIsIterations = 10;
inline constexpr size_t kIsTests = 5;  // keys whose ranks are known

struct IsClass {
  char name;
  uint32_t keys_log2;
  uint32_t key_limit_log2;  // keys are less than 2 to this power
  // Partial verification (specification, section 2.10): the key that is in place[i] before an
  // iteration has the rank rank[i] + shift(i, iteration) in it.
  std::array<uint32_t, kIsTests> place;
  std::array<int64_t, kIsTests> rank;
  uint32_t rising;        // tests whose rank grows with the iterations; that of the others falls
  int64_t rising_origin;  // the iteration in which the shift is 0
  int64_t falling_origin;

  size_t keys() const { return size_t{1} << keys_log2; }
  size_t key_limit() const { return size_t{1} << key_limit_log2; }
  int64_t ExpectedRank(size_t test, uint32_t iteration) const;
};

// The keys of the sequence that are in the range, wherever the range begins.
void FillIsKeys(const IsClass& problem_class, std::span<uint32_t> keys, Range range);

// What an iteration changes in the keys before it ranks them: keys[iteration] and
// keys[iteration + kIsIterations]. Only those in the range.
void ChangeIsKeys(const IsClass& problem_class, std::span<uint32_t> keys, uint32_t iteration,
                  Range range);

// Adds the keys to `counts`, one count for each possible key.
void CountKeys(std::span<const uint32_t> keys, std::span<uint32_t> counts);

// What an iteration's partial verification looks at. On the node that verifies.
struct IsTestedRanks {
  std::array<std::array<int64_t, kIsTests>, kIsIterations> ranks{};
};

class IsProblem : public Problem {
 public:
  std::string name() const override { return "is"; }
  std::string description() const override {
    return "IS of the NAS Parallel Benchmarks: ranks of integer keys.";
  }
  void AddOptions(CLI::App& app) override;
  std::vector<Figure> Figures(double seconds) const override;
  void PreparePlain() override;
  void ComputePlain() override;
  // The ranks that the specification gives, in each iteration, for a version and for the sequential
  // program; and all ranks of the last iteration the same in both, with which the keys come out
  // sorted.
  absl::Status Verify() override;

  const IsClass& problem_class() const;

  // A version's: the ranks after the last iteration, of each possible key (the number of keys that
  // are less), and those that were tested in each.
  std::vector<uint32_t> result;
  IsTestedRanks tested;

 private:
  char class_ = 'A';
  std::vector<uint32_t> keys_;
  std::vector<uint32_t> ranks_;
  IsTestedRanks plain_tested_;
};

}  // namespace farpage::apps

#endif  // FARPAGE_BENCH_APPS_PROBLEMS_IS_H_

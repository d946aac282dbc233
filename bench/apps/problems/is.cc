#include "bench/apps/problems/is.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "bench/apps/frame/compare.h"
#include "bench/apps/problems/npb.h"

namespace farpage::apps {

namespace {

constexpr std::array<IsClass, 3> kIsClasses = {{
    {'S', 16, 11, {48427, 17148, 23627, 62548, 4431}, {0, 18, 346, 64917, 65463}, 3, 0, 0},
    {'W',
     20,
     16,
     {357773, 934767, 875723, 898999, 404505},
     {1249, 11698, 1039987, 1043896, 1048018},
     2,
     2,
     0},
    {'A',
     23,
     19,
     {2112377, 662041, 5336171, 3642833, 4250760},
     {104, 17523, 123928, 8288932, 8388264},
     3,
     1,
     1},
}};

constexpr uint32_t kNumbersPerKey = 4;  // a key is their mean: about a normal distribution

absl::Status CheckTested(const IsClass& problem_class, const IsTestedRanks& tested,
                         const char* whose) {
  for (uint32_t iteration = 1; iteration <= kIsIterations; ++iteration) {
    for (size_t test = 0; test < kIsTests; ++test) {
      const int64_t rank = tested.ranks[iteration - 1][test];
      const int64_t expected = problem_class.ExpectedRank(test, iteration);
      if (rank == expected) continue;
      return absl::DataLossError(absl::StrCat(whose, ": iteration ", iteration, ", test ", test,
                                              ": the rank is ", rank, " instead of ", expected));
    }
  }
  return absl::OkStatus();
}

}  // namespace

int64_t IsClass::ExpectedRank(size_t test, uint32_t iteration) const {
  const auto now = static_cast<int64_t>(iteration);
  return test < rising ? this->rank[test] + now - rising_origin
                       : this->rank[test] - now + falling_origin;
}

void FillIsKeys(const IsClass& problem_class, std::span<uint32_t> keys, Range range) {
  NpbRandom random(range.begin * kNumbersPerKey);
  const size_t quarter = problem_class.key_limit() / kNumbersPerKey;
  const auto scale = static_cast<double>(quarter);
  for (size_t index = range.begin; index < range.end; ++index) {
    double sum = random.Next();
    for (uint32_t number = 1; number < kNumbersPerKey; ++number) sum += random.Next();
    keys[index] = static_cast<uint32_t>(scale * sum);
  }
}

void ChangeIsKeys(const IsClass& problem_class, std::span<uint32_t> keys, uint32_t iteration,
                  Range range) {
  const auto set = [&](size_t index, size_t key) {
    if (range.begin <= index && index < range.end) keys[index] = static_cast<uint32_t>(key);
  };
  set(iteration, iteration);
  set(iteration + kIsIterations, problem_class.key_limit() - iteration);
}

void CountKeys(std::span<const uint32_t> keys, std::span<uint32_t> counts) {
  for (const uint32_t key : keys) ++counts[key];
}

void IsProblem::AddOptions(CLI::App& app) {
  app.add_option("--class", class_, "problem class: S, W or A")
      ->check(CLI::IsMember({"S", "W", "A"}))
      ->capture_default_str();
}

const IsClass& IsProblem::problem_class() const {
  return *std::ranges::find(kIsClasses, class_, &IsClass::name);
}

std::vector<Figure> IsProblem::Figures(double seconds) const {
  const auto keys = static_cast<double>(problem_class().keys());
  return {{"keys", keys}, {"mops", 1e-6 * keys * kIsIterations / seconds}};
}

void IsProblem::PreparePlain() {
  keys_.resize(problem_class().keys());
  ranks_.resize(problem_class().key_limit());
  FillIsKeys(problem_class(), keys_, {0, keys_.size()});
}

void IsProblem::ComputePlain() {
  const Range all = {0, keys_.size()};
  for (uint32_t iteration = 1; iteration <= kIsIterations; ++iteration) {
    ChangeIsKeys(problem_class(), keys_, iteration, all);
    std::ranges::fill(ranks_, 0);
    CountKeys(keys_, ranks_);
    std::exclusive_scan(ranks_.begin(), ranks_.end(), ranks_.begin(), 0u);
    for (size_t test = 0; test < kIsTests; ++test) {
      plain_tested_.ranks[iteration - 1][test] = ranks_[keys_[problem_class().place[test]]];
    }
  }
}

absl::Status IsProblem::Verify() {
  absl::Status right = CheckTested(problem_class(), plain_tested_, "the sequential program");
  if (right.ok()) right = CheckTested(problem_class(), tested, "this version");
  if (right.ok()) right = CompareExactly<uint32_t>(result, ranks_);
  if (!right.ok()) return right;
  // Full verification: the keys, put where their ranks say, ascend.
  std::vector<uint32_t> sorted(keys_.size());
  std::vector<uint32_t> next = result;
  for (const uint32_t key : keys_) {
    const uint32_t place = next[key]++;
    if (place >= sorted.size()) return absl::DataLossError("a rank is greater than there are keys");
    sorted[place] = key;
  }
  if (!std::ranges::is_sorted(sorted)) return absl::DataLossError("the ranks do not sort the keys");
  return absl::OkStatus();
}

}  // namespace farpage::apps

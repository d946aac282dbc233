// Sorting 32-bit keys by digits of 8 bits.
#ifndef FARPAGE_BENCH_APPS_PROBLEMS_RADIX_SORT_H_
#define FARPAGE_BENCH_APPS_PROBLEMS_RADIX_SORT_H_

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

inline constexpr size_t kDigits = 256;  // values of a digit
inline constexpr uint32_t kTopDigit = 3;

using DigitCounts = std::array<uint64_t, kDigits>;

// First by the top digit, into 256 buckets; then each bucket by the other three, least significant
// first, while it is in the cache.

// Sets the keys to those of the input from `first` on.
void FillKeys(std::span<uint32_t> keys, size_t first);

DigitCounts CountTopDigits(std::span<const uint32_t> keys);

// Copies the keys so that those with the same top digit are together, in the order of the digits.
// `counts` are the keys' own.
void PartByTopDigit(std::span<const uint32_t> keys, const DigitCounts& counts,
                    std::span<uint32_t> to);

// Sorts the keys of one bucket, given in several stretches, into `to`. One per thread; keeps memory
// for the largest bucket.
class BucketSorter {
 public:
  void Sort(std::span<const std::span<const uint32_t>> stretches, std::span<uint32_t> to);

 private:
  std::array<std::vector<uint32_t>, 2> keys_;
};

// Which buckets each of `parts` sorts: neighbours, with about as many keys for each.
Range BucketsOf(const DigitCounts& totals, size_t parts, size_t part);

class RadixSortProblem : public Problem {
 public:
  std::string name() const override { return "radix_sort"; }
  std::string description() const override { return "Sorts 32-bit keys by their digits."; }
  void AddOptions(CLI::App& app) override;
  std::vector<Figure> Figures(double seconds) const override;
  void PreparePlain() override;
  void ComputePlain() override;
  // The sequential program's keys ascend, and are those of the input; a version's equal them.
  absl::Status Verify() override;

  size_t keys() const { return size_t{1} << keys_log2_; }

  std::vector<uint32_t> result;  // a version's

 private:
  uint32_t keys_log2_ = 26;
  std::vector<uint32_t> keys_;
  std::vector<uint32_t> parted_;
  std::vector<uint32_t> sorted_;
};

}  // namespace farpage::apps

#endif  // FARPAGE_BENCH_APPS_PROBLEMS_RADIX_SORT_H_

#include "bench/apps/problems/radix_sort.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstring>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "bench/apps/frame/compare.h"
#include "bench/apps/problems/random.h"

namespace farpage::apps {

namespace {

constexpr uint32_t DigitOf(uint32_t key, uint32_t digit) { return key >> (8 * digit) & 0xFF; }

DigitCounts Starts(const DigitCounts& counts) {
  DigitCounts starts;
  std::exclusive_scan(counts.begin(), counts.end(), starts.begin(), uint64_t{0});
  return starts;
}

void CountDigits(std::span<const uint32_t> keys, uint32_t digit, DigitCounts& counts) {
  for (const uint32_t key : keys) ++counts[DigitOf(key, digit)];
}

// `next` are the places for the next key with each digit.
void Scatter(std::span<const uint32_t> keys, uint32_t digit, DigitCounts& next, uint32_t* to) {
  for (const uint32_t key : keys) to[next[DigitOf(key, digit)]++] = key;
}

}  // namespace

void FillKeys(std::span<uint32_t> keys, size_t first) {
  for (size_t index = 0; index < keys.size(); ++index) {
    keys[index] = static_cast<uint32_t>(RandomBits(6, first + index));
  }
}

DigitCounts CountTopDigits(std::span<const uint32_t> keys) {
  DigitCounts counts{};
  CountDigits(keys, kTopDigit, counts);
  return counts;
}

void PartByTopDigit(std::span<const uint32_t> keys, const DigitCounts& counts,
                    std::span<uint32_t> to) {
  // Buckets are written a cache line at a time, from small buffers: 256 places in memory at once
  // would be more than the first levels of caches and of address translation hold.
  constexpr size_t kBuffered = 16;
  alignas(64) std::array<std::array<uint32_t, kBuffered>, kDigits> buffers;
  std::array<uint8_t, kDigits> filled{};
  DigitCounts next = Starts(counts);
  for (const uint32_t key : keys) {
    const uint32_t digit = DigitOf(key, kTopDigit);
    buffers[digit][filled[digit]++] = key;
    if (filled[digit] == kBuffered) {
      std::memcpy(to.data() + next[digit], buffers[digit].data(), sizeof buffers[digit]);
      next[digit] += kBuffered;
      filled[digit] = 0;
    }
  }
  for (size_t digit = 0; digit < kDigits; ++digit) {
    std::copy_n(buffers[digit].begin(), filled[digit], to.data() + next[digit]);
  }
}

void BucketSorter::Sort(std::span<const std::span<const uint32_t>> stretches,
                        std::span<uint32_t> to) {
  for (std::vector<uint32_t>& keys : keys_) keys.resize(std::max(keys.size(), to.size()));
  std::array<DigitCounts, kTopDigit> next{};
  for (const std::span<const uint32_t> stretch : stretches) {
    for (const uint32_t key : stretch) {
      for (uint32_t digit = 0; digit < kTopDigit; ++digit) ++next[digit][DigitOf(key, digit)];
    }
  }
  for (DigitCounts& counts : next) counts = Starts(counts);
  for (const std::span<const uint32_t> stretch : stretches) {
    Scatter(stretch, 0, next[0], keys_[0].data());
  }
  Scatter({keys_[0].data(), to.size()}, 1, next[1], keys_[1].data());
  Scatter({keys_[1].data(), to.size()}, 2, next[2], to.data());
}

Range BucketsOf(const DigitCounts& totals, size_t parts, size_t part) {
  const uint64_t keys = std::accumulate(totals.begin(), totals.end(), uint64_t{0});
  // A bucket goes to the part in which its middle lies.
  const auto first_of = [&](size_t of_part) {
    uint64_t before = 0;
    size_t bucket = 0;
    while (bucket < kDigits && (2 * before + totals[bucket]) * parts < 2 * keys * of_part) {
      before += totals[bucket++];
    }
    return bucket;
  };
  return {first_of(part), part + 1 == parts ? kDigits : first_of(part + 1)};
}

void RadixSortProblem::AddOptions(CLI::App& app) {
  app.add_option("--keys-log2", keys_log2_, "logarithm of the number of keys")
      ->check(CLI::Range(10u, 34u))
      ->capture_default_str();
}

std::vector<Figure> RadixSortProblem::Figures(double seconds) const {
  return {{"keys", static_cast<double>(keys())},
          {"keys_per_second", static_cast<double>(keys()) / seconds}};
}

void RadixSortProblem::PreparePlain() {
  for (std::vector<uint32_t>* array : {&keys_, &parted_, &sorted_}) array->resize(keys());
  FillKeys(keys_, 0);
}

void RadixSortProblem::ComputePlain() {
  const DigitCounts counts = CountTopDigits(keys_);
  PartByTopDigit(keys_, counts, parted_);
  BucketSorter sorter;
  size_t begin = 0;
  for (const uint64_t count : counts) {
    const std::span<const uint32_t> bucket(parted_.data() + begin, count);
    sorter.Sort({&bucket, 1}, {sorted_.data() + begin, count});
    begin += count;
  }
}

absl::Status RadixSortProblem::Verify() {
  if (const auto wrong = std::ranges::is_sorted_until(sorted_); wrong != sorted_.end()) {
    return absl::DataLossError(
        absl::StrCat("key ", wrong - sorted_.begin(), " is less than the one before"));
  }
  // What does not depend on the order: sums of functions of each key.
  const auto sum_over = [](std::span<const uint32_t> keys) {
    uint64_t sum = 0;
    for (const uint32_t key : keys) sum += RandomBits(7, key);
    return sum;
  };
  if (sum_over(sorted_) != sum_over(keys_)) {
    return absl::DataLossError("the sorted keys are not those of the input");
  }
  return CompareExactly<uint32_t>(result, sorted_);
}

}  // namespace farpage::apps

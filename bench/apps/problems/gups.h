// HPC Challenge RandomAccess as a problem: see random_access.h.
#ifndef FARPAGE_BENCH_APPS_PROBLEMS_GUPS_H_
#define FARPAGE_BENCH_APPS_PROBLEMS_GUPS_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "bench/apps/frame/problem.h"
#include "bench/apps/frame/range.h"
#include "bench/apps/problems/random_access.h"

namespace farpage::apps {

class GupsProblem : public Problem {
 public:
  // The program's name, for there are two that do this, and the size if none is given.
  GupsProblem(std::string name, uint32_t words_log2)
      : name_(std::move(name)), words_log2_(words_log2) {}

  std::string name() const override { return name_; }
  std::string description() const override {
    return "HPC Challenge RandomAccess: updates of words at random places of a table.";
  }
  void AddOptions(CLI::App& app) override;
  std::vector<Figure> Figures(double seconds) const override;
  void PreparePlain() override;
  void ComputePlain() override;
  // All words, although one in a hundred may be wrong: no version leaves updates unsynchronised.
  absl::Status Verify() override;

  uint64_t words() const { return uint64_t{1} << words_log2_; }
  uint64_t updates() const { return kUpdatesPerWord * words(); }

  std::vector<uint64_t> result;  // a version's table

 private:
  const std::string name_;
  uint32_t words_log2_;
  std::vector<uint64_t> plain_;
};

// Updates of one sender for one receiver, and their count in front. A sender looks ahead at
// kUpdates numbers at once: few enough that half of them fit into a page, as a rule, and that all
// have room if all are for one receiver.
struct UpdateBin {
  static constexpr size_t kUpdates = 960;
  static constexpr size_t kOnFirstPage = kPageBytes / sizeof(uint64_t) - 1;
  uint64_t count = 0;
  std::array<uint64_t, 2 * kOnFirstPage + 1> updates;

  std::span<const uint64_t> all() const { return {updates.data(), count}; }
  std::span<const uint64_t> first() const {
    return all().first(std::min<size_t>(count, kOnFirstPage));
  }
  std::span<const uint64_t> rest() const { return all().subspan(first().size()); }
};
static_assert(sizeof(UpdateBin) == 2 * kPageBytes);
static_assert(UpdateBin::kUpdates <= kLookAhead);

// Who owns which word, asked per page of words.
class WordOwners {
 public:
  static constexpr uint64_t kWordsPerPage = kPageBytes / sizeof(uint64_t);

  // Owner `i` has the words of ranges[i], whose bounds are multiples of kWordsPerPage or the end.
  explicit WordOwners(const std::vector<Range>& ranges);
  uint32_t Of(uint64_t word) const { return owners_[word / kWordsPerPage]; }

 private:
  std::vector<uint32_t> owners_;
};

// Draws `count` numbers, at most UpdateBin::kUpdates, and puts each into the bin of who owns the
// word it updates. Empties the bins first.
void FillBins(UpdateStream& stream, size_t count, uint64_t mask, const WordOwners& owners,
              std::span<UpdateBin> bins);

}  // namespace farpage::apps

#endif  // FARPAGE_BENCH_APPS_PROBLEMS_GUPS_H_

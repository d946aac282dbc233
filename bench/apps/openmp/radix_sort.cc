// The radix sort with OpenMP: what radix_sort.cc is measured beside.
//
//   radix_sort_openmp --threads 2
#include <numeric>
#include <span>
#include <vector>

#include "bench/apps/frame/process_program.h"
#include "bench/apps/problems/radix_sort.h"

namespace farpage::apps {
namespace {

class OpenMpRadixSort : public ProcessProgram {
 public:
  explicit OpenMpRadixSort(RadixSortProblem& problem) : problem_(&problem) {}

  std::string version() const override { return "openmp"; }

  void Prepare(uint32_t threads) override {
    for (std::vector<uint32_t>* keys : {&keys_, &parted_, &sorted_}) keys->resize(problem_->keys());
    FillKeys(keys_, 0);
    counts_.resize(threads);
  }

  void Compute(uint32_t threads) override {
#pragma omp parallel for num_threads(threads) schedule(static)
    for (uint32_t thread = 0; thread < threads; ++thread) {
      const Range own = BlockOf(problem_->keys(), threads, thread);
      const std::span<const uint32_t> keys(keys_.data() + own.begin, own.size());
      counts_[thread] = CountTopDigits(keys);
      PartByTopDigit(keys, counts_[thread], {parted_.data() + own.begin, own.size()});
    }
    SortBuckets(threads);
  }

  void Collect() override { problem_->result = sorted_; }

 private:
  void SortBuckets(uint32_t threads) {
    std::vector<std::vector<std::span<const uint32_t>>> stretches(kDigits);  // of each bucket
    DigitCounts totals{};
    for (uint32_t thread = 0; thread < threads; ++thread) {
      const uint32_t* next = parted_.data() + BlockOf(problem_->keys(), threads, thread).begin;
      for (size_t bucket = 0; bucket < kDigits; ++bucket) {
        stretches[bucket].emplace_back(next, counts_[thread][bucket]);
        next += counts_[thread][bucket];
        totals[bucket] += counts_[thread][bucket];
      }
    }
    DigitCounts begins;
    std::exclusive_scan(totals.begin(), totals.end(), begins.begin(), uint64_t{0});
#pragma omp parallel num_threads(threads)
    {
      BucketSorter sorter;
#pragma omp for schedule(dynamic, 4)
      for (size_t bucket = 0; bucket < kDigits; ++bucket) {
        sorter.Sort(stretches[bucket], {sorted_.data() + begins[bucket], totals[bucket]});
      }
    }
  }

  RadixSortProblem* problem_;
  std::vector<uint32_t> keys_;
  std::vector<uint32_t> parted_;
  std::vector<uint32_t> sorted_;
  std::vector<DigitCounts> counts_;  // of each thread
};

}  // namespace
}  // namespace farpage::apps

int main(int argc, char** argv) {
  farpage::apps::RadixSortProblem problem;
  farpage::apps::OpenMpRadixSort program(problem);
  return farpage::apps::RunInProcess(argc, argv, problem, program);
}

// The radix sort with MPI: what radix_sort.cc is measured beside.
//
//   mpirun -n 2 radix_sort_mpi
//
// The same two parts: every rank parts its keys by their top digit, then all exchange buckets, all
// with all, and each rank sorts those that it got.
#include <mpi.h>

#include <algorithm>
#include <functional>
#include <numeric>
#include <span>
#include <vector>

#include "bench/apps/frame/range.h"
#include "bench/apps/mpi/rank_program.h"
#include "bench/apps/problems/radix_sort.h"

namespace farpage::apps {
namespace {

class MpiRadixSortProblem : public RadixSortProblem {
 public:
  absl::Status Check() const override { return CheckCount("--keys-log2", keys()); }
};

class MpiRadixSort : public RankProgram {
 public:
  explicit MpiRadixSort(RadixSortProblem& problem) : problem_(&problem) {}

  void Prepare(size_t ranks, size_t rank) override {
    const Range own = BlockOf(problem_->keys(), ranks, rank);
    keys_.resize(own.size());
    FillKeys(keys_, own.begin);
    parted_.assign(own.size(), 0);
    // What a rank gets depends on the keys: some more than its share, to be touched beforehand.
    received_.assign(own.size() + own.size() / 8, 0);
    sorted_.assign(received_.size(), 0);
  }

  void Compute(size_t ranks, size_t rank) override {
    const DigitCounts counts = CountTopDigits(keys_);
    PartByTopDigit(keys_, counts, parted_);
    std::vector<DigitCounts> all(ranks);  // counts of each rank
    MPI_Allgather(counts.data(), kDigits, MPI_UINT64_T, all.data(), kDigits, MPI_UINT64_T,
                  MPI_COMM_WORLD);
    DigitCounts totals{};
    for (const DigitCounts& of : all)
      std::ranges::transform(totals, of, totals.begin(), std::plus());
    Exchange(all, totals, ranks, rank);
    SortReceived(all, totals, BucketsOf(totals, ranks, rank));
  }

  void Collect(size_t ranks, size_t rank) override {
    const int own = static_cast<int>(own_count_);
    std::vector<int> counts(ranks);
    MPI_Gather(&own, 1, MPI_INT, counts.data(), 1, MPI_INT, 0, MPI_COMM_WORLD);
    std::vector<int> places(ranks);
    std::exclusive_scan(counts.begin(), counts.end(), places.begin(), 0);
    if (rank == 0) problem_->result.resize(problem_->keys());
    MPI_Gatherv(sorted_.data(), own, MPI_UINT32_T, problem_->result.data(), counts.data(),
                places.data(), MPI_UINT32_T, 0, MPI_COMM_WORLD);
  }

 private:
  static int KeysIn(const DigitCounts& counts, Range buckets) {
    return static_cast<int>(
        std::accumulate(counts.begin() + static_cast<std::ptrdiff_t>(buckets.begin),
                        counts.begin() + static_cast<std::ptrdiff_t>(buckets.end), uint64_t{0}));
  }

  void Exchange(const std::vector<DigitCounts>& all, const DigitCounts& totals, size_t ranks,
                size_t rank) {
    std::vector<int> sent(ranks);
    std::vector<int> got(ranks);
    const Range own = BucketsOf(totals, ranks, rank);
    for (size_t peer = 0; peer < ranks; ++peer) {
      sent[peer] = KeysIn(all[rank], BucketsOf(totals, ranks, peer));
      got[peer] = KeysIn(all[peer], own);
    }
    std::vector<int> sent_places(ranks);
    std::vector<int> got_places(ranks);
    std::exclusive_scan(sent.begin(), sent.end(), sent_places.begin(), 0);
    std::exclusive_scan(got.begin(), got.end(), got_places.begin(), 0);
    own_count_ = static_cast<size_t>(got_places.back()) + static_cast<size_t>(got.back());
    received_.resize(std::max(received_.size(), own_count_));
    sorted_.resize(received_.size());
    MPI_Alltoallv(parted_.data(), sent.data(), sent_places.data(), MPI_UINT32_T, received_.data(),
                  got.data(), got_places.data(), MPI_UINT32_T, MPI_COMM_WORLD);
  }

  // What came from a rank is bucket after bucket.
  void SortReceived(const std::vector<DigitCounts>& all, const DigitCounts& totals, Range own) {
    std::vector<const uint32_t*> next;
    const uint32_t* first = received_.data();
    for (const DigitCounts& counts : all) {
      next.push_back(first);
      first += KeysIn(counts, own);
    }
    BucketSorter sorter;
    std::vector<std::span<const uint32_t>> stretches(all.size());
    size_t begin = 0;
    for (size_t bucket = own.begin; bucket < own.end; ++bucket) {
      for (size_t peer = 0; peer < all.size(); ++peer) {
        stretches[peer] = {next[peer], all[peer][bucket]};
        next[peer] += all[peer][bucket];
      }
      sorter.Sort(stretches, {sorted_.data() + begin, totals[bucket]});
      begin += totals[bucket];
    }
  }

  RadixSortProblem* problem_;
  std::vector<uint32_t> keys_;
  std::vector<uint32_t> parted_;
  std::vector<uint32_t> received_;
  std::vector<uint32_t> sorted_;
  size_t own_count_ = 0;  // keys in the buckets of this rank
};

}  // namespace
}  // namespace farpage::apps

int main(int argc, char** argv) {
  farpage::apps::MpiRadixSortProblem problem;
  farpage::apps::MpiRadixSort program(problem);
  return farpage::apps::RunRanks(argc, argv, problem, program);
}

// Sorts keys by their digits, each node what it has, then each node its share of the buckets.
//
//   farpage run -n 2 -- radix_sort
//   farpage run -n 4 -- radix_sort --keys-log2 28 --threads 2
//
// Every thread parts its own keys by their top digit, where they are. Then the 256 buckets are
// divided among the threads; who has a bucket reads its keys from all blocks, a stretch in each,
// sorts them in private memory and writes them to their place. So a key crosses from node to node
// once, as part of a long stretch that is read in order, and hardly any is written to another
// node's memory: reading ahead is cheap, and a page that is written elsewhere would have to be
// fetched first.
//
// Placement: blocks, for keys, parted keys and sorted keys. A node's buckets are about its block of
// the result, so that only a few pages at the borders are not at home.
//
// Synchronisation: one barrier, between parting and sorting.
//
// Consistency: release. Parted keys are read from where they are, many pages with one request,
// while whoever wrote them sorts; with sequential consistency it would have to be asked for each
// stretch.
#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "bench/apps/frame/shared_program.h"
#include "bench/apps/problems/radix_sort.h"

namespace farpage::apps {
namespace {

class SharedRadixSort : public SharedProgram {
 public:
  explicit SharedRadixSort(RadixSortProblem& problem) : problem_(&problem) {}

  absl::Status Allocate(Node& node, Consistency consistency) override {
    struct Array {
      const char* name;
      std::span<uint32_t>* keys;
    };
    for (const Array& array :
         {Array{"keys", &keys_}, Array{"parted keys", &parted_}, Array{"sorted keys", &sorted_}}) {
      const auto allocated =
          node.Allocate<uint32_t>(array.name, problem_->keys(), {.consistency = consistency});
      if (!allocated.ok()) return allocated.status();
      *array.keys = *allocated;
    }
    // A page for each thread of each node.
    const auto counts = node.Allocate<CountsPage>("counts", node.size() * kMostThreads,
                                                  {.consistency = consistency});
    if (!counts.ok()) return counts.status();
    counts_ = *counts;
    return absl::OkStatus();
  }

  void Prepare(Worker& worker) override {
    const Range own = OwnKeys(worker);
    FillKeys(keys_.subspan(own.begin, own.size()), own.begin);
    // As a sort finds its memory: resident, and without copies that others still have of the last
    // one.
    for (std::span<uint32_t> keys : {parted_, sorted_}) {
      std::ranges::fill(keys.subspan(own.begin, own.size()), 0);
    }
  }

  void Compute(Worker& worker) override {
    const Range own = OwnKeys(worker);
    const std::span<const uint32_t> keys = keys_.subspan(own.begin, own.size());
    const DigitCounts counts = CountTopDigits(keys);
    CountsOf(worker, worker.index()) = counts;
    PartByTopDigit(keys, counts, parted_.subspan(own.begin, own.size()));
    worker.Barrier();
    SortOwnBuckets(worker);
  }

  void Collect() override { problem_->result.assign(sorted_.begin(), sorted_.end()); }

 private:
  static constexpr size_t kMostThreads = 256;  // of a node
  struct alignas(kPageBytes) CountsPage {
    DigitCounts counts;
  };

  Range OwnKeys(const Worker& worker) const {
    return worker.Block(problem_->keys(), sizeof(uint32_t));
  }

  DigitCounts& CountsOf(const Worker& worker, size_t index) const {
    return counts_[index / worker.threads() * kMostThreads + index % worker.threads()].counts;
  }

  void SortOwnBuckets(const Worker& worker) {
    // What is left of each thread's parted keys, bucket by bucket.
    struct Block {
      std::span<const uint32_t> keys;
      const DigitCounts* counts;

      std::span<const uint32_t> Take(size_t bucket) {
        const std::span<const uint32_t> taken = keys.first((*counts)[bucket]);
        keys = keys.subspan(taken.size());
        return taken;
      }
    };
    std::vector<Block> blocks;
    DigitCounts totals{};
    for (size_t index = 0; index < worker.count(); ++index) {
      const Range range = worker.BlockOfWorker(index, problem_->keys(), sizeof(uint32_t));
      const DigitCounts& counts = CountsOf(worker, index);
      blocks.push_back({parted_.subspan(range.begin, range.size()), &counts});
      std::ranges::transform(totals, counts, totals.begin(), std::plus());
    }
    const Range buckets = BucketsOf(totals, worker.count(), worker.index());
    BucketSorter sorter;
    std::vector<std::span<const uint32_t>> stretches(blocks.size());
    size_t begin = 0;
    for (size_t bucket = 0; bucket < buckets.end; ++bucket) {
      for (size_t index = 0; index < blocks.size(); ++index) {
        stretches[index] = blocks[index].Take(bucket);
      }
      if (bucket >= buckets.begin) {
        sorter.Sort(stretches, sorted_.subspan(begin, totals[bucket]));
      }
      begin += totals[bucket];
    }
  }

  RadixSortProblem* problem_;
  std::span<uint32_t> keys_;
  std::span<uint32_t> parted_;
  std::span<uint32_t> sorted_;
  std::span<CountsPage> counts_;
};

}  // namespace
}  // namespace farpage::apps

int main(int argc, char** argv) {
  farpage::apps::RadixSortProblem problem;
  farpage::apps::SharedRadixSort program(problem);
  return farpage::apps::RunShared(argc, argv, problem, program);
}

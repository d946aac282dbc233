// IS of the NAS Parallel Benchmarks: the rank of every key among 2²³ (class A), ten times over.
//
//   farpage run -n 2 -- is
//   farpage run -n 4 -- is --class W --threads 2
//
// Every thread counts its own keys in private memory, a count for each possible key. A node's
// threads add up their counts, and publish the sums: one set of counts a node, in shared memory.
// Then each thread adds up a range of them over all nodes and makes ranks of the sums; where its
// range begins follows from the totals of the ranges before.
//
// Placement: blocks, for keys, counts and ranks. A node's counts are at home there, and each of the
// others reads its range of them, whole pages, once an iteration. Little else moves: the pages of
// the five keys that the benchmark tests, which everybody looks at, and the ranks of these, which
// node 0 keeps.
//
// Synchronisation: a node's threads wait for each other before they add up; then a barrier when the
// counts are there, and a reduction of the totals of the ranges, which is a barrier too: after it,
// nobody reads the counts any more.
//
// Consistency: release. The counts are written, read and written again, in turns: sequential
// consistency would invalidate and ask for their pages one by one, release consistency announces
// them with the barrier. Of the keys, sequential: they are written like private memory.
#include <algorithm>
#include <numeric>
#include <span>
#include <vector>

#include "bench/apps/frame/shared_program.h"
#include "bench/apps/problems/is.h"

namespace farpage::apps {
namespace {

class SharedIs : public SharedProgram {
 public:
  explicit SharedIs(IsProblem& problem) : problem_(&problem) {}

  absl::Status Allocate(Node& node, Consistency consistency) override {
    const IsClass& size = problem_->problem_class();
    const auto keys =
        node.Allocate<uint32_t>("keys", size.keys(), {.consistency = Consistency::kSequential});
    if (!keys.ok()) return keys.status();
    keys_ = *keys;
    const auto counts = node.Allocate<uint32_t>("counts", node.size() * size.key_limit(),
                                                {.consistency = consistency});
    if (!counts.ok()) return counts.status();
    counts_ = *counts;
    const auto ranks =
        node.Allocate<uint32_t>("ranks", size.key_limit(), {.consistency = consistency});
    if (!ranks.ok()) return ranks.status();
    ranks_ = *ranks;
    const auto tested =
        node.Allocate<IsTestedRanks>("tested ranks", 1, {.consistency = consistency});
    if (!tested.ok()) return tested.status();
    tested_ = tested->data();
    return absl::OkStatus();
  }

  void Prepare(Worker& worker) override {
    FillIsKeys(problem_->problem_class(), keys_, OwnKeys(worker));
    if (worker.index() == 0) *tested_ = {};  // what is verified is of this repetition
    if (worker.thread() == 0) counts_of_threads_.resize(worker.threads());
    worker.NodeBarrier();
    counts_of_threads_[worker.thread()].resize(problem_->problem_class().key_limit());
  }

  void Compute(Worker& worker) override {
    const IsClass& size = problem_->problem_class();
    const Range own_keys = OwnKeys(worker);
    const Range own_ranks = worker.Block(size.key_limit(), sizeof(uint32_t));
    std::vector<uint32_t>& counts = counts_of_threads_[worker.thread()];
    for (uint32_t iteration = 1; iteration <= kIsIterations; ++iteration) {
      ChangeIsKeys(size, keys_, iteration, own_keys);
      std::ranges::fill(counts, 0);
      CountKeys(keys_.subspan(own_keys.begin, own_keys.size()), counts);
      worker.NodeBarrier();
      PublishCounts(worker);
      worker.Barrier();
      const uint64_t total = AddCounts(worker, own_ranks);
      const uint64_t before = worker.SumBefore(total);
      const std::span<uint32_t> own = ranks_.subspan(own_ranks.begin, own_ranks.size());
      std::exclusive_scan(own.begin(), own.end(), own.begin(), static_cast<uint32_t>(before));
      TestRanks(iteration, own_ranks);
    }
  }

  void Collect() override {
    problem_->result.assign(ranks_.begin(), ranks_.end());
    problem_->tested = *tested_;
  }

 private:
  Range OwnKeys(const Worker& worker) const {
    return worker.Block(problem_->problem_class().keys(), sizeof(uint32_t));
  }

  // The node's counts, of all its threads.
  std::span<uint32_t> CountsOf(size_t node) const {
    const size_t limit = problem_->problem_class().key_limit();
    return counts_.subspan(node * limit, limit);
  }

  // A node's threads add up their counts, each a part of them, into shared memory.
  void PublishCounts(const Worker& worker) const {
    const std::span<uint32_t> own = CountsOf(worker.node().id());
    const Range part = BlockOf(own.size(), worker.threads(), worker.thread());
    AddUp(counts_of_threads_, part, own);
  }

  // Sets the ranks of a range to the counts of all nodes; gives the number of keys in it.
  uint64_t AddCounts(const Worker& worker, Range range) const {
    std::vector<std::span<const uint32_t>> of_nodes;
    for (size_t node = 0; node < worker.nodes(); ++node) of_nodes.emplace_back(CountsOf(node));
    AddUp(of_nodes, range, ranks_);
    const std::span<const uint32_t> own = ranks_.subspan(range.begin, range.size());
    return std::accumulate(own.begin(), own.end(), uint64_t{0});
  }

  // sums[i] = Σ terms[…][i]
  template <typename Terms>
  static void AddUp(const Terms& terms, Range range, std::span<uint32_t> sums) {
    const auto first = std::span<const uint32_t>(terms[0]).subspan(range.begin, range.size());
    std::ranges::copy(first, sums.subspan(range.begin).begin());
    for (size_t term = 1; term < terms.size(); ++term) {
      for (size_t key = range.begin; key < range.end; ++key) sums[key] += terms[term][key];
    }
  }

  // Who has the rank of a tested key notes it. Nodes write to one page here, in turns or at once,
  // as they please: different words.
  void TestRanks(uint32_t iteration, Range own_ranks) const {
    for (size_t test = 0; test < kIsTests; ++test) {
      const uint32_t key = keys_[problem_->problem_class().place[test]];
      if (own_ranks.begin <= key && key < own_ranks.end) {
        tested_->ranks[iteration - 1][test] = ranks_[key];
      }
    }
  }

  IsProblem* problem_;
  std::span<uint32_t> keys_;
  std::span<uint32_t> counts_;
  std::span<uint32_t> ranks_;
  IsTestedRanks* tested_ = nullptr;
  std::vector<std::vector<uint32_t>> counts_of_threads_;  // private to this node
};

}  // namespace
}  // namespace farpage::apps

int main(int argc, char** argv) {
  farpage::apps::IsProblem problem;
  farpage::apps::SharedIs program(problem);
  return farpage::apps::RunShared(argc, argv, problem, program);
}

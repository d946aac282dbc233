// HPC Challenge RandomAccess with locks: each thread makes all updates that it draws, wherever the
// words are.
//
//   farpage run -n 2 -- gups_locked
//   farpage run -n 4 -- gups_locked --words-log2 14 --threads 2
//
// This is how a program with threads would do it, and no good way on many machines: nearly every
// update changes a page that somebody else has changed last. What can be done is done: a thread
// draws some numbers, sorts them by lock, and takes each lock once for all that it guards. gups.cc
// sends the updates to the words instead, and is more than ten times as fast.
//
// Placement: blocks; but each page is written by everybody, so any other would do.
//
// Synchronisation: a lock for each stripe of the table.
//
// Consistency: release. What is written under a lock is seen by whoever has the lock next, and the
// bytes that changed go to the page's home when the lock is released. (With sequential consistency
// the whole page would go to the one who writes, after the one who wrote last had given it up.)
#include <algorithm>
#include <array>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "bench/apps/frame/die.h"
#include "bench/apps/frame/shared_program.h"
#include "bench/apps/problems/gups.h"

namespace farpage::apps {
namespace {

class LockedGups : public SharedProgram {
 public:
  explicit LockedGups(GupsProblem& problem) : problem_(&problem) {}

  absl::Status Allocate(Node& node, Consistency consistency) override {
    const auto table =
        node.Allocate<uint64_t>("table", problem_->words(), {.consistency = consistency});
    if (!table.ok()) return table.status();
    table_ = *table;
    const size_t pages = problem_->words() / WordOwners::kWordsPerPage;
    for (size_t stripe = 0; stripe < std::min(kMostStripes, pages); ++stripe) {
      absl::StatusOr<Mutex> lock = node.MakeMutex(absl::StrCat("stripe ", stripe));
      if (!lock.ok()) return lock.status();
      locks_.push_back(*std::move(lock));
    }
    return absl::OkStatus();
  }

  void Prepare(Worker& worker) override {
    const Range own = worker.Block(problem_->words(), sizeof(uint64_t));
    const std::span<uint64_t> words = table_.subspan(own.begin, own.size());
    std::iota(words.begin(), words.end(), uint64_t{own.begin});
  }

  void Compute(Worker& worker) override {
    const uint64_t mask = problem_->words() - 1;
    const WordOwners stripes(StripeRanges());
    const Range draws = BlockOf(problem_->updates(), worker.count(), worker.index());
    // Not all begin with the same lock.
    const size_t first = worker.index() * locks_.size() / worker.count();
    UpdateStream stream(draws.begin);
    std::vector<UpdateBin> bins(locks_.size());
    for (size_t left = draws.size(); left > 0;) {
      const size_t count = std::min(left, UpdateBin::kUpdates);
      left -= count;
      FillBins(stream, count, mask, stripes, bins);
      for (size_t step = 0; step < locks_.size(); ++step) {
        const size_t stripe = (first + step) % locks_.size();
        UpdateBin& bin = bins[stripe];
        if (bin.count == 0) continue;
        Mutex& lock = locks_[stripe];
        if (absl::Status locked = lock.Lock(); !locked.ok()) Die(worker.node(), "lock", locked);
        ApplyUpdates(bin.all(), table_, 0, mask);
        if (absl::Status unlocked = lock.Unlock(); !unlocked.ok()) {
          Die(worker.node(), "unlock", unlocked);
        }
      }
    }
  }

  void Collect() override { problem_->result.assign(table_.begin(), table_.end()); }

 private:
  static constexpr size_t kMostStripes = 64;

  std::vector<Range> StripeRanges() const {
    std::vector<Range> ranges;
    for (size_t stripe = 0; stripe < locks_.size(); ++stripe) {
      ranges.push_back(
          BlockOf(problem_->words(), locks_.size(), stripe, WordOwners::kWordsPerPage));
    }
    return ranges;
  }

  GupsProblem* problem_;
  std::span<uint64_t> table_;
  std::vector<Mutex> locks_;
};

}  // namespace
}  // namespace farpage::apps

int main(int argc, char** argv) {
  farpage::apps::GupsProblem problem("gups_locked", 16);
  farpage::apps::LockedGups program(problem);
  return farpage::apps::RunShared(argc, argv, problem, program);
}

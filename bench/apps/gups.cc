// HPC Challenge RandomAccess: updates of words at random places of a table that all share.
//
//   farpage run -n 2 -- gups
//   farpage run -n 4 -- gups --words-log2 24 --threads 2
//   farpage run -n 2 -- gups_locked --words-log2 14
//
// Every update goes to the thread that owns the word: a page that is fetched for one word would be
// no bargain. Each thread draws some numbers, sorts them into bins by who owns the words, meets the
// others, and applies what is in their bins for it. gups_locked.cc does without that.
//
// Placement: blocks, for both: the owner of a word has it at home, and who fills a bin has that one
// at home. A bin's page moves once, to the one who empties it.
//
// Synchronisation: a barrier a round. There are two sets of bins: while one is emptied the other
// can be filled, and not before the next barrier is it filled again.
//
// Consistency: release for the bins. Who fills one tells nobody; the barrier says which pages were
// written, and who empties the bin fetches it with one read of its home. Sequential for the table:
// each page is only ever written where it is at home, and with sequential consistency it stays
// writable there, while release consistency would look at each barrier which pages were written.
#include <algorithm>
#include <numeric>

#include "bench/apps/frame/shared_program.h"
#include "bench/apps/problems/gups.h"

namespace farpage::apps {
namespace {

class SharedGups : public SharedProgram {
 public:
  explicit SharedGups(GupsProblem& problem) : problem_(&problem) {}

  absl::Status Allocate(Node& node, Consistency consistency) override {
    const size_t workers = size_t{node.size()} * threads();
    const auto table = node.Allocate<uint64_t>("table", problem_->words());
    if (!table.ok()) return table.status();
    table_ = *table;
    const auto bins =
        node.Allocate<UpdateBin>("bins", 2 * workers * workers, {.consistency = consistency});
    if (!bins.ok()) return bins.status();
    bins_ = *bins;
    return absl::OkStatus();
  }

  void Prepare(Worker& worker) override {
    const Range own = OwnWords(worker.count(), worker.index());
    const std::span<uint64_t> words = table_.subspan(own.begin, own.size());
    std::iota(words.begin(), words.end(), uint64_t{own.begin});
  }

  void Compute(Worker& worker) override {
    const uint64_t mask = problem_->words() - 1;
    std::vector<Range> ranges;
    for (uint32_t of = 0; of < worker.count(); ++of) {
      ranges.push_back(OwnWords(worker.count(), of));
    }
    const WordOwners owners(ranges);
    const Range own = ranges[worker.index()];
    const std::span<uint64_t> words = table_.subspan(own.begin, own.size());
    const Range draws = BlockOf(problem_->updates(), worker.count(), worker.index());
    const size_t most = BlockOf(problem_->updates(), worker.count(), 0).size();
    UpdateStream stream(draws.begin);
    size_t left = draws.size();
    // All meet as often as the one who draws most.
    for (size_t done = 0, round = 0; done < most; done += UpdateBin::kUpdates, ++round) {
      const size_t count = std::min(left, UpdateBin::kUpdates);
      left -= count;
      FillBins(stream, count, mask, owners, BinsOf(worker, worker.index(), round % 2));
      worker.Barrier();
      for (uint32_t from = 0; from < worker.count(); ++from) {
        const UpdateBin& bin = BinsOf(worker, from, round % 2)[worker.index()];
        ApplyUpdates(bin.all(), words, own.begin, mask);
      }
    }
  }

  void Collect() override { problem_->result.assign(table_.begin(), table_.end()); }

 private:
  Range OwnWords(uint32_t workers, uint32_t worker) const {
    return BlockOf(problem_->words(), workers, worker, WordOwners::kWordsPerPage);
  }

  // One for each receiver. Bins of one sender follow each other, so that they are at home there.
  std::span<UpdateBin> BinsOf(const Worker& worker, uint32_t sender, size_t set) {
    return bins_.subspan((sender * 2 + set) * worker.count(), worker.count());
  }

  GupsProblem* problem_;
  std::span<uint64_t> table_;
  std::span<UpdateBin> bins_;
};

}  // namespace
}  // namespace farpage::apps

int main(int argc, char** argv) {
  farpage::apps::GupsProblem problem("gups");
  farpage::apps::SharedGups program(problem);
  return farpage::apps::RunShared(argc, argv, problem, program);
}

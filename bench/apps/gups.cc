// HPC Challenge RandomAccess: updates of words at random places of a table that all share.
//
//   farpage run -n 2 -- gups
//   farpage run -n 4 -- gups --words-log2 24 --threads 2
//
// Every update goes to the thread that owns the word: a page that is fetched for one word would be
// no bargain. Each thread draws some numbers, sorts them into bins by who owns the words, meets the
// others, and applies what is in their bins for it. gups_locked.cc does without that.
//
// Placement: blocks, for both: the owner of a word has it at home, and so has who empties a bin
// that one. What is put into a bin goes to its home at the barrier, byte by byte as it changed, and
// is found there: who empties it never has a fault, and who fills it again and again has none after
// the first times, because a page that is written in every interval stays writable. What a thread
// draws for itself nobody else has to see: it stays in private memory.
//
// Synchronisation: a barrier a round. There are two sets of bins: while one is emptied the other
// can be filled, and not before the next barrier is it filled again.
//
// Consistency: release for the bins. Sequential for the table: each page is only ever written where
// it is at home, and with sequential consistency it stays writable there, while release consistency
// would look at each barrier which pages were written.
#include <algorithm>
#include <array>
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
    const auto pages = node.Allocate<Page>("bins", kPagesPerBin * kSets * workers * workers,
                                           {.consistency = consistency});
    if (!pages.ok()) return pages.status();
    pages_ = *pages;
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
    std::vector<UpdateBin> bins(worker.count());
    size_t left = draws.size();
    // All meet as often as the one who draws most.
    for (size_t done = 0, round = 0; done < most; done += UpdateBin::kUpdates, ++round) {
      const size_t count = std::min(left, UpdateBin::kUpdates);
      left -= count;
      FillBins(stream, count, mask, owners, bins);
      for (uint32_t to = 0; to < worker.count(); ++to) {
        if (to != worker.index()) Send(worker, round % kSets, to, bins[to]);
      }
      ApplyUpdates(bins[worker.index()].all(), words, own.begin, mask);
      worker.Barrier();
      for (uint32_t from = 0; from < worker.count(); ++from) {
        if (from == worker.index()) continue;
        for (const std::span<const uint64_t> updates : Received(worker, round % kSets, from)) {
          ApplyUpdates(updates, words, own.begin, mask);
        }
      }
    }
  }

  void Collect() override { problem_->result.assign(table_.begin(), table_.end()); }

 private:
  using Page = std::array<uint64_t, kPageBytes / sizeof(uint64_t)>;
  static constexpr size_t kPagesPerBin = 2;
  static constexpr size_t kSets = 2;

  Range OwnWords(uint32_t workers, uint32_t worker) const {
    return BlockOf(problem_->words(), workers, worker, WordOwners::kWordsPerPage);
  }

  // Page `number` of the bin of these two. What one receives is together, at home there.
  Page& PageOf(const Worker& worker, size_t set, uint32_t from, uint32_t to, size_t number) const {
    return pages_[((to * kSets + set) * kPagesPerBin + number) * worker.count() + from];
  }

  void Send(const Worker& worker, size_t set, uint32_t to, const UpdateBin& bin) const {
    Page& page = PageOf(worker, set, worker.index(), to, 0);
    page[0] = bin.count;
    std::ranges::copy(bin.first(), page.begin() + 1);
    if (bin.rest().empty()) return;
    std::ranges::copy(bin.rest(), PageOf(worker, set, worker.index(), to, 1).begin());
  }

  // The updates on the first page, and those on the second.
  std::array<std::span<const uint64_t>, kPagesPerBin> Received(const Worker& worker, size_t set,
                                                               uint32_t from) const {
    const std::span<const uint64_t> first = PageOf(worker, set, from, worker.index(), 0);
    const std::span<const uint64_t> second = PageOf(worker, set, from, worker.index(), 1);
    const size_t on_first = std::min<size_t>(first[0], UpdateBin::kOnFirstPage);
    return {first.subspan(1, on_first), second.first(first[0] - on_first)};
  }

  GupsProblem* problem_;
  std::span<uint64_t> table_;
  std::span<Page> pages_;
};

}  // namespace
}  // namespace farpage::apps

int main(int argc, char** argv) {
  farpage::apps::GupsProblem problem("gups", 22);
  farpage::apps::SharedGups program(problem);
  return farpage::apps::RunShared(argc, argv, problem, program);
}

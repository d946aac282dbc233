// HPC Challenge RandomAccess with MPI, for comparison.
//
//   mpirun -n 2 gups_mpi
//
// Each process owns a part of the table. It draws some numbers, puts them into messages by who owns
// the words, sends each owner its message and applies those that it gets.
#include <mpi.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "bench/apps/mpi/rank_program.h"
#include "bench/apps/problems/gups.h"

namespace farpage::apps {
namespace {

class MpiGupsProblem : public GupsProblem {
 public:
  using GupsProblem::GupsProblem;

  absl::Status Check() const override { return CheckCount("--words-log2", words()); }
};

class MpiGups : public RankProgram {
 public:
  explicit MpiGups(GupsProblem& problem) : problem_(&problem) {}

  void Prepare(size_t ranks, size_t rank) override {
    own_ = OwnWords(ranks, rank);
    words_.resize(own_.size());
    std::iota(words_.begin(), words_.end(), uint64_t{own_.begin});
    out_.resize(ranks);
    in_.resize(ranks);
  }

  void Compute(size_t ranks, size_t rank) override {
    const uint64_t mask = problem_->words() - 1;
    std::vector<Range> ranges;
    for (size_t of = 0; of < ranks; ++of) ranges.push_back(OwnWords(ranks, of));
    const WordOwners owners(ranges);
    const Range draws = BlockOf(problem_->updates(), ranks, rank);
    const size_t most = BlockOf(problem_->updates(), ranks, 0).size();
    UpdateStream stream(draws.begin);
    size_t left = draws.size();
    for (size_t done = 0; done < most; done += UpdateBin::kUpdates) {
      const size_t count = std::min(left, UpdateBin::kUpdates);
      left -= count;
      FillBins(stream, count, mask, owners, out_);
      Exchange(ranks, rank);
      for (size_t from = 0; from < ranks; ++from) {
        const UpdateBin& bin = from == rank ? out_[from] : in_[from];
        ApplyUpdates(bin.all(), words_, own_.begin, mask);
      }
    }
  }

  void Collect(size_t ranks, size_t rank) override {
    std::vector<int> counts;
    std::vector<int> offsets;
    for (size_t of = 0; of < ranks; ++of) {
      counts.push_back(static_cast<int>(OwnWords(ranks, of).size()));
      offsets.push_back(static_cast<int>(OwnWords(ranks, of).begin));
    }
    if (rank == 0) problem_->result.resize(problem_->words());
    MPI_Gatherv(words_.data(), static_cast<int>(words_.size()), MPI_UINT64_T,
                problem_->result.data(), counts.data(), offsets.data(), MPI_UINT64_T, 0,
                MPI_COMM_WORLD);
  }

 private:
  Range OwnWords(size_t ranks, size_t rank) const {
    return BlockOf(problem_->words(), ranks, rank, WordOwners::kWordsPerPage);
  }

  // A message has the count in front, and is no longer than it has to be.
  void Exchange(size_t ranks, size_t rank) {
    requests_.clear();
    for (size_t step = 1; step < ranks; ++step) {
      const size_t from = (rank + ranks - step) % ranks;
      MPI_Irecv(&in_[from], sizeof(UpdateBin) / sizeof(uint64_t), MPI_UINT64_T,
                static_cast<int>(from), 0, MPI_COMM_WORLD, &requests_.emplace_back());
    }
    for (size_t step = 1; step < ranks; ++step) {
      const size_t to = (rank + step) % ranks;
      MPI_Isend(&out_[to], 1 + static_cast<int>(out_[to].count), MPI_UINT64_T, static_cast<int>(to),
                0, MPI_COMM_WORLD, &requests_.emplace_back());
    }
    MPI_Waitall(static_cast<int>(requests_.size()), requests_.data(), MPI_STATUSES_IGNORE);
  }

  GupsProblem* problem_;
  Range own_;
  std::vector<uint64_t> words_;
  std::vector<UpdateBin> out_;
  std::vector<UpdateBin> in_;
  std::vector<MPI_Request> requests_;
};

}  // namespace
}  // namespace farpage::apps

int main(int argc, char** argv) {
  farpage::apps::MpiGupsProblem problem("gups", 22);
  farpage::apps::MpiGups program(problem);
  return farpage::apps::RunRanks(argc, argv, problem, program);
}

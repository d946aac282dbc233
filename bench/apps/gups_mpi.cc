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

#include "bench/apps/frame/mpi_program.h"
#include "bench/apps/problems/gups.h"

namespace farpage::apps {
namespace {

class MpiGups : public MpiProgram {
 public:
  explicit MpiGups(GupsProblem& problem) : problem_(&problem) {}

  void Prepare() override {
    own_ = OwnWords(rank());
    words_.resize(own_.size());
    std::iota(words_.begin(), words_.end(), uint64_t{own_.begin});
    out_.resize(static_cast<size_t>(size()));
    in_.resize(static_cast<size_t>(size()));
  }

  void Compute() override {
    const uint64_t mask = problem_->words() - 1;
    std::vector<Range> ranges;
    for (int of = 0; of < size(); ++of) ranges.push_back(OwnWords(of));
    const WordOwners owners(ranges);
    const auto processes = static_cast<size_t>(size());
    const auto self = static_cast<size_t>(rank());
    const Range draws = BlockOf(problem_->updates(), processes, self);
    const size_t most = BlockOf(problem_->updates(), processes, 0).size();
    UpdateStream stream(draws.begin);
    size_t left = draws.size();
    for (size_t done = 0; done < most; done += UpdateBin::kUpdates) {
      const size_t count = std::min(left, UpdateBin::kUpdates);
      left -= count;
      FillBins(stream, count, mask, owners, out_);
      Exchange();
      for (size_t from = 0; from < processes; ++from) {
        const UpdateBin& bin = from == self ? out_[from] : in_[from];
        ApplyUpdates(bin.all(), words_, own_.begin, mask);
      }
    }
  }

  void Collect() override {
    std::vector<int> counts;
    std::vector<int> offsets;
    for (int of = 0; of < size(); ++of) {
      counts.push_back(static_cast<int>(OwnWords(of).size()));
      offsets.push_back(static_cast<int>(OwnWords(of).begin));
    }
    if (rank() == 0) problem_->result.resize(problem_->words());
    MPI_Gatherv(words_.data(), static_cast<int>(words_.size()), MPI_UINT64_T,
                problem_->result.data(), counts.data(), offsets.data(), MPI_UINT64_T, 0,
                MPI_COMM_WORLD);
  }

 private:
  Range OwnWords(int process) const {
    return BlockOf(problem_->words(), static_cast<size_t>(size()), static_cast<size_t>(process),
                   WordOwners::kWordsPerPage);
  }

  // A message has the count in front, and is no longer than it has to be.
  void Exchange() {
    requests_.clear();
    for (int step = 1; step < size(); ++step) {
      const int from = (rank() + size() - step) % size();
      UpdateBin& bin = in_[static_cast<size_t>(from)];
      MPI_Irecv(&bin, sizeof(UpdateBin) / sizeof(uint64_t), MPI_UINT64_T, from, 0, MPI_COMM_WORLD,
                &requests_.emplace_back());
    }
    for (int step = 1; step < size(); ++step) {
      const int to = (rank() + step) % size();
      const UpdateBin& bin = out_[static_cast<size_t>(to)];
      MPI_Isend(&bin, 1 + static_cast<int>(bin.count), MPI_UINT64_T, to, 0, MPI_COMM_WORLD,
                &requests_.emplace_back());
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
  farpage::apps::GupsProblem problem("gups");
  farpage::apps::MpiGups program(problem);
  return farpage::apps::RunMpi(argc, argv, problem, program);
}

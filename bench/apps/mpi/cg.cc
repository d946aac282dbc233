// CG with MPI: what cg.cc is measured beside.
//
//   mpirun -n 2 cg_mpi
//
// The same rows, the same vectors and the same steps. p is gathered from all ranks before each
// product, and the sums are reductions.
#include <mpi.h>

#include <optional>
#include <span>
#include <vector>

#include "bench/apps/frame/range.h"
#include "bench/apps/mpi/rank_program.h"
#include "bench/apps/problems/cg.h"

namespace farpage::apps {
namespace {

class MpiCg : public RankProgram {
 public:
  explicit MpiCg(CgProblem& problem) : problem_(&problem) {}

  void Prepare(size_t ranks, size_t rank) override {
    if (part_.has_value()) return;
    const CgClass& size = problem_->problem_class();
    part_.emplace(size, BlockOf(size.order, ranks, rank));
    peers_.emplace(size.order, ranks, rank);
  }

  void Compute(size_t, size_t) override {
    problem_->result =
        ComputeZeta(problem_->problem_class(), part_->matrix, part_->vectors, *peers_);
  }

  void Collect(size_t, size_t) override {}  // rank 0 has it

 private:
  struct Part {
    Part(const CgClass& problem_class, Range own)
        : matrix(MakeCgRows(problem_class, own)), vectors(own.size()) {}

    SparseRows matrix;
    CgVectors vectors;
  };

  class Peers : public CgPeers {
   public:
    Peers(size_t order, size_t ranks, size_t rank) : p_(order), own_(BlockOf(order, ranks, rank)) {
      for (size_t peer = 0; peer < ranks; ++peer) {
        const Range rows = BlockOf(order, ranks, peer);
        counts_.push_back(static_cast<int>(rows.size()));
        places_.push_back(static_cast<int>(rows.begin));
      }
    }

    std::span<double> OwnP() override { return {p_.data() + own_.begin, own_.size()}; }

    std::span<const double> Publish() override {
      MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, p_.data(), counts_.data(), places_.data(),
                     MPI_DOUBLE, MPI_COMM_WORLD);
      return p_;
    }

    double Sum(double own) override {
      double sum = 0;
      MPI_Allreduce(&own, &sum, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
      return sum;
    }

   private:
    std::vector<double> p_;
    Range own_;
    std::vector<int> counts_;
    std::vector<int> places_;
  };

  CgProblem* problem_;
  std::optional<Part> part_;
  std::optional<Peers> peers_;
};

}  // namespace
}  // namespace farpage::apps

int main(int argc, char** argv) {
  farpage::apps::CgProblem problem;
  farpage::apps::MpiCg program(problem);
  return farpage::apps::RunRanks(argc, argv, problem, program);
}

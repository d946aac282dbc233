// The stencil with MPI: what stencil.cc is measured beside.
//
//   mpirun -n 2 stencil_mpi
//
// Every rank has its own rows and copies of those of its neighbours on which its next steps depend:
// they are exchanged before these steps.
#include <mpi.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "bench/apps/mpi/rank_program.h"
#include "bench/apps/problems/grid_band.h"
#include "bench/apps/problems/stencil.h"

namespace farpage::apps {
namespace {

class MpiStencil : public RankProgram {
 public:
  explicit MpiStencil(StencilProblem& problem) : problem_(&problem) {}

  void Prepare(size_t ranks, size_t rank) override {
    const size_t side = problem_->side();
    const Range own = BlockOf(side, ranks, rank);
    for (std::vector<double>& grid : grids_) {
      grid.resize(own.size() * side);
      StartRows(grid, side, own);
    }
    // Rows come from the next rank alone, so nobody may need more than the smallest part has.
    size_t smallest = side;
    for (size_t of = 0; of < ranks; ++of) {
      const Range part = BlockOf(side, ranks, of);
      if (!part.empty()) smallest = std::min(smallest, part.size());
    }
    depth_ = static_cast<uint32_t>(std::min<size_t>(problem_->depth(), smallest));
  }

  void Compute(size_t ranks, size_t rank) override {
    const size_t side = problem_->side();
    const Range own = BlockOf(side, ranks, rank);
    if (own.empty()) return;
    GridBand band(side, own, depth_, {grids_[0].data(), grids_[1].data()});
    for (uint32_t step = 0; step < problem_->steps(); step += depth_) {
      const std::span<double> from = grids_[GridReadBy(step)];
      std::array<MPI_Request, 4> requests;
      size_t count = 0;
      const auto exchange = [&](size_t with, std::span<const double> sent,
                                std::span<double> received) {
        const int peer = static_cast<int>(with);
        MPI_Irecv(received.data(), static_cast<int>(received.size()), MPI_DOUBLE, peer, 0,
                  MPI_COMM_WORLD, &requests[count++]);
        MPI_Isend(sent.data(), static_cast<int>(sent.size()), MPI_DOUBLE, peer, 0, MPI_COMM_WORLD,
                  &requests[count++]);
      };
      const size_t sent = depth_ * side;
      if (!band.above().empty()) exchange(rank - 1, from.first(sent), band.CopyOfAbove(step));
      if (!band.below().empty()) exchange(rank + 1, from.last(sent), band.CopyOfBelow(step));
      MPI_Waitall(static_cast<int>(count), requests.data(), MPI_STATUSES_IGNORE);
      band.Advance(step, std::min(depth_, problem_->steps() - step));
    }
  }

  void Collect(size_t ranks, size_t rank) override {
    const size_t side = problem_->side();
    std::vector<int> counts;
    std::vector<int> places;
    for (size_t of = 0; of < ranks; ++of) {
      const Range rows = BlockOf(side, ranks, of);
      counts.push_back(static_cast<int>(rows.size()));
      places.push_back(static_cast<int>(rows.begin));
    }
    MPI_Datatype row;  // counts of values might not be ints
    MPI_Type_contiguous(static_cast<int>(side), MPI_DOUBLE, &row);
    MPI_Type_commit(&row);
    if (rank == 0) problem_->result.resize(side * side);
    MPI_Gatherv(grids_[GridReadBy(problem_->steps())].data(), counts[rank], row,
                problem_->result.data(), counts.data(), places.data(), row, 0, MPI_COMM_WORLD);
    MPI_Type_free(&row);
  }

 private:
  StencilProblem* problem_;
  uint32_t depth_ = 1;
  std::array<std::vector<double>, 2> grids_;
};

}  // namespace
}  // namespace farpage::apps

int main(int argc, char** argv) {
  farpage::apps::StencilProblem problem;
  farpage::apps::MpiStencil program(problem);
  return farpage::apps::RunRanks(argc, argv, problem, program);
}

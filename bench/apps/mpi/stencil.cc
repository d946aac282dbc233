// The stencil with MPI: what stencil.cc is measured beside.
//
//   mpirun -n 2 stencil_mpi
//
// Every rank has its own rows and, above and below, a row of its neighbours': those are exchanged
// after each step, with messages that travel while the inner rows are computed.
#include <mpi.h>

#include <algorithm>
#include <array>
#include <vector>

#include "bench/apps/mpi/rank_program.h"
#include "bench/apps/problems/stencil.h"

namespace farpage::apps {
namespace {

class MpiStencil : public RankProgram {
 public:
  explicit MpiStencil(StencilProblem& problem) : problem_(&problem) {}

  void Prepare(size_t ranks, size_t rank) override {
    const size_t side = problem_->side();
    const Range own = BlockOf(side, ranks, rank);
    // With the neighbours' rows, where there are any.
    held_ = {own.empty() || own.begin == 0 ? own.begin : own.begin - 1,
             own.empty() ? own.end : std::min(side, own.end + 1)};
    for (std::vector<double>& grid : grids_) {
      grid.resize(held_.size() * side);
      std::ranges::fill(grid, 0.0);
      if (held_.begin == 0 && !held_.empty()) std::fill_n(grid.begin(), side, 1.0);
    }
  }

  void Compute(size_t ranks, size_t rank) override {
    const size_t side = problem_->side();
    const Range own = BlockOf(side, ranks, rank);
    if (own.empty()) return;
    const bool has_above = own.begin > 0;
    const bool has_below = own.end < side;
    // Rows as they are counted here, from the first that is held.
    const Range rows = {own.begin - held_.begin, own.end - held_.begin};
    for (uint32_t step = 0; step < problem_->steps(); ++step) {
      const std::vector<double>& from = grids_[problem_->From(step)];
      std::vector<double>& to = grids_[problem_->From(step + 1)];
      // First the rows that the neighbours wait for, then the others while those travel.
      StepRows(from, to, {rows.begin, rows.begin + 1});
      if (rows.size() > 1) StepRows(from, to, {rows.end - 1, rows.end});
      std::array<MPI_Request, 4> requests;
      int count = 0;
      const auto row = [&](size_t index) { return to.data() + index * side; };
      const auto exchange = [&](size_t with, size_t sent, size_t received) {
        const int values = static_cast<int>(side);
        const int peer = static_cast<int>(with);
        MPI_Irecv(row(received), values, MPI_DOUBLE, peer, 0, MPI_COMM_WORLD, &requests[count++]);
        MPI_Isend(row(sent), values, MPI_DOUBLE, peer, 0, MPI_COMM_WORLD, &requests[count++]);
      };
      if (has_above) exchange(rank - 1, rows.begin, rows.begin - 1);
      if (has_below) exchange(rank + 1, rows.end - 1, rows.end);
      if (rows.size() > 2) StepRows(from, to, {rows.begin + 1, rows.end - 1});
      MPI_Waitall(count, requests.data(), MPI_STATUSES_IGNORE);
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
    const Range own = BlockOf(side, ranks, rank);
    const double* first =
        grids_[problem_->From(problem_->steps())].data() + (own.begin - held_.begin) * side;
    MPI_Gatherv(first, counts[rank], row, problem_->result.data(), counts.data(), places.data(),
                row, 0, MPI_COMM_WORLD);
    MPI_Type_free(&row);
  }

 private:
  // Rows of the range that are inner rows of the whole grid.
  void StepRows(std::span<const double> from, std::span<double> to, Range rows) const {
    const size_t side = problem_->side();
    const size_t begin = held_.begin == 0 ? std::max<size_t>(rows.begin, 1) : rows.begin;
    const size_t end = held_.end == side ? std::min(rows.end, held_.size() - 1) : rows.end;
    // The functions take a whole grid's first and last row for its rim: here the rows next to these
    // may be the neighbours', so what they are given begins a row before and ends a row after.
    for (size_t row = begin; row < end; ++row) {
      StepGrid(from.subspan((row - 1) * side, 3 * side), to.subspan((row - 1) * side, 3 * side),
               side, {1, 2});
    }
  }

  StencilProblem* problem_;
  Range held_;
  std::array<std::vector<double>, 2> grids_;
};

}  // namespace
}  // namespace farpage::apps

int main(int argc, char** argv) {
  farpage::apps::StencilProblem problem;
  farpage::apps::MpiStencil program(problem);
  return farpage::apps::RunRanks(argc, argv, problem, program);
}

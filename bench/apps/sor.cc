// Red-black successive over-relaxation on a square grid, divided by rows.
//
//   farpage run -n 2 -- sor
//   farpage run -n 4 -- sor --side 8192 --steps 100 --threads 2
//
// Placement: blocks. A node's rows are at home there; of the others' it needs the two next to its
// own.
//
// Synchronisation: a barrier after each colour. While red is written, only black is read.
//
// Consistency: sequential, as in stencil.cc: only the rows at the borders are ever on two nodes.
#include <array>

#include "absl/strings/str_cat.h"
#include "bench/apps/frame/shared_program.h"
#include "bench/apps/problems/sor.h"

namespace farpage::apps {
namespace {

class SharedSor : public SharedProgram {
 public:
  explicit SharedSor(SorProblem& problem) : problem_(&problem) {}

  Consistency consistency() const override { return Consistency::kSequential; }

  absl::Status Allocate(Node& node, Consistency consistency) override {
    for (const size_t colour : {0u, 1u}) {
      const size_t values = problem_->side() * problem_->side() / 2;
      const auto allocated = node.Allocate<double>(absl::StrCat("colour ", colour), values,
                                                   {.consistency = consistency});
      if (!allocated.ok()) return allocated.status();
      colours_[colour] = *allocated;
    }
    return absl::OkStatus();
  }

  void Prepare(Worker& worker) override {
    StartColours(colours_[0], colours_[1], problem_->side(), OwnRows(worker));
  }

  void Compute(Worker& worker) override {
    const Range rows = OwnRows(worker);
    const size_t side = problem_->side();
    const double relaxation = problem_->relaxation();
    const auto& [red, black] = colours_;
    for (uint32_t step = 0; step < problem_->steps(); ++step) {
      SweepColour(Colour::kRed, red, black, side, relaxation, rows);
      worker.Barrier();
      SweepColour(Colour::kBlack, black, red, side, relaxation, rows);
      worker.Barrier();
    }
  }

  void Collect() override {
    for (const size_t colour : {0u, 1u}) {
      problem_->result[colour].assign(colours_[colour].begin(), colours_[colour].end());
    }
  }

 private:
  Range OwnRows(const Worker& worker) const {
    return worker.Block(problem_->side(), problem_->side() / 2 * sizeof(double));
  }

  SorProblem* problem_;
  std::array<std::span<double>, 2> colours_;
};

}  // namespace
}  // namespace farpage::apps

int main(int argc, char** argv) {
  farpage::apps::SorProblem problem;
  farpage::apps::SharedSor program(problem);
  return farpage::apps::RunShared(argc, argv, problem, program);
}

// The product of two matrices, c = a · b, divided by rows of c.
//
//   farpage run -n 2 -- matmul
//   farpage run -n 4 -- matmul --order 4096 --threads 2
//
// Placement: blocks, so that a node's rows of a and c are at home there. All of b is read by all:
// each node fetches the other nodes' rows of it, once.
//
// Synchronisation: none while it computes. Nobody writes what another reads.
//
// Consistency: of b, release: a fetch is one read of what is at home, 64 pages at a time, without
// asking whoever wrote them. (--consistency is about b.) Of a and c, sequential: nobody else ever
// has a copy, so they are written like private memory, and a barrier has nothing to do for them.
#include <span>

#include "bench/apps/frame/die.h"
#include "bench/apps/frame/shared_program.h"
#include "bench/apps/problems/matmul.h"

namespace farpage::apps {
namespace {

class SharedMatmul : public SharedProgram {
 public:
  explicit SharedMatmul(MatmulProblem& problem) : problem_(&problem) {}

  absl::Status Allocate(Node& node, Consistency consistency) override {
    const size_t values = problem_->order() * problem_->order();
    struct Array {
      const char* name;
      std::span<double>* matrix;
      Consistency consistency;
    };
    for (const Array& array :
         {Array{"a", &a_, Consistency::kSequential}, Array{"b", &b_, consistency},
          Array{"c", &c_, Consistency::kSequential}}) {
      const auto allocated =
          node.Allocate<double>(array.name, values, {.consistency = array.consistency});
      if (!allocated.ok()) return allocated.status();
      *array.matrix = *allocated;
    }
    return absl::OkStatus();
  }

  void Prepare(Worker& worker) override {
    FillRows(a_, problem_->order(), MatmulProblem::kSeedA, OwnRows(worker));
    FillRows(b_, problem_->order(), MatmulProblem::kSeedB, OwnRows(worker));
  }

  void Compute(Worker& worker) override {
    // The rows of b come many at a time. Only faster, never needed.
    if (worker.thread() == 0) {
      const absl::Status asked = worker.node().Prefetch(b_.data(), b_.size_bytes());
      if (!asked.ok()) Die(worker.node(), "prefetch", asked);
    }
    Multiplier multiplier;
    MultiplyRows(multiplier, a_, b_, c_, problem_->order(), OwnRows(worker));
  }

  void Collect() override { problem_->result.assign(c_.begin(), c_.end()); }

 private:
  Range OwnRows(const Worker& worker) const {
    return worker.Block(problem_->order(), problem_->order() * sizeof(double));
  }

  MatmulProblem* problem_;
  std::span<double> a_;
  std::span<double> b_;
  std::span<double> c_;
};

}  // namespace
}  // namespace farpage::apps

int main(int argc, char** argv) {
  farpage::apps::MatmulProblem problem;
  farpage::apps::SharedMatmul program(problem);
  return farpage::apps::RunShared(argc, argv, problem, program);
}

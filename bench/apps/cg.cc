// CG of the NAS Parallel Benchmarks: inverse iteration with a conjugate gradient method, divided by
// rows of the matrix.
//
//   farpage run -n 2 -- cg
//   farpage run -n 4 -- cg --class W --threads 2
//
// Every thread makes its own rows of the matrix, and of all vectors but one it needs no other
// values than its own: those stay in private memory. The one is p, by which the matrix is
// multiplied: 112 kB in class A, of which each node writes its part and reads all, 25 times an
// iteration.
//
// Placement: blocks. A node's part of p is at home there, in whole pages.
//
// Synchronisation: a barrier when p has been written; and two sums over all nodes, as the method
// needs them anyway. When the first of them is known, everybody has read p, and it may be written
// again.
//
// Consistency: release. The pages of p that others have copies of are announced with the barrier,
// instead of being invalidated one by one, and come back with one read for all of them.
#include <memory>
#include <span>
#include <vector>

#include "bench/apps/frame/die.h"
#include "bench/apps/frame/shared_program.h"
#include "bench/apps/problems/cg.h"

namespace farpage::apps {
namespace {

class SharedCg : public SharedProgram {
 public:
  explicit SharedCg(CgProblem& problem) : problem_(&problem) {}

  absl::Status Allocate(Node& node, Consistency consistency) override {
    const auto p =
        node.Allocate<double>("p", problem_->problem_class().order, {.consistency = consistency});
    if (!p.ok()) return p.status();
    p_ = *p;
    return absl::OkStatus();
  }

  void Prepare(Worker& worker) override {
    if (worker.thread() == 0) parts_.resize(worker.threads());
    worker.NodeBarrier();
    std::unique_ptr<Part>& part = parts_[worker.thread()];
    if (part == nullptr) part = std::make_unique<Part>(problem_->problem_class(), OwnRows(worker));
  }

  void Compute(Worker& worker) override {
    Part& part = *parts_[worker.thread()];
    Peers peers(worker, p_, OwnRows(worker));
    const CgResult result =
        ComputeZeta(problem_->problem_class(), part.matrix, part.vectors, peers);
    if (worker.index() == 0) result_ = result;
  }

  void Collect() override { problem_->result = result_; }

 private:
  struct Part {  // of a thread
    Part(const CgClass& problem_class, Range rows)
        : matrix(MakeCgRows(problem_class, rows)), vectors(rows.size()) {}

    SparseRows matrix;
    CgVectors vectors;
  };

  class Peers : public CgPeers {
   public:
    Peers(Worker& worker, std::span<double> p, Range own) : worker_(&worker), p_(p), own_(own) {}

    std::span<double> OwnP() override { return p_.subspan(own_.begin, own_.size()); }

    std::span<const double> Publish() override {
      worker_->Barrier();
      // All of it is about to be read, in no order that could be foreseen. Asked for together, its
      // pages come together. Only faster, never needed.
      if (worker_->thread() == 0) {
        const absl::Status asked = worker_->node().Prefetch(p_.data(), p_.size_bytes());
        if (!asked.ok()) Die(worker_->node(), "prefetch", asked);
      }
      return p_;
    }

    double Sum(double own) override { return worker_->Sum(own); }

   private:
    Worker* worker_;
    std::span<double> p_;
    Range own_;
  };

  Range OwnRows(const Worker& worker) const {
    return worker.Block(problem_->problem_class().order, sizeof(double));
  }

  CgProblem* problem_;
  std::span<double> p_;
  CgResult result_;
  std::vector<std::unique_ptr<Part>> parts_;  // private to this node
};

}  // namespace
}  // namespace farpage::apps

int main(int argc, char** argv) {
  farpage::apps::CgProblem problem;
  farpage::apps::SharedCg program(problem);
  return farpage::apps::RunShared(argc, argv, problem, program);
}

// CG with OpenMP: what cg.cc is measured beside.
//
//   cg_openmp --threads 2
//
// The same rows, the same vectors and the same steps. p is an array of the process; the places
// where cg.cc meets the other nodes are OpenMP's barriers here.
#include <omp.h>

#include <memory>
#include <span>
#include <vector>

#include "bench/apps/frame/process_program.h"
#include "bench/apps/problems/cg.h"

namespace farpage::apps {
namespace {

class OpenMpCg : public ProcessProgram {
 public:
  explicit OpenMpCg(CgProblem& problem) : problem_(&problem) {}

  std::string version() const override { return "openmp"; }

  void Prepare(uint32_t threads) override {
    const CgClass& size = problem_->problem_class();
    p_.resize(size.order);
    terms_.resize(threads);
    if (!parts_.empty()) return;
    for (uint32_t thread = 0; thread < threads; ++thread) {
      parts_.push_back(std::make_unique<Part>(size, BlockOf(size.order, threads, thread)));
    }
  }

  void Compute([[maybe_unused]] uint32_t threads) override {
#pragma omp parallel num_threads(threads)
    {
      const auto thread = static_cast<uint32_t>(omp_get_thread_num());
      Part& part = *parts_[thread];
      Peers peers(p_, terms_, part.rows, thread);
      const CgResult result =
          ComputeZeta(problem_->problem_class(), part.matrix, part.vectors, peers);
      if (thread == 0) problem_->result = result;
    }
  }

  void Collect() override {}

 private:
  struct Part {  // of a thread
    Part(const CgClass& problem_class, Range own)
        : rows(own), matrix(MakeCgRows(problem_class, own)), vectors(own.size()) {}

    Range rows;
    SparseRows matrix;
    CgVectors vectors;
  };

  struct alignas(64) Terms {
    double of_turn[2] = {};
  };

  class Peers : public CgPeers {
   public:
    Peers(std::span<double> p, std::span<Terms> terms, Range own, uint32_t thread)
        : p_(p), terms_(terms), own_(own), thread_(thread) {}

    std::span<double> OwnP() override { return p_.subspan(own_.begin, own_.size()); }

    std::span<const double> Publish() override {
#pragma omp barrier
      return p_;
    }

    double Sum(double own) override {
      // Two places in turn: nobody overwrites what another may still be reading.
      turn_ ^= 1;
      terms_[thread_].of_turn[turn_] = own;
#pragma omp barrier
      double sum = 0;
      for (const Terms& terms : terms_) sum += terms.of_turn[turn_];
      return sum;
    }

   private:
    std::span<double> p_;
    std::span<Terms> terms_;
    Range own_;
    uint32_t thread_;
    size_t turn_ = 0;
  };

  CgProblem* problem_;
  std::vector<double> p_;
  std::vector<Terms> terms_;
  std::vector<std::unique_ptr<Part>> parts_;
};

}  // namespace
}  // namespace farpage::apps

int main(int argc, char** argv) {
  farpage::apps::CgProblem problem;
  farpage::apps::OpenMpCg program(problem);
  return farpage::apps::RunInProcess(argc, argv, problem, program);
}

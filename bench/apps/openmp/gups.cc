// HPC Challenge RandomAccess on the threads of one machine, for comparison.
//
//   gups_openmp --threads 2
#include <algorithm>
#include <array>
#include <numeric>

#include "bench/apps/frame/process_program.h"
#include "bench/apps/frame/range.h"
#include "bench/apps/problems/gups.h"

namespace farpage::apps {
namespace {

class OpenMpGups : public ProcessProgram {
 public:
  explicit OpenMpGups(GupsProblem& problem) : problem_(&problem) {}

  std::string version() const override { return "openmp"; }

  void Prepare([[maybe_unused]] uint32_t threads) override {
    table_.resize(problem_->words());
#pragma omp parallel for num_threads(threads) schedule(static)
    for (uint64_t word = 0; word < table_.size(); ++word) table_[word] = word;
  }

  void Compute([[maybe_unused]] uint32_t threads) override {
    uint64_t* const table = table_.data();
    const uint64_t mask = problem_->words() - 1;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (uint32_t thread = 0; thread < threads; ++thread) {
      const Range draws = BlockOf(problem_->updates(), threads, thread);
      UpdateStream stream(draws.begin);
      std::array<uint64_t, kLookAhead> batch;
      for (size_t left = draws.size(); left > 0;) {
        const size_t count = std::min(left, batch.size());
        std::generate_n(batch.begin(), count, [&] { return stream.Next(); });
        for (size_t at = 0; at < count; ++at) {
#pragma omp atomic
          table[batch[at] & mask] ^= batch[at];
        }
        left -= count;
      }
    }
  }

  void Collect() override { problem_->result = table_; }

 private:
  GupsProblem* problem_;
  std::vector<uint64_t> table_;
};

}  // namespace
}  // namespace farpage::apps

int main(int argc, char** argv) {
  farpage::apps::GupsProblem problem("gups", 22);
  farpage::apps::OpenMpGups program(problem);
  return farpage::apps::RunInProcess(argc, argv, problem, program);
}

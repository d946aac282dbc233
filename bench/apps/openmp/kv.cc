// A key-value store on the threads of one machine, for comparison.
//
//   kv_openmp --workload a --threads 2
#include <algorithm>
#include <memory>
#include <mutex>

#include "bench/apps/frame/measurement.h"
#include "bench/apps/frame/process_program.h"
#include "bench/apps/problems/kv.h"

namespace farpage::apps {
namespace {

class OpenMpKv : public ProcessProgram {
 public:
  explicit OpenMpKv(KvProblem& problem) : problem_(&problem) {}

  std::string version() const override { return "openmp"; }

  void Prepare(uint32_t /*threads*/) override {
    problem_->PrepareRequests();
    problem_->service = {};
    problem_->result.assign(problem_->buckets() * HashTable::kRecordsPerBucket, Record{});
    // What is missing is found when the result is verified.
    problem_->Load(HashTable(problem_->result), {0, problem_->buckets()}).IgnoreError();
    locks_ = std::make_unique<std::mutex[]>(problem_->buckets());
  }

  void Compute([[maybe_unused]] uint32_t threads) override {
    const Stopwatch watch;
    const HashTable table(problem_->result);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (uint32_t client = 0; client < problem_->clients(); ++client) {
      ServiceResult result;
      problem_->Serve(
          table, client, [&](size_t bucket) { locks_[bucket].lock(); },
          [&](size_t bucket) { locks_[bucket].unlock(); }, result);
#pragma omp critical
      problem_->service += result;
    }
    problem_->run_seconds = watch.seconds();
  }

  void Collect() override {}  // what is computed is in the problem already

 private:
  KvProblem* problem_;
  std::unique_ptr<std::mutex[]> locks_;
};

}  // namespace
}  // namespace farpage::apps

int main(int argc, char** argv) {
  farpage::apps::KvProblem problem;
  farpage::apps::OpenMpKv program(problem);
  return farpage::apps::RunInProcess(argc, argv, problem, program);
}

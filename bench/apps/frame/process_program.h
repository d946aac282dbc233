// A version of an application in one process: with OpenMP, for example.
#ifndef FARPAGE_BENCH_APPS_FRAME_PROCESS_PROGRAM_H_
#define FARPAGE_BENCH_APPS_FRAME_PROCESS_PROGRAM_H_

#include <cstdint>
#include <string>

#include "bench/apps/frame/problem.h"

namespace farpage::apps {

class ProcessProgram {
 public:
  ProcessProgram() = default;
  ProcessProgram(const ProcessProgram&) = delete;
  ProcessProgram& operator=(const ProcessProgram&) = delete;
  virtual ~ProcessProgram() = default;

  virtual std::string version() const = 0;  // "openmp"

  // By turns, as often as the measurement is repeated. Only the second is measured.
  virtual void Prepare(uint32_t threads) = 0;
  virtual void Compute(uint32_t threads) = 0;

  // Leaves the last result for Problem::Verify().
  virtual void Collect() = 0;
};

// The whole program, as RunShared().
int RunInProcess(int argc, char** argv, Problem& problem, ProcessProgram& program);

}  // namespace farpage::apps

#endif  // FARPAGE_BENCH_APPS_FRAME_PROCESS_PROGRAM_H_

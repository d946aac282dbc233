// A version of an application with MPI.
#ifndef FARPAGE_BENCH_APPS_FRAME_MPI_PROGRAM_H_
#define FARPAGE_BENCH_APPS_FRAME_MPI_PROGRAM_H_

#include "bench/apps/frame/problem.h"

namespace farpage::apps {

class MpiProgram {
 public:
  MpiProgram() = default;
  MpiProgram(const MpiProgram&) = delete;
  MpiProgram& operator=(const MpiProgram&) = delete;
  virtual ~MpiProgram() = default;

  // By all processes of MPI_COMM_WORLD, by turns, as often as the measurement is repeated. Only the
  // second is measured.
  virtual void Prepare() = 0;
  virtual void Compute() = 0;

  // By all processes: leaves in the problem of process 0 what Problem::Verify() has to see.
  virtual void Collect() = 0;

  int rank() const { return rank_; }
  int size() const { return size_; }

 private:
  friend int RunMpi(int argc, char** argv, Problem& problem, MpiProgram& program);

  int rank_ = 0;
  int size_ = 1;
};

// The whole program, as RunShared(). An error of MPI ends all processes.
int RunMpi(int argc, char** argv, Problem& problem, MpiProgram& program);

}  // namespace farpage::apps

#endif  // FARPAGE_BENCH_APPS_FRAME_MPI_PROGRAM_H_

// A version of an application with MPI, and how it is run and measured.
#ifndef FARPAGE_BENCH_APPS_MPI_RANK_PROGRAM_H_
#define FARPAGE_BENCH_APPS_MPI_RANK_PROGRAM_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "bench/apps/frame/problem.h"

namespace farpage::apps {

// Errors of MPI end all ranks: MPI_ERRORS_ARE_FATAL, the default.
class RankProgram {
 public:
  RankProgram() = default;
  RankProgram(const RankProgram&) = delete;
  RankProgram& operator=(const RankProgram&) = delete;
  virtual ~RankProgram() = default;

  // Collective, by turns, as often as the measurement is repeated. There is a barrier after each.
  // Only the second is measured.
  virtual void Prepare(size_t ranks, size_t rank) = 0;
  virtual void Compute(size_t ranks, size_t rank) = 0;

  // Collective. Rank 0 keeps of the result what Problem::Verify() has to see.
  virtual void Collect(size_t ranks, size_t rank) = 0;
};

// INVALID_ARGUMENT, with the option's name, where MPI could not be told of so many items: its
// counts and offsets are ints. For Problem::Check().
absl::Status CheckCount(const std::string& option, uint64_t items);

// The whole program, as RunShared().
int RunRanks(int argc, char** argv, Problem& problem, RankProgram& program);

}  // namespace farpage::apps

#endif  // FARPAGE_BENCH_APPS_MPI_RANK_PROGRAM_H_

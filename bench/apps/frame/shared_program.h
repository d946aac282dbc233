// An application on shared memory, and how it is run and measured.
#ifndef FARPAGE_BENCH_APPS_FRAME_SHARED_PROGRAM_H_
#define FARPAGE_BENCH_APPS_FRAME_SHARED_PROGRAM_H_

#include <farpage/farpage.h>

#include <cstdint>

#include "absl/status/status.h"
#include "bench/apps/frame/problem.h"
#include "bench/apps/frame/team.h"

namespace farpage::apps {

class SharedProgram;

// The whole program: options, nodes, measurements; then, when all have left and this process has
// the machine to itself, on node 0 the sequential program, the judgement and the report. Gives the
// exit status: 0 verified, 1 not, or something failed and was told; 2 wrong usage.
int RunShared(int argc, char** argv, Problem& problem, SharedProgram& program);

// The part of an application that knows of nodes. On each node one object, whose members hold what
// was allocated.
class SharedProgram {
 public:
  SharedProgram() = default;
  SharedProgram(const SharedProgram&) = delete;
  SharedProgram& operator=(const SharedProgram&) = delete;
  virtual ~SharedProgram() = default;

  // What --consistency is if it is not given.
  virtual Consistency consistency() const { return Consistency::kRelease; }

  // Collective, by one thread. Allocates what is shared, and locks.
  virtual absl::Status Allocate(Node& node, Consistency consistency) = 0;

  // By all threads of all nodes, by turns, as often as the measurement is repeated. There is a
  // barrier after each. Only the second is measured.
  virtual void Prepare(Worker& worker) = 0;
  virtual void Compute(Worker& worker) = 0;

  // On node 0, by one thread, while the other nodes still serve their memory: keeps of the result
  // what Problem::Verify() has to see.
  virtual void Collect() = 0;

  // Of each node. Known before Allocate() is called.
  uint32_t threads() const { return threads_; }

 private:
  friend int RunShared(int argc, char** argv, Problem& problem, SharedProgram& program);

  uint32_t threads_ = 1;
};

}  // namespace farpage::apps

#endif  // FARPAGE_BENCH_APPS_FRAME_SHARED_PROGRAM_H_

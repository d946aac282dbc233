// What an application computes, whichever way: its sizes, the sequential program, and the
// judgement.
#ifndef FARPAGE_BENCH_APPS_FRAME_PROBLEM_H_
#define FARPAGE_BENCH_APPS_FRAME_PROBLEM_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "bench/apps/frame/figure.h"

namespace CLI {
class App;
}

namespace farpage::apps {

// The versions of an application (on shared memory, with MPI, with OpenMP) have one of these in
// common, and the functions that compute. Each leaves its result in the derived class's members.
class Problem {
 public:
  Problem() = default;
  Problem(const Problem&) = delete;
  Problem& operator=(const Problem&) = delete;
  virtual ~Problem() = default;

  virtual std::string name() const = 0;         // "stencil"
  virtual std::string description() const = 0;  // one sentence for --help

  // The application's own options, with their bounds.
  virtual void AddOptions(CLI::App& app) = 0;
  // INVALID_ARGUMENT says which options do not go together.
  virtual absl::Status Check() const { return absl::OkStatus(); }

  // What the report adds: sizes, and rates where the measured section takes `seconds`.
  virtual std::vector<Figure> Figures(double seconds) const = 0;

  // The sequential program on private memory: puts its input in place, and computes. Called by
  // turns as often as the measurement is repeated. Only the second is measured.
  virtual void PreparePlain() = 0;
  virtual void ComputePlain() = 0;

  // Judges the result. Called once, after a version's and the sequential program's last repetition.
  // The error says what differs, where and by how much.
  virtual absl::Status Verify() = 0;
};

}  // namespace farpage::apps

#endif  // FARPAGE_BENCH_APPS_FRAME_PROBLEM_H_

// Molecular dynamics as a problem: see particles.h.
#ifndef FARPAGE_BENCH_APPS_PROBLEMS_NBODY_H_
#define FARPAGE_BENCH_APPS_PROBLEMS_NBODY_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "bench/apps/frame/problem.h"
#include "bench/apps/problems/particles.h"

namespace farpage::apps {

class NbodyProblem : public Problem {
 public:
  std::string name() const override { return "nbody"; }
  std::string description() const override {
    return "Molecular dynamics: Lennard-Jones particles with neighbour lists and locks.";
  }
  void AddOptions(CLI::App& app) override;
  std::vector<Figure> Figures(double seconds) const override;
  void PreparePlain() override;
  void ComputePlain() override;
  // Places and energies may differ by what the order of additions makes of so many steps, and the
  // energy may drift a little.
  absl::Status Verify() override;

  uint32_t cells() const { return cells_; }
  size_t particles() const { return ParticlesOf(cells_); }
  double box() const { return BoxEdge(cells_); }
  uint32_t steps() const { return steps_; }

  // A version's.
  struct Result {
    std::vector<Vector> positions;
    std::array<Energies, 2> energies;  // at the beginning and at the end
  };
  Result result;

 private:
  uint32_t cells_ = 20;
  uint32_t steps_ = 100;
  Result plain_;
  std::vector<Vector> plain_velocities_;
  std::vector<Vector> plain_forces_;
};

}  // namespace farpage::apps

#endif  // FARPAGE_BENCH_APPS_PROBLEMS_NBODY_H_

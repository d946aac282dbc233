// Molecular dynamics on the threads of one machine, for comparison.
//
//   nbody_openmp --threads 2
//
// Each thread adds up its forces in memory of its own, then all threads add them together.
#include <algorithm>
#include <vector>

#include "bench/apps/frame/process_program.h"
#include "bench/apps/problems/nbody.h"

namespace farpage::apps {
namespace {

class OpenMpNbody : public ProcessProgram {
 public:
  explicit OpenMpNbody(NbodyProblem& problem) : problem_(&problem) {}

  std::string version() const override { return "openmp"; }

  void Prepare(uint32_t threads) override {
    problem_->result.positions.resize(problem_->particles());
    velocities_.resize(problem_->particles());
    forces_.assign(problem_->particles(), Vector{});
    PlaceParticles(problem_->cells(), problem_->result.positions, velocities_);
    lists_.resize(threads);
    partial_.assign(threads, std::vector<Vector>(problem_->particles()));
  }

  void Compute(uint32_t threads) override {
    for (uint32_t step = 0; step <= problem_->steps(); ++step) Step(threads, step);
  }

  void Collect() override {}  // what is computed is in the problem already

 private:
  void Step(uint32_t threads, uint32_t step) {
    const double box = problem_->box();
    std::vector<Vector>& positions = problem_->result.positions;
    double kinetic = 0;
    double potential = 0;
#pragma omp parallel num_threads(threads) reduction(+ : kinetic, potential)
    {
#pragma omp for schedule(static)
      for (uint32_t thread = 0; thread < threads; ++thread) {
        const Range own = BlockOf(problem_->particles(), threads, thread);
        if (step > 0) KickAndDrift(own, box, positions, velocities_, forces_);
      }
#pragma omp for schedule(static)
      for (uint32_t thread = 0; thread < threads; ++thread) {
        const Range own = BlockOf(problem_->particles(), threads, thread);
        if (step % kStepsPerList == 0) MakeLists(positions, box, own, lists_[thread]);
        std::ranges::fill(partial_[thread], Vector{});
        potential += AddForces(positions, box, own, lists_[thread], partial_[thread]);
      }
#pragma omp for schedule(static)
      for (uint32_t thread = 0; thread < threads; ++thread) {
        const Range own = BlockOf(problem_->particles(), threads, thread);
        Combine(own);
        if (step > 0) Kick(own, velocities_, forces_);
        kinetic += KineticEnergy(own, velocities_);
      }
    }
    if (step == 0 || step == problem_->steps()) {
      problem_->result.energies[step == 0 ? 0 : 1] = {kinetic, potential};
    }
  }

  void Combine(Range own) {
    for (size_t particle = own.begin; particle < own.end; ++particle) {
      Vector sum;
      for (const std::vector<Vector>& forces : partial_) {
        sum.x += forces[particle].x;
        sum.y += forces[particle].y;
        sum.z += forces[particle].z;
      }
      forces_[particle] = sum;
    }
  }

  NbodyProblem* problem_;
  std::vector<Vector> velocities_;
  std::vector<Vector> forces_;
  std::vector<NeighbourLists> lists_;         // of each thread
  std::vector<std::vector<Vector>> partial_;  // forces that each thread has found
};

}  // namespace
}  // namespace farpage::apps

int main(int argc, char** argv) {
  farpage::apps::NbodyProblem problem;
  farpage::apps::OpenMpNbody program(problem);
  return farpage::apps::RunInProcess(argc, argv, problem, program);
}

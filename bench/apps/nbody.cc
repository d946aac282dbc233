// Molecular dynamics with short-range forces, neighbour lists, and locks.
//
//   farpage run -n 2 -- nbody
//   farpage run -n 4 -- nbody --cells 32 --steps 200 --threads 2
//
// Each thread owns a range of the particles, a slab of the box. It moves them, and computes the
// forces between them and their neighbours: each pair once, so that both partners get a force, also
// one that another thread owns. A thread adds up its forces in memory of its own first; then it
// adds what it has for a patch of particles to the shared forces, under the patch's lock. Only
// patches at the faces of a slab are anybody else's concern.
//
// Placement: blocks, so that a thread's particles are at home on its node. They hardly leave their
// slab: of the others' places a node only reads those next to its faces, but all of them when it
// makes new lists, every 20 steps.
//
// Synchronisation: two barriers a step (places are complete; forces are complete), and the locks.
//
// Consistency: release for forces and places. The forces of a patch are written by several nodes,
// one after the other, and only the bytes that changed go home. Sequential for the velocities,
// which nobody but the owner touches: release consistency would look for what was written at each
// barrier.
#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "bench/apps/frame/die.h"
#include "bench/apps/frame/shared_program.h"
#include "bench/apps/problems/nbody.h"

namespace farpage::apps {
namespace {

class SharedNbody : public SharedProgram {
 public:
  explicit SharedNbody(NbodyProblem& problem) : problem_(&problem) {}

  absl::Status Allocate(Node& node, Consistency consistency) override {
    const AllocateOptions options = {.consistency = consistency};
    const auto positions = node.Allocate<Vector>("positions", problem_->particles(), options);
    if (!positions.ok()) return positions.status();
    positions_ = *positions;
    const auto forces = node.Allocate<Vector>("forces", problem_->particles(), options);
    if (!forces.ok()) return forces.status();
    forces_ = *forces;
    const auto velocities = node.Allocate<Vector>("velocities", problem_->particles());
    if (!velocities.ok()) return velocities.status();
    velocities_ = *velocities;
    for (size_t patch = 0; patch * kPatch < problem_->particles(); ++patch) {
      absl::StatusOr<Mutex> lock = node.MakeMutex(absl::StrCat("patch ", patch));
      if (!lock.ok()) return lock.status();
      locks_.push_back(*std::move(lock));
    }
    return absl::OkStatus();
  }

  void Prepare(Worker& worker) override {
    // Everybody places all and keeps its own: they are no sequence that could be entered anywhere.
    std::vector<Vector> positions(problem_->particles());
    std::vector<Vector> velocities(problem_->particles());
    PlaceParticles(problem_->cells(), positions, velocities);
    const Range own = worker.Block(problem_->particles(), sizeof(Vector));
    for (size_t particle = own.begin; particle < own.end; ++particle) {
      positions_[particle] = positions[particle];
      velocities_[particle] = velocities[particle];
      forces_[particle] = {};
    }
  }

  void Compute(Worker& worker) override {
    const double box = problem_->box();
    const Range own = worker.Block(problem_->particles(), sizeof(Vector));
    Contribution contribution(problem_->particles());
    NeighbourLists lists;
    for (uint32_t step = 0; step <= problem_->steps(); ++step) {
      if (step > 0) {
        KickAndDrift(own, box, positions_, velocities_, forces_);
        std::fill_n(forces_.begin() + static_cast<std::ptrdiff_t>(own.begin), own.size(), Vector{});
        worker.Barrier();
      }
      if (step % kStepsPerList == 0) {
        MakeLists(positions_, box, own, lists);
        contribution.PrepareFor(own, lists);
      }
      const double potential = AddForces(positions_, box, own, lists, contribution.forces);
      AddToShared(worker, contribution, own.begin / kPatch);
      worker.Barrier();
      if (step > 0) Kick(own, velocities_, forces_);
      if (step == 0 || step == problem_->steps()) {
        const auto sums = worker.Sum(std::array{KineticEnergy(own, velocities_), potential});
        if (worker.thread() == 0) {
          problem_->result.energies[step == 0 ? 0 : 1] = {sums[0], sums[1]};
        }
      }
    }
  }

  void Collect() override {
    problem_->result.positions.assign(positions_.begin(), positions_.end());
  }

 private:
  static constexpr size_t kPatch = 1024;  // particles behind a lock: eight pages

  // What a thread adds to the forces, in its own memory.
  struct Contribution {
    explicit Contribution(size_t particles)
        : forces(particles), patches((particles + kPatch - 1) / kPatch) {}

    void PrepareFor(Range own, const NeighbourLists& lists) {
      std::ranges::fill(patches, Range{});
      for (size_t particle = own.begin; particle < own.end; ++particle) Touch(particle);
      for (const uint32_t neighbour : lists.neighbours) Touch(neighbour);
    }
    void Touch(size_t particle) {
      Range& range = patches[particle / kPatch];
      if (range.empty()) {
        range = {particle, particle + 1};
      } else {
        range = {std::min(range.begin, particle), std::max(range.end, particle + 1)};
      }
    }

    std::vector<Vector> forces;  // zero between steps
    std::vector<Range> patches;  // of each, the particles that may get something
  };

  void AddToShared(Worker& worker, Contribution& contribution, size_t first) {
    for (size_t step = 0; step < locks_.size(); ++step) {
      const size_t patch = (first + step) % locks_.size();  // not all begin with the same
      const Range range = contribution.patches[patch];
      if (range.empty()) continue;
      if (absl::Status locked = locks_[patch].Lock(); !locked.ok()) {
        Die(worker.node(), "lock", locked);
      }
      for (size_t particle = range.begin; particle < range.end; ++particle) {
        const Vector& own = contribution.forces[particle];
        // To add nothing would be to fetch and write a page for nothing.
        if (own.x == 0 && own.y == 0 && own.z == 0) continue;
        Vector& to = forces_[particle];
        to.x += own.x;
        to.y += own.y;
        to.z += own.z;
      }
      if (absl::Status unlocked = locks_[patch].Unlock(); !unlocked.ok()) {
        Die(worker.node(), "unlock", unlocked);
      }
      std::fill(contribution.forces.begin() + static_cast<std::ptrdiff_t>(range.begin),
                contribution.forces.begin() + static_cast<std::ptrdiff_t>(range.end), Vector{});
    }
  }

  NbodyProblem* problem_;
  std::span<Vector> positions_;
  std::span<Vector> velocities_;
  std::span<Vector> forces_;
  std::vector<Mutex> locks_;
};

}  // namespace
}  // namespace farpage::apps

int main(int argc, char** argv) {
  farpage::apps::NbodyProblem problem;
  farpage::apps::SharedNbody program(problem);
  return farpage::apps::RunShared(argc, argv, problem, program);
}

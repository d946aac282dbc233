#include "bench/apps/problems/particles.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <set>
#include <utility>

namespace farpage::apps {
namespace {

constexpr uint32_t kCells = kFewestCells;
constexpr size_t kParticles = ParticlesOf(kCells);

double Component(double difference) {
  const double box = BoxEdge(kCells);
  return difference - box * std::round(difference / box);
}

double Distance(const Vector& a, const Vector& b) {
  return std::hypot(Component(a.x - b.x), Component(a.y - b.y), Component(a.z - b.z));
}

class Particles : public testing::Test {
 protected:
  Particles() {
    PlaceParticles(kCells, positions_, velocities_);
    // Off the lattice, where forces do not cancel.
    std::vector<Vector> forces(kParticles);
    Simulate(box_, 25, positions_, velocities_, forces);
  }

  const double box_ = BoxEdge(kCells);
  std::vector<Vector> positions_ = std::vector<Vector>(kParticles);
  std::vector<Vector> velocities_ = std::vector<Vector>(kParticles);
};

TEST_F(Particles, ListsHaveEveryPairOnce) {
  std::set<std::pair<size_t, size_t>> near;
  for (size_t a = 0; a < kParticles; ++a) {
    for (size_t b = a + 1; b < kParticles; ++b) {
      if (Distance(positions_[a], positions_[b]) < kReach) near.emplace(a, b);
    }
  }
  for (const size_t parts : {1u, 3u}) {
    std::set<std::pair<size_t, size_t>> listed;
    size_t entries = 0;
    for (size_t part = 0; part < parts; ++part) {
      const Range range = BlockOf(kParticles, parts, part);
      NeighbourLists lists;
      MakeLists(positions_, box_, range, lists);
      ASSERT_EQ(lists.first.size(), range.size() + 1);
      for (size_t particle = range.begin; particle < range.end; ++particle) {
        for (uint32_t at = lists.first[particle - range.begin];
             at < lists.first[particle - range.begin + 1]; ++at, ++entries) {
          listed.insert(std::minmax<size_t>(particle, lists.neighbours[at]));
        }
      }
    }
    EXPECT_EQ(listed, near);
    EXPECT_EQ(entries, near.size());
  }
}

TEST_F(Particles, ForcesAreThoseOfAllPairs) {
  std::vector<Vector> expected(kParticles);
  double potential = 0;
  for (size_t a = 0; a < kParticles; ++a) {
    for (size_t b = 0; b < kParticles; ++b) {
      const double r = Distance(positions_[a], positions_[b]);
      if (a == b || r >= kCutoff) continue;
      potential += 2 * (std::pow(r, -12) - std::pow(r, -6));  // half of the pair's
      const double size = 24 * (2 * std::pow(r, -13) - std::pow(r, -7)) / r;
      expected[a].x += size * Component(positions_[a].x - positions_[b].x);
      expected[a].y += size * Component(positions_[a].y - positions_[b].y);
      expected[a].z += size * Component(positions_[a].z - positions_[b].z);
    }
  }
  std::vector<Vector> forces(kParticles);
  double found = 0;
  for (size_t part = 0; part < 3; ++part) {
    const Range range = BlockOf(kParticles, 3, part);
    NeighbourLists lists;
    MakeLists(positions_, box_, range, lists);
    found += AddForces(positions_, box_, range, lists, forces);
  }
  EXPECT_NEAR(found, potential, 1e-9 * std::abs(potential));
  for (size_t particle = 0; particle < kParticles; ++particle) {
    EXPECT_NEAR(forces[particle].x, expected[particle].x, 1e-8);
    EXPECT_NEAR(forces[particle].y, expected[particle].y, 1e-8);
    EXPECT_NEAR(forces[particle].z, expected[particle].z, 1e-8);
  }
}

TEST_F(Particles, EnergyAndMomentumStay) {
  PlaceParticles(kCells, positions_, velocities_);
  const Range all{0, kParticles};
  // The temperature is 2/3 of the kinetic energy of a particle.
  EXPECT_NEAR(KineticEnergy(all, velocities_) / kParticles, 1.5 * 1.44, 1e-12);
  std::vector<Vector> forces(kParticles);
  const std::array<Energies, 2> energies = Simulate(box_, 100, positions_, velocities_, forces);
  EXPECT_LT(energies[1].kinetic, 0.7 * energies[0].kinetic);  // the lattice melts
  EXPECT_NEAR(energies[1].total(), energies[0].total(), 5e-3 * std::abs(energies[0].total()));
  Vector momentum;
  for (const Vector& velocity : velocities_) {
    momentum.x += velocity.x;
    momentum.y += velocity.y;
    momentum.z += velocity.z;
  }
  EXPECT_NEAR(std::hypot(momentum.x, momentum.y, momentum.z), 0, 1e-9);
  for (const Vector& position : positions_) {
    EXPECT_TRUE(position.x >= 0 && position.x < box_);
    EXPECT_TRUE(position.z >= 0 && position.z < box_);
  }
}

TEST_F(Particles, DistanceIsMeasuredAcrossFaces) {
  const std::array<Vector, 2> a = {{{.x = 0.1}, {.y = 1}}};
  const std::array<Vector, 2> b = {{{.x = box_ - 0.1}, {.y = 1.05}}};
  EXPECT_NEAR(GreatestDistance(box_, a, b), 0.2, 1e-12);
  EXPECT_EQ(GreatestDistance(box_, a, a), 0);
  const std::array<Vector, 2> lost = {{{.x = std::nan("")}, {.y = 1}}};
  EXPECT_TRUE(std::isnan(GreatestDistance(box_, lost, a)));
}

}  // namespace
}  // namespace farpage::apps

#include "bench/apps/problems/particles.h"

#include <algorithm>
#include <cmath>

#include "bench/apps/problems/counter_random.h"

namespace farpage::apps {

namespace {

constexpr double kDensity = 0.8442;
constexpr double kTemperature = 1.44;
constexpr uint64_t kSeed = 87287;

Vector operator-(const Vector& a, const Vector& b) {
  return {.x = a.x - b.x, .y = a.y - b.y, .z = a.z - b.z};
}

void Add(Vector& to, const Vector& from, double factor) {
  to.x += factor * from.x;
  to.y += factor * from.y;
  to.z += factor * from.z;
}

double SquareOf(const Vector& vector) {
  return vector.x * vector.x + vector.y * vector.y + vector.z * vector.z;
}

// A difference of coordinates that lie in the box, to the nearest image.
double Nearest(double difference, double box) {
  // Without branches, which nobody could foresee.
  const double half = 0.5 * box;
  return difference - (difference > half ? box : 0.0) + (difference < -half ? box : 0.0);
}

Vector Nearest(const Vector& difference, double box) {
  return {.x = Nearest(difference.x, box),
          .y = Nearest(difference.y, box),
          .z = Nearest(difference.z, box)};
}

// Cells at least as wide as lists reach, so that neighbours are in the 27 cells around.
class Cells {
 public:
  Cells(std::span<const Vector> positions, double box)
      : per_edge_(static_cast<size_t>(box / kReach)),
        per_length_(static_cast<double>(per_edge_) / box),
        first_(per_edge_ * per_edge_ * per_edge_ + 1),
        particles_(positions.size()) {
    std::vector<uint32_t> cells(positions.size());
    for (size_t particle = 0; particle < positions.size(); ++particle) {
      const Vector& at = positions[particle];
      cells[particle] = static_cast<uint32_t>(Number(Along(at.x), Along(at.y), Along(at.z)));
      ++first_[cells[particle] + 1];
    }
    for (size_t cell = 1; cell < first_.size(); ++cell) first_[cell] += first_[cell - 1];
    std::vector<uint32_t> ends(first_.begin(), first_.end() - 1);
    for (size_t particle = 0; particle < positions.size(); ++particle) {
      particles_[ends[cells[particle]]++] = static_cast<uint32_t>(particle);
    }
  }

  // Calls visit(particle) for all in the 27 cells around a place.
  template <typename Visit>
  void ForEachAround(const Vector& at, Visit visit) const {
    const size_t x = Along(at.x);
    const size_t y = Along(at.y);
    const size_t z = Along(at.z);
    for (size_t k = 0; k < 3; ++k) {
      for (size_t j = 0; j < 3; ++j) {
        for (size_t i = 0; i < 3; ++i) {
          const size_t cell = Number(Shifted(x, i), Shifted(y, j), Shifted(z, k));
          for (uint32_t at_cell = first_[cell]; at_cell < first_[cell + 1]; ++at_cell) {
            visit(particles_[at_cell]);
          }
        }
      }
    }
  }

 private:
  size_t Along(double coordinate) const {  // rounding may lead to the far face
    return std::min(static_cast<size_t>(coordinate * per_length_), per_edge_ - 1);
  }
  size_t Shifted(size_t along, size_t step) const {  // one back, none, one on
    return (along + per_edge_ + step - 1) % per_edge_;
  }
  size_t Number(size_t x, size_t y, size_t z) const { return (z * per_edge_ + y) * per_edge_ + x; }

  size_t per_edge_;
  double per_length_;
  std::vector<uint32_t> first_;
  std::vector<uint32_t> particles_;
};

// Of two particles the lower has the other in its list if both are even or both odd, else the
// higher.
bool HasInList(size_t particle, size_t other) {
  return (particle + other) % 2 == 0 ? particle < other : other < particle;
}

}  // namespace

double BoxEdge(uint32_t cells) { return cells * std::cbrt(4 / kDensity); }

void PlaceParticles(uint32_t cells, std::span<Vector> positions, std::span<Vector> velocities) {
  constexpr std::array<Vector, 4> kCorners = {{{.x = 0.25, .y = 0.25, .z = 0.25},
                                               {.x = 0.75, .y = 0.75, .z = 0.25},
                                               {.x = 0.75, .y = 0.25, .z = 0.75},
                                               {.x = 0.25, .y = 0.75, .z = 0.75}}};
  const double edge = BoxEdge(cells) / cells;
  Vector momentum;
  for (size_t particle = 0; particle < positions.size(); ++particle) {
    const size_t cell = particle / 4;
    const size_t row = cell / cells;
    const size_t layer = row / cells;
    const Vector& corner = kCorners[particle % 4];
    positions[particle] = {.x = edge * (static_cast<double>(cell % cells) + corner.x),
                           .y = edge * (static_cast<double>(row % cells) + corner.y),
                           .z = edge * (static_cast<double>(layer) + corner.z)};
    CounterRandom random(kSeed, particle);
    velocities[particle] = {
        .x = random.Fraction() - 0.5, .y = random.Fraction() - 0.5, .z = random.Fraction() - 0.5};
    Add(momentum, velocities[particle], 1);
  }
  const auto count = static_cast<double>(positions.size());
  for (Vector& velocity : velocities) Add(velocity, momentum, -1 / count);
  const double temperature = 2 * KineticEnergy({0, velocities.size()}, velocities) / (3 * count);
  const double scale = std::sqrt(kTemperature / temperature);
  for (Vector& velocity : velocities) Add(velocity, velocity, scale - 1);
}

void MakeLists(std::span<const Vector> positions, double box, Range range, NeighbourLists& lists) {
  const Cells cells(positions, box);
  lists.first.clear();
  lists.neighbours.clear();
  for (size_t particle = range.begin; particle < range.end; ++particle) {
    lists.first.push_back(static_cast<uint32_t>(lists.neighbours.size()));
    const Vector at = positions[particle];
    cells.ForEachAround(at, [&](uint32_t other) {
      if (HasInList(particle, other) &&
          SquareOf(Nearest(at - positions[other], box)) < kReach * kReach) {
        lists.neighbours.push_back(other);
      }
    });
  }
  lists.first.push_back(static_cast<uint32_t>(lists.neighbours.size()));
}

double AddForces(std::span<const Vector> positions, double box, Range range,
                 const NeighbourLists& lists, std::span<Vector> forces) {
  double potential = 0;
  for (size_t particle = range.begin; particle < range.end; ++particle) {
    const Vector at = positions[particle];
    Vector force;
    for (uint32_t place = lists.first[particle - range.begin];
         place < lists.first[particle - range.begin + 1]; ++place) {
      const uint32_t other = lists.neighbours[place];
      const Vector apart = Nearest(at - positions[other], box);
      const double square = SquareOf(apart);
      if (square >= kCutoff * kCutoff) continue;
      const double inverse = 1 / square;
      const double sixth = inverse * inverse * inverse;
      const double factor = 48 * sixth * (sixth - 0.5) * inverse;
      Add(force, apart, factor);
      Add(forces[other], apart, -factor);
      potential += 4 * sixth * (sixth - 1);
    }
    Add(forces[particle], force, 1);
  }
  return potential;
}

void KickAndDrift(Range range, double box, std::span<Vector> positions,
                  std::span<Vector> velocities, std::span<const Vector> forces) {
  const auto inside = [box](double coordinate) {
    if (coordinate < 0) coordinate += box;
    return coordinate >= box ? coordinate - box : coordinate;
  };
  for (size_t particle = range.begin; particle < range.end; ++particle) {
    Add(velocities[particle], forces[particle], 0.5 * kTimeStep);
    Vector at = positions[particle];
    Add(at, velocities[particle], kTimeStep);
    positions[particle] = {.x = inside(at.x), .y = inside(at.y), .z = inside(at.z)};
  }
}

void Kick(Range range, std::span<Vector> velocities, std::span<const Vector> forces) {
  for (size_t particle = range.begin; particle < range.end; ++particle) {
    Add(velocities[particle], forces[particle], 0.5 * kTimeStep);
  }
}

double KineticEnergy(Range range, std::span<const Vector> velocities) {
  double energy = 0;
  for (size_t particle = range.begin; particle < range.end; ++particle) {
    energy += 0.5 * SquareOf(velocities[particle]);
  }
  return energy;
}

std::array<Energies, 2> Simulate(double box, uint32_t steps, std::span<Vector> positions,
                                 std::span<Vector> velocities, std::span<Vector> forces) {
  const Range all{0, positions.size()};
  NeighbourLists lists;
  std::array<Energies, 2> energies;
  for (uint32_t step = 0; step <= steps; ++step) {
    if (step > 0) KickAndDrift(all, box, positions, velocities, forces);
    if (step % kStepsPerList == 0) MakeLists(positions, box, all, lists);
    std::ranges::fill(forces, Vector{});
    const double potential = AddForces(positions, box, all, lists, forces);
    if (step > 0) Kick(all, velocities, forces);
    if (step == 0 || step == steps) {
      energies[step == 0 ? 0 : 1] = {KineticEnergy(all, velocities), potential};
    }
  }
  return energies;
}

double GreatestDistance(double box, std::span<const Vector> a, std::span<const Vector> b) {
  double greatest = 0;
  for (size_t particle = 0; particle < a.size(); ++particle) {
    const double distance = std::sqrt(SquareOf(Nearest(a[particle] - b[particle], box)));
    if (std::isnan(distance)) return distance;
    greatest = std::max(greatest, distance);
  }
  return greatest;
}

}  // namespace farpage::apps

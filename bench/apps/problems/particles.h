// Molecular dynamics with short-range forces: Lennard-Jones particles in a periodic box, moved by
// velocity Verlet (Swope et al., J. Chem. Phys. 76, 1982), with neighbour lists (Verlet, Phys. Rev.
// 159, 1967) made from cells. The setting is that of the "melt" benchmark of LAMMPS and of miniMD:
// density 0.8442, temperature 1.44, cutoff 2.5, skin 0.3, a time step of 0.005, new lists every 20
// steps. Units are reduced: the particles' mass, diameter and depth of attraction are 1.
#ifndef FARPAGE_BENCH_APPS_PROBLEMS_PARTICLES_H_
#define FARPAGE_BENCH_APPS_PROBLEMS_PARTICLES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "bench/apps/frame/range.h"

namespace farpage::apps {

// Four numbers, so that a page has 128 of them.
struct alignas(32) Vector {
  double x = 0;
  double y = 0;
  double z = 0;
  double unused = 0;
};

inline constexpr double kTimeStep = 0.005;
inline constexpr double kCutoff = 2.5;
inline constexpr double kReach = kCutoff + 0.3;  // of the lists
inline constexpr uint32_t kStepsPerList = 20;

// The edge of the box of a lattice of `cells`³ cells with four particles each. Smaller lattices
// than kFewestCells do not have room for the cells that lists are made from.
inline constexpr uint32_t kFewestCells = 6;
double BoxEdge(uint32_t cells);
inline constexpr size_t ParticlesOf(uint32_t cells) { return size_t{4} * cells * cells * cells; }

// Puts particles on a face-centred cubic lattice, layer after layer, so that those of a range are
// near each other, and gives them random velocities with no momentum in sum.
void PlaceParticles(uint32_t cells, std::span<Vector> positions, std::span<Vector> velocities);

// Who is near whom: those near particle i of the range, `begin` its first, are
// neighbours[first[i − begin]] … Each pair is in one list, of either of the two: so both get half
// of what they have together, wherever ranges end.
struct NeighbourLists {
  std::vector<uint32_t> first;
  std::vector<uint32_t> neighbours;
};

// Makes the lists of a range. Reads the positions of all.
void MakeLists(std::span<const Vector> positions, double box, Range range, NeighbourLists& lists);

// Adds the forces between the particles of the range and their neighbours to both, anywhere in
// `forces`. Returns the potential energy.
double AddForces(std::span<const Vector> positions, double box, Range range,
                 const NeighbourLists& lists, std::span<Vector> forces);

// The first and the second half of a time step, of the particles of a range.
void KickAndDrift(Range range, double box, std::span<Vector> positions,
                  std::span<Vector> velocities, std::span<const Vector> forces);
void Kick(Range range, std::span<Vector> velocities, std::span<const Vector> forces);

double KineticEnergy(Range range, std::span<const Vector> velocities);

// Of all particles. The first is that of step 0.
struct Energies {
  double kinetic = 0;
  double potential = 0;

  double total() const { return kinetic + potential; }
};

// All of it by one thread. The three spans are of the same size. Returns the energies at the
// beginning and at the end.
std::array<Energies, 2> Simulate(double box, uint32_t steps, std::span<Vector> positions,
                                 std::span<Vector> velocities, std::span<Vector> forces);

// The greatest distance of a particle's two places, across the box's faces if that is nearer.
double GreatestDistance(double box, std::span<const Vector> a, std::span<const Vector> b);

}  // namespace farpage::apps

#endif  // FARPAGE_BENCH_APPS_PROBLEMS_PARTICLES_H_

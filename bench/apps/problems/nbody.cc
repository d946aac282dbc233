#include "bench/apps/problems/nbody.h"

#include <CLI/CLI.hpp>
#include <cmath>

#include "absl/status/status.h"
#include "absl/strings/str_format.h"

namespace farpage::apps {

void NbodyProblem::AddOptions(CLI::App& app) {
  app.add_option("--cells", cells_, "cells of the lattice along each edge, with 4 particles each")
      ->check(CLI::Range(kFewestCells, 200u))
      ->capture_default_str();
  app.add_option("--steps", steps_, "time steps")
      ->check(CLI::Range(1u, 1000u))  // beyond, small differences grow to large ones
      ->capture_default_str();
}

std::vector<Figure> NbodyProblem::Figures(double seconds) const {
  const auto count = static_cast<double>(particles());
  return {{"particles", count},
          {"steps", static_cast<double>(steps_)},
          {"energy_per_particle", result.energies[1].total() / count},
          {"particle_steps_per_second", count * steps_ / seconds}};
}

void NbodyProblem::PreparePlain() {
  plain_.positions.resize(particles());
  plain_velocities_.resize(particles());
  plain_forces_.resize(particles());
  PlaceParticles(cells_, plain_.positions, plain_velocities_);
}

void NbodyProblem::ComputePlain() {
  plain_.energies = Simulate(box(), steps_, plain_.positions, plain_velocities_, plain_forces_);
}

absl::Status NbodyProblem::Verify() {
  constexpr double kAgree = 1e-6;  // of the particles' diameter
  constexpr double kDrift = 5e-3;
  if (result.positions.size() != particles()) return absl::DataLossError("particles are missing");
  const double distance = GreatestDistance(box(), result.positions, plain_.positions);
  if (!(distance <= kAgree)) {
    return absl::DataLossError(
        absl::StrFormat("a particle is %.3e away from where it should be", distance));
  }
  for (size_t when = 0; when < 2; ++when) {
    const double expected = plain_.energies[when].total();
    const double found = result.energies[when].total();
    if (!(std::abs(found - expected) <= kAgree * std::abs(expected))) {
      return absl::DataLossError(absl::StrFormat("the energy at the %s is %.12g instead of %.12g",
                                                 when == 0 ? "beginning" : "end", found, expected));
    }
  }
  const double drift = result.energies[1].total() - result.energies[0].total();
  if (!(std::abs(drift) <= kDrift * std::abs(result.energies[0].total()))) {
    return absl::DataLossError(absl::StrFormat("the energy has changed from %.6g by %.3g",
                                               result.energies[0].total(), drift));
  }
  return absl::OkStatus();
}

}  // namespace farpage::apps

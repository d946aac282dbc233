// Drops each effect of each step in turn.
#include <cstdio>
#include <set>
#include <tuple>

#include "tests/model/release_mutation.h"

namespace farpage::release_model {
namespace {

using directory::ReleaseEffect;
using directory::ReleaseEffects;
using directory::ReleaseInput;
using directory::ReleasePage;
using directory::ReleaseState;
using directory::ReleaseStimulus;
using directory::ReleaseVerdict;

struct Place {
  ReleaseState state;
  ReleaseInput input;
  bool at_home;
  bool pinned;
  ReleaseEffect effect;
  friend bool operator<(const Place& a, const Place& b) {
    return std::tie(a.state, a.input, a.at_home, a.pinned, a.effect) <
           std::tie(b.state, b.input, b.at_home, b.pinned, b.effect);
  }
};

// All that the steps do in the variants.
std::set<Place> Places() {
  std::set<Place> places;
  const auto watch = [&](ReleasePage& page, const ReleaseStimulus& stimulus,
                         ReleaseEffects& effects) {
    const ReleaseState state = page.state;
    const ReleaseVerdict verdict = directory::StepRelease(page, stimulus, effects);
    for (const ReleaseEffect effect : effects) {
      places.insert({state, stimulus.input, stimulus.at_home, stimulus.stays, effect});
    }
    return verdict;
  };
  for (const Variant& variant : HuntingVariants()) Explore(variant, watch, Fault::kNone);
  return places;
}

}  // namespace

int RunEveryEffect() {
  const std::set<Place> places = Places();
  size_t unmissed = 0;
  for (const Place& place : places) {
    const auto drop = [&](ReleasePage& page, const ReleaseStimulus& stimulus,
                          ReleaseEffects& effects) {
      const bool here = page.state == place.state && stimulus.input == place.input &&
                        stimulus.at_home == place.at_home && stimulus.stays == place.pinned;
      ReleaseEffects all;
      const ReleaseVerdict verdict = directory::StepRelease(page, stimulus, all);
      for (const ReleaseEffect effect : all) {
        if (!here || effect != place.effect) effects.push_back(effect);
      }
      return verdict;
    };
    Exploration result;
    const char* where = "NOT MISSED";
    for (const Variant& variant : HuntingVariants()) {
      result = Explore(variant, drop, Fault::kNone);
      if (!result.finding.has_value()) continue;
      where = variant.name;
      break;
    }
    if (!result.finding.has_value()) ++unmissed;
    std::printf("%-8s %-16s %-7s %-6s without %-13s  %s\n", Name(place.state), Name(place.input),
                place.at_home ? "at home" : "", place.pinned ? "pinned" : "", Name(place.effect),
                where);
    std::fflush(stdout);
  }
  std::printf("%zu effects of steps, %zu not missed\n", places.size(), unmissed);
  return unmissed == 0 ? 0 : 1;
}

}  // namespace farpage::release_model

#include "tests/model/every_effect.h"

#include <cstdio>
#include <set>
#include <tuple>
#include <vector>

#include "tests/model/explorer.h"
#include "tests/model/mutation.h"

namespace farpage::model {
namespace {

using directory::EffectKind;
using directory::Effects;
using directory::Event;
using directory::NodeSet;
using directory::PageState;
using directory::State;
using directory::Step;
using directory::Stimulus;
using directory::Verdict;

struct Place {
  State state;
  Event event;
  EffectKind effect;
  friend bool operator<(const Place& a, const Place& b) {
    return std::tie(a.state, a.event, a.effect) < std::tie(b.state, b.event, b.effect);
  }
};

std::vector<Variant> Variants() {
  return {
      {.nodes = 2, .ahead = true},
      {.nodes = 2, .ahead = true, .failures = true},
      {.home = Home::kInPlace, .nodes = 2, .ahead = true},
      {.nodes = 3, .ahead = true},
      {.nodes = 3, .failures = true},
      {.home = Home::kInPlace, .nodes = 3},
  };
}

// Not missed: the thread that is not told tries again, and is told by the next chain.
const std::set<Place>& ToldLater() {
  static const std::set<Place>& places = *new std::set<Place>{
      {State::kWriteChain, Event::kBeatenOrphan, EffectKind::kFail},
      {State::kAwaitAcks, Event::kChainFailed, EffectKind::kFail},
      {State::kHandOver, Event::kChainFailed, EffectKind::kFail},
  };
  return places;
}

// All that the protocol does in the variants.
std::set<Place> Places() {
  std::set<Place> places;
  const auto watch = [&](PageState& page, NodeSet* need, const Stimulus& stimulus,
                         Effects& effects) {
    const State state = page.state;
    const Event event = Classify(page, need, stimulus);
    const Verdict verdict = Step(page, need, stimulus, effects);
    for (const directory::Effect& effect : effects) places.insert({state, event, effect.kind});
    return verdict;
  };
  for (const Variant& variant : Variants()) Explore(variant, watch, Fault::kNone);
  return places;
}

}  // namespace

int RunEveryEffect() {
  const std::set<Place> places = Places();
  size_t unmissed = 0;
  bool as_known = true;
  for (const Place& place : places) {
    const auto drop = [&](PageState& page, NodeSet* need, const Stimulus& stimulus,
                          Effects& effects) {
      const bool here = page.state == place.state && Classify(page, need, stimulus) == place.event;
      const Verdict verdict = Step(page, need, stimulus, effects);
      if (here) effects = Without(effects, place.effect);
      return verdict;
    };
    Exploration result;
    for (const Variant& variant : Variants()) {
      result = Explore(variant, drop, Fault::kNone);
      if (!result.finding.has_value()) continue;
      std::printf("%-11s %-30s without %-20s %u nodes: %s, after %zu steps\n", Name(place.state),
                  Name(place.event), Name(place.effect), variant.nodes,
                  Name(result.finding->property), result.trace_steps);
      break;
    }
    const bool missed = result.finding.has_value();
    as_known = as_known && missed != ToldLater().contains(place);
    if (!missed) {
      ++unmissed;
      std::printf("%-11s %-30s without %-20s NOT MISSED\n", Name(place.state), Name(place.event),
                  Name(place.effect));
    }
    std::fflush(stdout);
  }
  std::printf("%zu effects of cells, %zu not missed\n", places.size(), unmissed);
  return as_known ? 0 : 1;
}

}  // namespace farpage::model

// Release consistency with errors in it.
#include "tests/simulation/release_workload.h"

namespace farpage::simulation {
namespace {

using directory::ReleaseEffect;
using directory::ReleaseEffects;
using directory::ReleaseInput;
using directory::ReleasePage;
using directory::ReleaseState;
using directory::ReleaseStimulus;
using directory::ReleaseVerdict;

// The step without one of its effects.
template <ReleaseEffect kLeftOut>
ReleaseVerdict Without(ReleasePage& page, const ReleaseStimulus& stimulus,
                       ReleaseEffects& effects) {
  ReleaseEffects all;
  const ReleaseVerdict verdict = directory::StepRelease(page, stimulus, all);
  for (const ReleaseEffect effect : all) {
    if (effect != kLeftOut) effects.push_back(effect);
  }
  return verdict;
}

// The same only for one input.
template <ReleaseEffect kLeftOut, ReleaseInput kInput>
ReleaseVerdict WithoutOn(ReleasePage& page, const ReleaseStimulus& stimulus,
                         ReleaseEffects& effects) {
  return stimulus.input == kInput ? Without<kLeftOut>(page, stimulus, effects)
                                  : directory::StepRelease(page, stimulus, effects);
}

ReleaseVerdict ForgetOwed(ReleasePage& page, const ReleaseStimulus& stimulus,
                          ReleaseEffects& effects) {
  const ReleaseVerdict verdict = directory::StepRelease(page, stimulus, effects);
  page.owed = false;
  return verdict;
}

ReleaseVerdict ForgetStale(ReleasePage& page, const ReleaseStimulus& stimulus,
                           ReleaseEffects& effects) {
  const ReleaseVerdict verdict = directory::StepRelease(page, stimulus, effects);
  page.stale = false;
  return verdict;
}

ReleaseVerdict IgnoreNamed(ReleasePage& page, const ReleaseStimulus& stimulus,
                           ReleaseEffects& effects) {
  if (stimulus.input == ReleaseInput::kNamed) return ReleaseVerdict::kStepped;
  return directory::StepRelease(page, stimulus, effects);
}

ReleaseVerdict KeepDirtyWhenNamed(ReleasePage& page, const ReleaseStimulus& stimulus,
                                  ReleaseEffects& effects) {
  const bool dirty = page.state == ReleaseState::kDirty;
  if (stimulus.input == ReleaseInput::kNamed && dirty) return ReleaseVerdict::kStepped;
  return directory::StepRelease(page, stimulus, effects);
}

}  // namespace

const std::vector<ReleaseMutation>& ReleaseMutations() {
  using enum ReleaseEffect;
  static const std::vector<ReleaseMutation> mutations = {
      {"notice-forgotten", "a release names no pages", &Without<kNotice>},
      {"write-not-listed", "a page that is written is not looked at by the next release",
       &Without<kList>},
      {"release-unprotected", "a page stays writable after its bytes went home",
       &WithoutOn<kProtect, ReleaseInput::kRelease>},
      {"evict-unprotected", "a page is written between its diff and its end",
       &WithoutOn<kProtect, ReleaseInput::kEvict>},
      {"twin-not-refreshed", "a pinned page's twin stays as it was", &Without<kRefreshTwin>},
      {"owed-forgotten", "what an eviction sent home is never named", &ForgetOwed},
      {"stale-forgotten", "a fetch that a notice overtook is used", &ForgetStale},
      {"named-ignored", "copies stay when notices name them", &IgnoreNamed},
      {"named-dirty-ignored", "copies that were written stay when notices name them",
       &KeepDirtyWhenNamed},
  };
  return mutations;
}

}  // namespace farpage::simulation

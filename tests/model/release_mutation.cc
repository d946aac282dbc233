#include "tests/model/release_mutation.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace farpage::release_model {
namespace {

using directory::ReleaseEffect;
using directory::ReleaseEffects;
using directory::ReleaseInput;
using directory::ReleasePage;
using directory::ReleaseState;
using directory::ReleaseStimulus;
using directory::ReleaseVerdict;
using directory::StepRelease;

// The step without one of its effects.
template <ReleaseEffect kLeftOut>
ReleaseVerdict Without(ReleasePage& page, const ReleaseStimulus& stimulus,
                       ReleaseEffects& effects) {
  ReleaseEffects all;
  const ReleaseVerdict verdict = StepRelease(page, stimulus, all);
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
                                  : StepRelease(page, stimulus, effects);
}

// The same only at home.
template <ReleaseEffect kLeftOut>
ReleaseVerdict WithoutAtHome(ReleasePage& page, const ReleaseStimulus& stimulus,
                             ReleaseEffects& effects) {
  return stimulus.at_home ? Without<kLeftOut>(page, stimulus, effects)
                          : StepRelease(page, stimulus, effects);
}

// For one input, the page is protected only after its bytes have been compared.
template <ReleaseInput kInput>
ReleaseVerdict ProtectLate(ReleasePage& page, const ReleaseStimulus& stimulus,
                           ReleaseEffects& effects) {
  if (stimulus.input != kInput) return StepRelease(page, stimulus, effects);
  ReleaseEffects all;
  const ReleaseVerdict verdict = StepRelease(page, stimulus, all);
  for (const ReleaseEffect effect : all) {
    if (effect == ReleaseEffect::kProtect && all.contains(ReleaseEffect::kSendDiff)) continue;
    effects.push_back(effect);
    if (effect == ReleaseEffect::kSendDiff && all.contains(ReleaseEffect::kProtect)) {
      effects.push_back(ReleaseEffect::kProtect);
    }
  }
  return verdict;
}

ReleaseVerdict ForgetOwed(ReleasePage& page, const ReleaseStimulus& stimulus,
                          ReleaseEffects& effects) {
  const ReleaseVerdict verdict = StepRelease(page, stimulus, effects);
  page.owed = false;
  return verdict;
}

ReleaseVerdict ForgetStale(ReleasePage& page, const ReleaseStimulus& stimulus,
                           ReleaseEffects& effects) {
  const ReleaseVerdict verdict = StepRelease(page, stimulus, effects);
  page.stale = false;
  return verdict;
}

ReleaseVerdict IgnoreNamed(ReleasePage& page, const ReleaseStimulus& stimulus,
                           ReleaseEffects& effects) {
  if (stimulus.input == ReleaseInput::kNamed) return ReleaseVerdict::kStepped;
  return StepRelease(page, stimulus, effects);
}

ReleaseVerdict KeepDirtyWhenNamed(ReleasePage& page, const ReleaseStimulus& stimulus,
                                  ReleaseEffects& effects) {
  const bool dirty = page.state == ReleaseState::kDirty;
  if (stimulus.input == ReleaseInput::kNamed && dirty) return ReleaseVerdict::kStepped;
  return StepRelease(page, stimulus, effects);
}

// A second eviction before the next release finds the page listed, and lists it again.
ReleaseVerdict ForgetListed(ReleasePage& page, const ReleaseStimulus& stimulus,
                            ReleaseEffects& effects) {
  const ReleaseVerdict verdict = StepRelease(page, stimulus, effects);
  if (page.state == ReleaseState::kInvalid) page.listed = false;
  return verdict;
}

// A pinned page that was released is taken for one that was not written.
ReleaseVerdict ReleasePinned(ReleasePage& page, const ReleaseStimulus& stimulus,
                             ReleaseEffects& effects) {
  if (stimulus.input != ReleaseInput::kRelease || !stimulus.stays) {
    return StepRelease(page, stimulus, effects);
  }
  ReleaseStimulus unpinned = stimulus;
  unpinned.stays = false;
  return Without<ReleaseEffect::kProtect>(page, unpinned, effects);
}

// Numbers of HuntingVariants().
constexpr size_t kServed = 1;
constexpr size_t kPins = 2;
constexpr size_t kFine = 4;
constexpr size_t kThree = 5;

// Of the first in the table.
constexpr size_t kForNodes = 9;

constexpr auto kAll = std::to_array<Mutation>({
    // Steps that running nodes survive.
    {"notice-forgotten", "a release names no pages", &Without<ReleaseEffect::kNotice>},
    {"write-not-listed", "a page that is written is not looked at by the next release",
     &Without<ReleaseEffect::kList>},
    {"release-unprotected", "a page stays writable after its bytes went home",
     &WithoutOn<ReleaseEffect::kProtect, ReleaseInput::kRelease>},
    {"evict-unprotected", "a page is written between its diff and its end",
     &WithoutOn<ReleaseEffect::kProtect, ReleaseInput::kEvict>},
    {"twin-not-refreshed", "a pinned page's twin stays as it was",
     &Without<ReleaseEffect::kRefreshTwin>, Fault::kNone, kPins},
    {"owed-forgotten", "what an eviction sent home is never named", &ForgetOwed, Fault::kNone,
     kServed},
    {"stale-forgotten", "a fetch that a notice overtook is used", &ForgetStale, Fault::kNone,
     kServed},
    {"named-ignored", "copies stay when notices name them", &IgnoreNamed},
    {"named-dirty-ignored", "copies that were written stay when notices name them",
     &KeepDirtyWhenNamed},
    // Other steps.
    {"named-unprotected", "a page is written between its diff and its end, named by a notice",
     &WithoutOn<ReleaseEffect::kProtect, ReleaseInput::kNamed>},
    {"release-protect-late", "a release compares a page before it protects it",
     &ProtectLate<ReleaseInput::kRelease>},
    {"evict-without-diff", "a page that was written is evicted without its diff",
     &WithoutOn<ReleaseEffect::kSendDiff, ReleaseInput::kEvict>},
    {"named-without-diff", "a page that was written is dropped for a notice without its diff",
     &WithoutOn<ReleaseEffect::kSendDiff, ReleaseInput::kNamed>},
    {"release-without-diff", "a release sends nothing home",
     &WithoutOn<ReleaseEffect::kSendDiff, ReleaseInput::kRelease>},
    {"twin-not-kept", "a write keeps no twin", &Without<ReleaseEffect::kKeepTwin>},
    {"twin-not-dropped", "a twin outlives its page", &Without<ReleaseEffect::kDropTwin>},
    {"home-write-untold", "the home does not list what it writes to its own pages",
     &WithoutAtHome<ReleaseEffect::kList>},
    {"home-unprotected", "the home's page stays writable after a release",
     &WithoutAtHome<ReleaseEffect::kProtect>},
    {"listed-forgotten", "a page that went is listed a second time", &ForgetListed},
    {"pinned-as-unpinned", "a release treats a pinned page like any other", &ReleasePinned,
     Fault::kNone, kPins},

    // What surrounds them.
    {"no-fence", "notices are appended before the diffs have arrived", &StepRelease,
     Fault::kNoFence, kServed},
    {"evictions-unfenced", "a release that sends nothing does not await what evictions sent",
     &StepRelease, Fault::kFenceOnlyWritten, kServed},
    {"reserved-late", "the log tells too late that entries are overwritten", &StepRelease,
     Fault::kReservedLate, kFine},
    {"reserved-first", "a reader looks for an overrun before it reads the entries", &StepRelease,
     Fault::kReservedFirst, kFine},
    {"overrun-ignored", "a reader does not notice that the log was overrun", &StepRelease,
     Fault::kOverrunIgnored},
    {"overrun-by-one", "a reader takes one overwritten entry for good", &StepRelease,
     Fault::kOverrunByOne},
    {"overrun-drops-named", "after an overrun only pages that are known are dropped", &StepRelease,
     Fault::kOverrunDropsNamed},
    {"one-notice-missed", "an acquire skips the first new entry", &StepRelease,
     Fault::kOneNoticeMissed},
    {"seen-without-drop", "notices are taken note of and nothing is dropped", &StepRelease,
     Fault::kSeenWithoutDrop},
    {"seen-to-end", "an acquire takes note of more of a log than it has read", &StepRelease,
     Fault::kSeenToEnd},
    {"free-clock-not-read", "a free lock is taken without its clock", &StepRelease,
     Fault::kFreeClockNotRead},
    {"handed-without-clock", "a lock is handed over without the clock", &StepRelease,
     Fault::kHandedWithoutClock},
    {"freed-without-clock", "a lock is freed without the clock", &StepRelease,
     Fault::kFreedWithoutClock},
    {"clock-before-notices", "a release's clock does not count its own notices", &StepRelease,
     Fault::kClockBeforeNotices},
    {"clock-of-own-only", "a release's clock knows of no other node", &StepRelease,
     Fault::kClockOfOwnOnly, kThree},
    {"unlock-before-release", "a lock is freed while the diffs are on their way", &StepRelease,
     Fault::kUnlockBeforeRelease, kServed},
    {"barrier-forgets-one", "a barrier does not pass on the length of one node's log", &StepRelease,
     Fault::kBarrierForgetsOne},
    {"barrier-no-acquire", "a barrier does not pass on the length of any log", &StepRelease,
     Fault::kBarrierNoAcquire},
    {"whole-page", "a diff has all bytes of the page", &StepRelease, Fault::kWholePage},
    {"whole-words", "a diff has all bytes of the words that were changed", &StepRelease,
     Fault::kWholeWords},
    {"fetch-overtakes", "a fetch executes before diffs posted earlier", &StepRelease,
     Fault::kFetchOvertakes, kServed},
    {"twin-of-frame", "a twin is a second look at the home's frame", &StepRelease,
     Fault::kTwinOfFrame},
    {"owed-untold", "a release that sends nothing of a page forgets what an eviction sent",
     &StepRelease, Fault::kEmptyDiffUntold, kServed},
});

}  // namespace

std::span<const Mutation> Mutations() { return kAll; }
std::span<const Mutation> StepMutations() { return std::span(kAll).first<kForNodes>(); }

const Mutation& FindMutation(const char* name) {
  for (const Mutation& mutation : kAll) {
    if (std::strcmp(mutation.name, name) == 0) return mutation;
  }
  std::fprintf(stderr, "no mutation is called %s\n", name);
  std::exit(2);
}

Catch Hunt(const Mutation& mutation) {
  Catch caught;
  const std::vector<Variant> variants = HuntingVariants();
  for (size_t at = mutation.from; at < variants.size(); ++at) {
    caught = {variants[at], Explore(variants[at], mutation.step, mutation.fault)};
    if (caught.result.finding.has_value()) break;
  }
  return caught;
}

}  // namespace farpage::release_model

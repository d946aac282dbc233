#include "tests/model/mutation.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace farpage::model {

using directory::Effect;
using directory::EffectKind;
using directory::Effects;
using directory::Input;
using directory::NodeSet;
using directory::PageState;
using directory::State;
using directory::Step;
using directory::Stimulus;
using directory::Verdict;

Effects Without(const Effects& effects, EffectKind kind) {
  Effects rest;
  for (const Effect& effect : effects) {
    if (effect.kind != kind) rest.push_back(effect);
  }
  return rest;
}

Effects Behind(const Effects& effects, EffectKind moved, EffectKind other) {
  size_t from = effects.size();
  size_t to = effects.size();
  for (size_t index = 0; index < effects.size(); ++index) {
    if (effects[index].kind == moved && from == effects.size()) from = index;
    if (effects[index].kind == other) to = index;
  }
  if (from == effects.size() || to == effects.size() || from > to) return effects;
  Effects reordered;
  for (size_t index = 0; index < effects.size(); ++index) {
    if (index != from) reordered.push_back(effects[index]);
    if (index == to) reordered.push_back(effects[from]);
  }
  return reordered;
}

Exploration Hunt(const Mutation& mutation, uint32_t* nodes) {
  Exploration result;
  Variant variant = mutation.variant;
  for (variant.nodes = 2; variant.nodes <= 3; ++variant.nodes) {
    if (nodes != nullptr) *nodes = variant.nodes;
    result = Explore(variant, mutation.step, mutation.fault);
    if (result.finding.has_value()) break;
  }
  return result;
}

namespace {

using enum EffectKind;

const Variant kPlain{.name = "passive home"};
const Variant kInPlace{.name = "home in place", .home = Home::kInPlace};
const Variant kAhead{.name = "nobody waits", .ahead = true};
const Variant kDirectFailing{
    .name = "failures, direct", .home = Home::kInPlace, .failures = true, .direct = true};
const Variant kFailing{.name = "failures", .failures = true};

// Step() whose effects are changed afterwards, in a certain state and for a certain input.
template <typename Change>
StepFunction After(State in, Input on, Change change) {
  return [=](PageState& page, NodeSet* need, const Stimulus& stimulus, Effects& effects) {
    const bool concerned = page.state == in && stimulus.input == on;
    const Verdict verdict = Step(page, need, stimulus, effects);
    if (concerned && verdict == Verdict::kStepped) change(page, stimulus, effects);
    return verdict;
  };
}

StepFunction Drop(State in, Input on, EffectKind kind) {
  return After(in, on, [=](PageState&, const Stimulus&, Effects& effects) {
    effects = Without(effects, kind);
  });
}

StepFunction Reorder(State in, Input on, EffectKind moved, EffectKind other) {
  return After(in, on, [=](PageState&, const Stimulus&, Effects& effects) {
    effects = Behind(effects, moved, other);
  });
}

// An input that has no effect in a state.
StepFunction Ignore(State in, Input on) {
  return [=](PageState& page, NodeSet* need, const Stimulus& stimulus, Effects& effects) {
    if (page.state == in && stimulus.input == on) return Verdict::kIgnored;
    return Step(page, need, stimulus, effects);
  };
}

StepFunction DropEverywhere(EffectKind kind) {
  return [=](PageState& page, NodeSet* need, const Stimulus& stimulus, Effects& effects) {
    const Verdict verdict = Step(page, need, stimulus, effects);
    effects = Without(effects, kind);
    return verdict;
  };
}

Verdict PoisonIgnored(PageState& page, NodeSet* need, const Stimulus& stimulus, Effects& effects) {
  page.poisoned = false;
  return Step(page, need, stimulus, effects);
}

Verdict StaleUpgrade(PageState& page, NodeSet* need, const Stimulus& stimulus, Effects& effects) {
  if (stimulus.input == Input::kWriteResult) page.page_here = true;
  return Step(page, need, stimulus, effects);
}

Verdict SharerGrants(PageState& page, NodeSet* need, const Stimulus& stimulus, Effects& effects) {
  if (page.state == State::kShared && stimulus.input == Input::kFetchShared) {
    effects.push_back({kSendGrantShared, stimulus.from});
    return Verdict::kStepped;
  }
  return Step(page, need, stimulus, effects);
}

Verdict AckInChain(PageState& page, NodeSet* need, const Stimulus& stimulus, Effects& effects) {
  if (page.state == State::kReadChain && stimulus.input == Input::kInvalidate) {
    effects.push_back({kSendAck, stimulus.from});
    return Verdict::kStepped;
  }
  return Step(page, need, stimulus, effects);
}

Verdict RestartUnanswered(PageState& page, NodeSet* need, const Stimulus& stimulus,
                          Effects& effects) {
  const Verdict verdict = Step(page, need, stimulus, effects);
  if (page.state == State::kReadFetch && page.poisoned) {
    page.state = State::kReadChain;
    page.poisoned = false;
    page.partner = NodeId::None();
    effects.push_back({kPostReadChainBitOn, {}});
  }
  return verdict;
}

Verdict SharersIgnored(PageState& page, NodeSet* need, const Stimulus& stimulus, Effects& effects) {
  Stimulus blind = stimulus;
  blind.sharers = nullptr;
  return Step(page, need, blind, effects);
}

Verdict OneAckIsEnough(PageState& page, NodeSet* need, const Stimulus& stimulus, Effects& effects) {
  if (page.state == State::kAwaitAcks && stimulus.input == Input::kAck) {
    need->clear();
    need->insert(stimulus.from);
  }
  return Step(page, need, stimulus, effects);
}

Verdict HolderIgnored(PageState& page, NodeSet* need, const Stimulus& stimulus, Effects& effects) {
  Stimulus blind = stimulus;
  if (stimulus.input == Input::kReadResult) blind.holder = NodeId::None();
  return Step(page, need, blind, effects);
}

Verdict LostSwapIgnored(PageState& page, NodeSet* need, const Stimulus& stimulus,
                        Effects& effects) {
  Stimulus blind = stimulus;
  if (stimulus.input == Input::kWriteResult) blind.holder = NodeId::None();
  return Step(page, need, blind, effects);
}

Verdict CopyKeptInUpgrade(PageState& page, NodeSet* need, const Stimulus& stimulus,
                          Effects& effects) {
  const bool mapped = page.mapped;
  const bool concerned = page.state == State::kWriteChain && stimulus.input == Input::kInvalidate;
  const Verdict verdict = Step(page, need, stimulus, effects);
  if (concerned) {
    page.mapped = mapped;
    effects = Without(effects, kZap);
  }
  return verdict;
}

Verdict BitAddedTwice(PageState& page, NodeSet* need, const Stimulus& stimulus, Effects& effects) {
  const Verdict verdict = Step(page, need, stimulus, effects);
  Effects changed;
  for (Effect effect : effects) {
    if (effect.kind == kPostReadChainBitOn) effect.kind = kPostReadChain;
    changed.push_back(effect);
  }
  effects = changed;
  return verdict;
}

Verdict WriterClearsBits(PageState& page, NodeSet* need, const Stimulus& stimulus,
                         Effects& effects) {
  const Verdict verdict = Step(page, need, stimulus, effects);
  if (stimulus.input == Input::kWriteResult && page.state == State::kAwaitAcks) {
    need->ForEach([&](NodeId sharer) { effects.push_back({kClearBit, sharer}); });
  }
  return verdict;
}

void ClearBitAgain(PageState&, const Stimulus&, Effects& effects) {
  effects.push_back({kClearBit, {}});
}

// What a downgrade that forgets its own bit altogether would do.
void ForgetBit(PageState& page, const Stimulus&, Effects& effects) {
  page.own_bit = false;
  effects = Without(effects, kSetBit);
}

void ReleaseInstead(PageState&, const Stimulus&, Effects& effects) {
  Effects changed;
  for (const Effect& effect : effects) {
    changed.push_back(effect);
    if (effect.kind == kTransferHolder) changed.push_back({kReleaseHolder, {}});
  }
  effects = changed;
}

std::vector<Mutation> MakeMutations() {
  using enum State;
  using I = Input;
  const StepFunction step = &Step;
  return {
      // The rules, one after the other.
      {"hand-over-at-once", "R1: GRANT_EXCLUSIVE before the atomics have executed", step,
       Fault::kHandOverAtOnce, kPlain},
      {"invalid-is-silent", "R2: INVALIDATE is not answered in Invalid",
       Ignore(kInvalid, I::kInvalidate), Fault::kNone, kPlain},
      {"bit-subtracted-twice", "R2: INVALIDATE in Invalid subtracts the bit again",
       After(kInvalid, I::kInvalidate, ClearBitAgain), Fault::kNone, kPlain},
      {"grant-overtakes-page", "R3: messages to the home overtake WRITEs to its frame", step,
       Fault::kMessagesOvertake, kInPlace},
      {"bit-added-twice", "R4: a retry adds a bit that is on", &BitAddedTwice, Fault::kNone,
       kPlain},
      {"page-on-other-queue", "R4: WRITE page is not ordered with the atomics behind it", step,
       Fault::kPagesOnOtherQueue, kPlain},
      {"stale-upgrade", "R5: a won upgrade trusts the copy that it lost", &StaleUpgrade,
       Fault::kNone, kPlain},
      {"poison-ignored", "R6: a GRANT_SHARED that was overtaken by an INVALIDATE is used",
       &PoisonIgnored, Fault::kNone, kPlain},
      {"restart-unanswered", "R6: a poisoned FETCH starts again before it is answered",
       &RestartUnanswered, Fault::kNone, kPlain},
      {"sharer-grants", "R7: a sharer answers FETCH_SHARED with its copy", &SharerGrants,
       Fault::kNone, kPlain},
      {"ack-in-chain", "R8: INVALIDATE is answered while the read chain is in flight", &AckInChain,
       Fault::kNone, kPlain},
      {"never-nack", "R9: who is not the holder does not answer a FETCH", DropEverywhere(kSendNack),
       Fault::kNone, kPlain},

      // Order of what a step does.
      {"ack-before-zap", "INVALIDATE is answered before the copy is unmapped",
       Reorder(kShared, I::kInvalidate, kZap, kSendAck), Fault::kNone, kPlain},
      {"protect-last", "a downgrade protects the page last",
       Reorder(kExclusive, I::kFetchShared, kWriteProtect, kSendGrantShared), Fault::kNone, kPlain},
      {"downgrade-page-last", "downgrade: GRANT_SHARED before the page goes home",
       Reorder(kExclusive, I::kFetchShared, kWriteBack, kSendGrantShared), Fault::kNone, kInPlace},
      {"evict-word-first", "eviction: the word before the page",
       Reorder(kExclusive, I::kEvict, kWriteBack, kReleaseHolder), Fault::kNone, kPlain},
      {"downgrade-word-first", "downgrade: the word before the page",
       Reorder(kExclusive, I::kFetchShared, kWriteBack, kReleaseHolder), Fault::kNone, kPlain},
      {"downgrade-holder-first", "downgrade: the holder word before the own bit",
       Reorder(kExclusive, I::kFetchShared, kSetBit, kReleaseHolder), Fault::kNone, kPlain},
      {"page-before-bit", "read chain: page before bit and holder word", step,
       Fault::kPageBeforeBit, kPlain},
      {"page-before-swap", "write chain: page before compare-and-swap", step,
       Fault::kPageBeforeSwap, kPlain},
      {"bits-before-swap", "write chain: sharer bits before compare-and-swap", step,
       Fault::kBitsBeforeSwap, kPlain},

      // Something is left out.
      {"sharers-ignored", "the writer does not look at the sharer bits", &SharersIgnored,
       Fault::kNone, kPlain},
      {"one-ack-is-enough", "the writer writes after the first ACK", &OneAckIsEnough, Fault::kNone,
       kPlain},
      {"invalidates-not-sent", "the writer waits for ACKs of nodes it did not ask",
       DropEverywhere(kSendInvalidates), Fault::kNone, kPlain},
      {"holder-ignored", "the reader does not look at the holder word", &HolderIgnored,
       Fault::kNone, kPlain},
      {"lost-swap-ignored", "the writer does not look at what its CAS found", &LostSwapIgnored,
       Fault::kNone, kPlain},
      {"downgrade-without-page", "downgrade: the page does not go home",
       Drop(kExclusive, I::kFetchShared, kWriteBack), Fault::kNone, kPlain},
      {"evict-without-page", "eviction: the page does not go home",
       Drop(kExclusive, I::kEvict, kWriteBack), Fault::kNone, kPlain},
      {"hand-over-without-page", "hand-over: the page is not captured",
       Drop(kExclusive, I::kFetchExclusive, kCapture), Fault::kNone, kPlain},
      {"downgrade-unprotected", "downgrade: the copy stays writable",
       Drop(kExclusive, I::kFetchShared, kWriteProtect), Fault::kNone, kPlain},
      {"hand-over-keeps-copy", "hand-over: the copy stays mapped",
       Drop(kExclusive, I::kFetchExclusive, kZap), Fault::kNone, kPlain},
      {"upgrade-keeps-copy", "INVALIDATE during an upgrade leaves the copy", &CopyKeptInUpgrade,
       Fault::kNone, kPlain},
      {"downgrade-forgets-bit", "downgrade: the own bit is never set",
       After(kExclusive, I::kFetchShared, ForgetBit), Fault::kNone, kPlain},
      {"invalidate-keeps-bit", "INVALIDATE: the own bit is only believed to be cleared",
       Drop(kShared, I::kInvalidate, kClearBit), Fault::kNone, kPlain},
      {"evict-keeps-bit", "eviction: the own bit is only believed to be cleared",
       Drop(kShared, I::kEvict, kClearBit), Fault::kNone, kPlain},
      {"owed-ack-unpaid", "the ACK owed during a hold is never sent",
       Drop(kExpiring, I::kHoldOver, kSendAck), Fault::kNone, kPlain},
      {"upgrade-forgets-ack", "a write during the hold forgets the ACK that is owed",
       Drop(kExpiring, I::kWrite, kSendAck), Fault::kNone, kPlain},
      {"fetch-forgets-ack", "a fetch that finds a holder forgets the ACK that is owed",
       Drop(kReadChain, I::kReadResult, kSendAck), Fault::kNone, kPlain},
      {"hold-forgotten", "the end of a hold never comes", step, Fault::kHoldForgotten, kPlain},
      {"deferred-forgotten", "deferred requests are not served", step, Fault::kDeferredForgotten,
       kPlain},
      {"deferred-any-order", "a request is served before those that were deferred", step,
       Fault::kDeferredAnyOrder, kPlain},

      // Somebody else's words.
      {"writer-clears-bits", "the writer clears the sharers' bits itself", &WriterClearsBits,
       Fault::kNone, kPlain},
      {"release-after-transfer", "the old holder releases the word after passing it on",
       After(kExclusive, I::kFetchExclusive, ReleaseInstead), Fault::kNone, kPlain},
      {"frame-not-filled", "a home in place does not copy a granted page into its frame", step,
       Fault::kFrameNotFilled, kInPlace},

      // Pages that nobody waits for any more.
      {"give-up-keeps-holder", "who gives up after its CAS won stays in the holder word",
       Drop(kWriteChain, I::kWriteResult, kReleaseHolder), Fault::kNone, kAhead},
      {"give-up-forgets-deferred", "who gives up forgets what it deferred",
       Drop(kWriteChain, I::kWriteResult, kServeDeferred), Fault::kNone, kAhead},

      // Failures.
      {"failure-not-reported", "threads are not told that the page died with its holder",
       Drop(kWriteChain, I::kWriteResult, kFail), Fault::kNone, kFailing},
      {"dead-not-told", "nobody is told of a death", step, Fault::kDeadNotTold, kFailing},
      {"dead-sharer-awaited", "the ACK of a dead sharer is awaited",
       Ignore(kAwaitAcks, I::kPeerFailed), Fault::kNone, kFailing},
      {"dead-holder-awaited", "the answer of a dead holder is awaited",
       Ignore(kWriteFetch, I::kPeerFailed), Fault::kNone, kFailing},
      {"orphan-kept", "who inherits the word without the page keeps it",
       Drop(kWriteChain, I::kWriteResult, kReturnHolder), Fault::kNone, kFailing},
      {"orphan-frees-word", "who inherits the word without the page frees it",
       After(kWriteChain, I::kWriteResult,
             [](PageState&, const Stimulus&, Effects& effects) {
               Effects changed;
               for (Effect effect : effects) {
                 if (effect.kind == kReturnHolder) effect.kind = kReleaseHolder;
                 changed.push_back(effect);
               }
               effects = changed;
             }),
       Fault::kNone, kFailing},
      {"grant-unwritten", "GRANT_SHARED of a page that a dead home could not take", step,
       Fault::kGrantUnwritten, kDirectFailing},
      {"failed-chain-forgets-deferred", "who cannot reach the home forgets what it deferred",
       Drop(kWriteChain, I::kChainFailed, kServeDeferred), Fault::kNone, kFailing},
      {"failed-hand-over-silent", "a hand-over that the home's death ends is not refused",
       Drop(kHandOver, I::kChainFailed, kSendNack), Fault::kNone, kFailing},
  };
}

}  // namespace

std::span<const Mutation> Mutations() {
  static const std::vector<Mutation>& mutations = *new std::vector<Mutation>(MakeMutations());
  return mutations;
}

const Mutation& FindMutation(const char* name) {
  for (const Mutation& mutation : Mutations()) {
    if (std::strcmp(mutation.name, name) == 0) return mutation;
  }
  std::fprintf(stderr, "there is no mutation '%s'\n", name);
  std::abort();
}

}  // namespace farpage::model

// The rules R1 … R9 of docs/protocol.md. Each has a check of what single steps do, which holds for
// the protocol and fails for the protocol without the rule, and a visit of all states of a small
// cluster, which finds no error with the rule and finds one without.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "directory/protocol.h"
#include "tests/model/explorer.h"
#include "tests/model/mutation.h"

namespace farpage::directory {
namespace {

using model::StepFunction;
using enum EffectKind;

const NodeId kOther(1);
const NodeId kThird(2);

// One page at one node that takes its steps with `step`.
class Page {
 public:
  explicit Page(StepFunction step) : step_(std::move(step)) {}

  Page& Feed(const Stimulus& stimulus) {
    effects_ = Effects();
    verdict_ = step_(state_, &need_, stimulus, effects_);
    return *this;
  }
  Page& Feed(Input input, NodeId from = {}) { return Feed({.input = input, .from = from}); }
  Page& Shared() { return Feed(Input::kRead).Feed(Input::kReadResult); }
  Page& Exclusive() { return Feed(Input::kWrite).Feed(Input::kWriteResult); }
  Page& ReadFetch(NodeId holder) {
    return Feed(Input::kRead).Feed({.input = Input::kReadResult, .holder = holder});
  }

  // Position among the effects of the last step, or −1.
  int Place(EffectKind kind) const {
    for (size_t index = 0; index < effects_.size(); ++index) {
      if (effects_[index].kind == kind) return static_cast<int>(index);
    }
    return -1;
  }
  bool Did(EffectKind kind) const { return Place(kind) >= 0; }
  bool Is(State state) const { return state_.state == state; }

 private:
  StepFunction step_;
  PageState state_;
  NodeSet need_;
  Effects effects_;
  Verdict verdict_ = Verdict::kIgnored;
};

// R1: GRANT_EXCLUSIVE only when the hand-over's atomics have executed.
bool HandOverWaits(const StepFunction& step) {
  Page page(step);
  page.Exclusive().Feed(Input::kFetchExclusive, kOther);
  const bool waits = page.Did(kTransferHolder) && !page.Did(kSendGrantExclusive);
  return waits && page.Feed(Input::kHandedOver).Did(kSendGrantExclusive);
}

// R2: an INVALIDATE that finds nothing is answered, and no bit is subtracted again.
bool NothingIsInvalidatedOnce(const StepFunction& step) {
  Page page(step);
  page.Shared().Feed(Input::kEvict).Feed(Input::kInvalidate, kOther);
  return page.Did(kSendAck) && !page.Did(kClearBit);
}

// R3: the page is on its way home before the GRANT_SHARED that relies on it.
bool PageGoesBeforeGrant(const StepFunction& step) {
  Page page(step);
  page.Exclusive().Feed(Input::kFetchShared, kOther);
  return page.Did(kWriteBack) && page.Place(kWriteBack) < page.Place(kSendGrantShared);
}

// R4: a bit that is on is not added again.
bool BitIsAddedOnce(const StepFunction& step) {
  Page page(step);
  page.ReadFetch(kOther);
  return page.Feed(Input::kNack, kOther).Did(kPostReadChainBitOn);
}

// R5: an upgrade that lost its copy reads the page when its CAS has won.
bool LostCopyIsReadAgain(const StepFunction& step) {
  Page page(step);
  page.Shared().Feed(Input::kWrite).Feed(Input::kInvalidate, kOther);
  return page.Feed(Input::kWriteResult).Did(kPostPageRead);
}

// R6: a GRANT_SHARED that an INVALIDATE of another node overtook is not used.
bool PoisonedGrantIsRefused(const StepFunction& step) {
  Page poisoned(step);
  poisoned.ReadFetch(kOther).Feed(Input::kInvalidate, kThird);
  const bool waits = poisoned.Did(kSendAck) && poisoned.Is(State::kReadFetch);
  poisoned.Feed(Input::kGrantShared, kOther);
  Page newer(step);  // an INVALIDATE of the granting node came before its GRANT, which is newer
  newer.ReadFetch(kOther).Feed(Input::kInvalidate, kOther).Feed(Input::kGrantShared, kOther);
  return waits && !poisoned.Did(kInstallReadOnly) && newer.Did(kInstallReadOnly);
}

// R7: a sharer has no data to give.
bool SharerRefuses(const StepFunction& step) {
  Page page(step);
  page.Shared().Feed(Input::kFetchShared, kOther);
  return page.Did(kSendNack) && !page.Did(kSendGrantShared);
}

// R8: an INVALIDATE that meets the read chain is answered after the chain's result: at once if the
// page is with a holder, else after one access.
bool AckIsOwed(const StepFunction& step) {
  Page page(step);
  page.Feed(Input::kRead).Feed(Input::kInvalidate, kOther);
  const bool owes = !page.Did(kSendAck);
  page.Feed(Input::kReadResult);
  const bool allows_access = page.Did(kInstallReadOnly) && !page.Did(kSendAck);
  const bool pays = page.Feed(Input::kHoldOver).Did(kSendAck);
  Page held(step);
  held.Feed(Input::kRead).Feed(Input::kInvalidate, kOther);
  held.Feed({.input = Input::kReadResult, .holder = kThird});
  return owes && allows_access && pays && held.Did(kSendAck) &&
         held.Place(kSendAck) < held.Place(kSendFetchShared);
}

// R9: every FETCH is answered or remembered, in every state.
bool EveryFetchIsAnswered(const StepFunction& step) {
  for (Input fetch : {Input::kFetchShared, Input::kFetchExclusive}) {
    for (bool can_defer : {true, false}) {
      std::vector<Page> pages(8, Page(step));
      pages[1].Feed(Input::kRead);
      pages[2].ReadFetch(kThird);
      pages[3].Feed(Input::kWrite);
      pages[4].Feed(Input::kWrite).Feed({.input = Input::kWriteResult, .holder = kThird});
      pages[5].Shared();
      pages[6].Shared().Feed({.input = Input::kInvalidate, .from = kThird, .held = true});
      pages[7].Exclusive().Feed(Input::kFetchExclusive, kThird);
      for (Page& page : pages) {
        page.Feed({.input = fetch, .from = kOther, .can_defer = can_defer});
        if (!page.Did(kSendNack) && !page.Did(kDefer)) return false;
        if (page.Did(kDefer) && !can_defer) return false;
      }
    }
  }
  return true;
}

struct Rule {
  const char* name;
  bool (*holds)(const StepFunction& step);
  StepFunction without;                // Step() without the rule, as far as it concerns Step()
  std::vector<const char*> mutations;  // the rule's violations that the explorer must find
};

StepFunction GrantAtOnce() {
  return [](PageState& page, NodeSet* need, const Stimulus& stimulus, Effects& effects) {
    const bool holds = page.state == State::kExclusive;
    const Verdict verdict = Step(page, need, stimulus, effects);
    if (holds && page.state == State::kHandOver) {
      effects.push_back({kSendGrantExclusive, stimulus.from});
    }
    return verdict;
  };
}

StepFunction Mutant(const char* name) { return model::FindMutation(name).step; }

std::vector<Rule> Rules() {
  return {
      {"R1", HandOverWaits, GrantAtOnce(), {"hand-over-at-once"}},
      {"R2",
       NothingIsInvalidatedOnce,
       Mutant("bit-subtracted-twice"),
       {"invalid-is-silent", "bit-subtracted-twice"}},
      {"R3",
       PageGoesBeforeGrant,
       Mutant("downgrade-page-last"),
       {"grant-overtakes-page", "downgrade-page-last", "frame-not-filled"}},
      {"R4", BitIsAddedOnce, Mutant("bit-added-twice"), {"bit-added-twice", "page-on-other-queue"}},
      {"R5", LostCopyIsReadAgain, Mutant("stale-upgrade"), {"stale-upgrade"}},
      {"R6",
       PoisonedGrantIsRefused,
       Mutant("poison-ignored"),
       {"poison-ignored", "restart-unanswered"}},
      {"R7", SharerRefuses, Mutant("sharer-grants"), {"sharer-grants"}},
      {"R8", AckIsOwed, Mutant("ack-in-chain"), {"ack-in-chain", "owed-ack-unpaid"}},
      {"R9", EveryFetchIsAnswered, Mutant("never-nack"), {"never-nack"}},
  };
}

class RulesTest : public testing::TestWithParam<size_t> {
 protected:
  const Rule rule_ = Rules()[GetParam()];
};

TEST_P(RulesTest, HoldsForSingleSteps) {
  EXPECT_TRUE(rule_.holds(&Step));
  EXPECT_FALSE(rule_.holds(rule_.without)) << "the check does not see that the rule is gone";
}

TEST_P(RulesTest, IsNeeded) {
  for (const char* name : rule_.mutations) {
    const model::Mutation& mutation = model::FindMutation(name);
    model::Variant right = mutation.variant;
    right.nodes = 2;  // more are visited by model_check
    EXPECT_FALSE(model::Explore(right, &Step, model::Fault::kNone).finding.has_value());
    EXPECT_TRUE(model::Hunt(mutation).finding.has_value()) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(All, RulesTest, testing::Range(size_t{0}, Rules().size()),
                         [](const auto& instance) {
                           return std::string(Rules()[instance.param].name);
                         });

}  // namespace
}  // namespace farpage::directory

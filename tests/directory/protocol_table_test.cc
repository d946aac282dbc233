// The table as a whole: every combination of a page's state and a stimulus.
#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "directory/protocol.h"

namespace farpage::directory {
namespace {

constexpr size_t kEffectKinds = static_cast<size_t>(EffectKind::kFail) + 1;

std::vector<PageState> AllPages() {
  std::vector<PageState> pages;
  for (size_t state = 0; state < kStates; ++state) {
    for (unsigned flags = 0; flags < 16; ++flags) {
      for (NodeId partner : {NodeId::None(), NodeId(1), NodeId(2)}) {
        PageState page;
        page.state = static_cast<State>(state);
        page.own_bit = (flags & 1) != 0;
        page.poisoned = (flags & 2) != 0;
        page.mapped = (flags & 4) != 0;
        page.page_here = (flags & 8) != 0;
        page.partner = partner;
        pages.push_back(page);
      }
    }
  }
  return pages;
}

std::vector<Stimulus> AllStimuli(const NodeSet* sharers) {
  std::vector<Stimulus> stimuli;
  for (size_t input = 0; input < kInputs; ++input) {
    for (unsigned flags = 0; flags < 128; ++flags) {
      Stimulus stimulus;
      stimulus.input = static_cast<Input>(input);
      stimulus.from = NodeId((flags & 1) != 0 ? 2 : 1);
      stimulus.holder = (flags & 2) != 0 ? NodeId(1) : NodeId::None();
      stimulus.holder_failed = (flags & 4) != 0;
      stimulus.holder_self = (flags & 8) != 0;
      stimulus.held = (flags & 16) != 0;
      stimulus.can_defer = (flags & 32) != 0;
      stimulus.ahead = (flags & 64) != 0;
      stimulus.sharers = sharers;
      stimuli.push_back(stimulus);
    }
  }
  return stimuli;
}

NodeSet SetOf(std::initializer_list<uint32_t> nodes) {
  NodeSet set;
  for (uint32_t node : nodes) set.insert(NodeId(node));
  return set;
}

// Calls visit(page, need, stimulus) for all combinations, those included that cannot occur.
template <typename Visit>
void ForAll(Visit visit) {
  const NodeSet none;
  const NodeSet two = SetOf({1, 2});
  for (const NodeSet* sharers : {&none, &two}) {
    const std::vector<Stimulus> stimuli = AllStimuli(sharers);
    for (const PageState& page : AllPages()) {
      for (const NodeSet& need : {SetOf({}), SetOf({1}), SetOf({1, 2})}) {
        for (const Stimulus& stimulus : stimuli) visit(page, need, stimulus);
      }
    }
  }
}

// An ACK that is not awaited, an answer of a node that was not asked, a second INVALIDATE while the
// first sender still waits for its ACK.
bool FromTheWrongNode(const PageState& page, const NodeSet& need, const Stimulus& stimulus) {
  switch (stimulus.input) {
    case Input::kAck:
      return page.state == State::kAwaitAcks && !need.contains(stimulus.from);
    case Input::kGrantShared:
    case Input::kGrantExclusive:
    case Input::kNack:
      return page.partner != stimulus.from;
    case Input::kInvalidate:
      return page.state == State::kReadChain && page.partner.valid() &&
             page.partner != stimulus.from;
    default:
      return false;
  }
}

TEST(ProtocolTableTest, StepDoesWhatTheCellSays) {
  std::set<std::pair<State, Event>> seen;
  ForAll([&](const PageState& before, const NodeSet& need_before, const Stimulus& stimulus) {
    const Event event = Classify(before, &need_before, stimulus);
    ASSERT_LT(static_cast<size_t>(event), kEvents);
    const CellView cell = Cell(before.state, event);
    PageState page = before;
    NodeSet need = need_before;
    Effects effects;
    const Verdict verdict = Step(page, &need, stimulus, effects);
    ASSERT_LE(effects.size(), Effects::kCapacity);
    if (verdict == Verdict::kStepped) {
      seen.emplace(before.state, event);
      ASSERT_EQ(cell.verdict, Verdict::kStepped);
      ASSERT_EQ(page.state, cell.next);
      return;
    }
    ASSERT_EQ(page, before);
    ASSERT_EQ(need, need_before);
    ASSERT_EQ(effects.size(), 0u);
    if (cell.verdict == verdict) return;
    // What Step() decides beyond the table.
    const bool hit = event == Event::kRead && before.mapped && verdict == Verdict::kHit;
    const bool held = event == Event::kEvict && stimulus.held && verdict == Verdict::kRefused;
    const bool stray =
        verdict == Verdict::kImpossible && FromTheWrongNode(before, need_before, stimulus);
    ASSERT_TRUE(hit || held || stray) << Name(before.state) << " / " << Name(event);
  });
  for (size_t state = 0; state < kStates; ++state) {
    for (size_t event = 0; event < kEvents; ++event) {
      const auto place = std::pair(static_cast<State>(state), static_cast<Event>(event));
      const bool changes = Cell(place.first, place.second).verdict == Verdict::kStepped;
      EXPECT_EQ(changes, seen.contains(place)) << Name(place.first) << " / " << Name(place.second);
    }
  }
}

TEST(ProtocolTableTest, NeedMayBeMissingWhereNoAcksAreAwaited) {
  const NodeSet none;
  for (const PageState& before : AllPages()) {
    if (before.state == State::kAwaitAcks || before.state == State::kWriteChain) continue;
    for (const Stimulus& stimulus : AllStimuli(&none)) {
      PageState page = before;
      PageState with_need = before;
      NodeSet need;
      Effects effects;
      Effects effects_with_need;
      ASSERT_EQ(Step(page, nullptr, stimulus, effects),
                Step(with_need, &need, stimulus, effects_with_need));
      ASSERT_EQ(page, with_need);
      ASSERT_EQ(effects.size(), effects_with_need.size());
    }
  }
}

TEST(ProtocolTableTest, APageThatIsGoneHasNoPast) {
  ForAll([&](const PageState& before, const NodeSet& need_before, const Stimulus& stimulus) {
    PageState page = before;
    NodeSet need = need_before;
    Effects effects;
    if (Step(page, &need, stimulus, effects) != Verdict::kStepped) return;
    if (page.state != State::kInvalid) return;
    ASSERT_FALSE(page.partner.valid());
    ASSERT_FALSE(page.poisoned);
    ASSERT_FALSE(page.page_here);
  });
}

TEST(ProtocolTableTest, EffectsNameAPeerExactlyWhereTheyConcernOne) {
  const auto concerns_peer = [](EffectKind kind) {
    using enum EffectKind;
    switch (kind) {
      case kTransferHolder:
      case kReturnHolder:
      case kSendAck:
      case kSendNack:
      case kSendFetchShared:
      case kSendFetchExclusive:
      case kSendGrantShared:
      case kSendGrantExclusive:
      case kDefer:
      case kFail:
        return true;
      default:
        return false;
    }
  };
  ForAll([&](const PageState& before, const NodeSet& need_before, const Stimulus& stimulus) {
    // A page that waits for a node knows which.
    const bool waits = before.state == State::kHandOver || before.state == State::kExpiring;
    if (waits && !before.partner.valid()) return;
    PageState page = before;
    NodeSet need = need_before;
    Effects effects;
    Step(page, &need, stimulus, effects);
    for (const Effect& effect : effects) {
      ASSERT_EQ(effect.peer.valid(), concerns_peer(effect.kind)) << Name(effect.kind);
    }
  });
}

template <typename Enumeration>
void ExpectNames(size_t count) {
  std::set<std::string> names;
  for (size_t value = 0; value < count; ++value) {
    const std::string name = Name(static_cast<Enumeration>(value));
    EXPECT_FALSE(name.empty());
    EXPECT_NE(name, "?");
    names.insert(name);
  }
  EXPECT_EQ(names.size(), count) << "two things have one name";
}

TEST(ProtocolTableTest, EverythingHasANameOfItsOwn) {
  ExpectNames<State>(kStates);
  ExpectNames<Input>(kInputs);
  ExpectNames<Event>(kEvents);
  ExpectNames<EffectKind>(kEffectKinds);
  for (size_t state = 0; state < kStates; ++state) {
    for (size_t event = 0; event < kEvents; ++event) {
      for (uint8_t action : Cell(static_cast<State>(state), static_cast<Event>(event)).actions) {
        EXPECT_STRNE(ActionName(action), "?");
        EXPECT_STRNE(ActionName(action), "");
      }
    }
  }
  EXPECT_STREQ(ActionName(255), "?");
}

}  // namespace
}  // namespace farpage::directory

// How long a page stays that others ask for: the minimum hold, and pins.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "runtime/engine/wire.h"
#include "tests/runtime/engine_world.h"

namespace farpage::testing {
namespace {

using directory::Input;
using directory::State;
using transport::Fate;

const NodeId kWriter(2);

struct Case {
  const char* name;
  uint64_t page;
  bool home_in_place;
};

// Pages 0 and 1 are this node's, page 2 is node 1's.
constexpr Case kCases[] = {
    {"copied", 2, false},
    {"own_copied", 0, false},
    {"own_in_place", 0, true},
};

class EngineHold : public ::testing::TestWithParam<Case> {
 protected:
  uint64_t page() const { return GetParam().page; }
  bool mapped() const { return world_.pager().mapped(page()) != FakePager::Mapped::kNot; }
  void BecomeShared() {
    ASSERT_EQ(world_.Touch(page(), Access::kRead).fate, Fate::kTimedOut);
    world_.EndChain(true);
    ASSERT_EQ(world_.state(page()), State::kShared);
  }
  void ExpectOneAck() {
    const auto sent = world_.transport().TakeSent();
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_EQ(sent[0].to, kWriter);
    EXPECT_EQ(internal::Decode(sent[0].message)->kind, Input::kAck);
  }

  std::unique_ptr<internal::AddressSpace> space_ =
      *internal::AddressSpace::Reserve(size_t{8} << 20);
  EngineWorld world_{*space_, {.home_in_place = GetParam().home_in_place}};
};

TEST_P(EngineHold, ACopyThatIsAskedForEarlyStaysUntilTheHoldIsOver) {
  BecomeShared();
  world_.Wait(EngineWorld::kHoldNs / 2);
  world_.Receive(kWriter, Input::kInvalidate, page());
  EXPECT_EQ(world_.state(page()), State::kExpiring);
  EXPECT_TRUE(mapped());
  EXPECT_TRUE(world_.transport().TakeSent().empty());
  world_.Wait(2 * EngineWorld::kHoldNs);
  world_.EndChain(true);  // takes the node out of the entry
  EXPECT_FALSE(mapped());
  ExpectOneAck();
  world_.ComeToRest();
}

TEST_P(EngineHold, ACopyThatIsAskedForLateGoesAtOnce) {
  BecomeShared();
  world_.Wait(2 * EngineWorld::kHoldNs);
  world_.Receive(kWriter, Input::kInvalidate, page());
  world_.EndChain(true);
  EXPECT_FALSE(mapped());
  ExpectOneAck();
  world_.ComeToRest();
}

// Where mapping took as long as the hold, a page could be gone before the thread that faulted had
// accessed it. With many writers nobody got anywhere.
TEST_P(EngineHold, TheHoldBeginsWhenThePageIsMapped) {
  world_.MappingTakes(2 * EngineWorld::kHoldNs);
  BecomeShared();
  world_.Receive(kWriter, Input::kInvalidate, page());
  EXPECT_EQ(world_.state(page()), State::kExpiring);
  EXPECT_TRUE(mapped());
  world_.ComeToRest();
}

TEST_P(EngineHold, TheHoldOfAWriterBeginsWhenItCanWrite) {
  BecomeShared();
  world_.Wait(2 * EngineWorld::kHoldNs);
  world_.MappingTakes(2 * EngineWorld::kHoldNs);
  world_.Touch(page(), Access::kWrite);
  world_.EndChain(true);
  ASSERT_EQ(world_.state(page()), State::kExclusive);
  world_.Receive(kWriter, Input::kFetchExclusive, page(), {0, FakeTransport::kFramesKey, 0});
  EXPECT_EQ(world_.state(page()), State::kExclusive);
  EXPECT_TRUE(mapped());
  world_.ComeToRest();
}

// Where many write, a reader may never find any copy but one that has been asked for already. It
// was not good enough for a pin, and readers starved.
TEST_P(EngineHold, ACopyWhoseAckIsOwedCanBePinnedForReading) {
  world_.Touch(page(), Access::kRead);
  world_.Receive(kWriter, Input::kInvalidate, page());
  world_.EndChain(true);
  ASSERT_EQ(world_.state(page()), State::kExpiring);
  ASSERT_EQ(world_.Pin(page(), Access::kRead).fate, Fate::kOk);

  world_.Wait(2 * EngineWorld::kHoldNs);
  EXPECT_EQ(world_.state(page()), State::kExpiring);
  EXPECT_TRUE(mapped());
  EXPECT_TRUE(world_.transport().TakeSent().empty());

  world_.Unpin(page());
  world_.EndChain(true);
  EXPECT_FALSE(mapped());
  ExpectOneAck();
  world_.ComeToRest();
}

INSTANTIATE_TEST_SUITE_P(Pages, EngineHold, ::testing::ValuesIn(kCases),
                         [](const auto& instance) { return std::string(instance.param.name); });

}  // namespace
}  // namespace farpage::testing

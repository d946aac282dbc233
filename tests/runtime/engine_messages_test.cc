// What a peer may send, the engine survives: a message that cannot be ends the peer's part in the
// cluster and nothing else.
#include <gtest/gtest.h>

#include <cstring>
#include <memory>

#include "runtime/engine/wire.h"
#include "tests/runtime/engine_world.h"

namespace farpage::testing {
namespace {

using directory::Input;
using directory::State;

const NodeId kHolder(1);
const NodeId kLiar(2);

class EngineMessages : public ::testing::Test {
 protected:
  // Page 2 is node 1's; pages 0 and 1 are this node's.
  static constexpr uint64_t kPage = 2;

  void ExpectFailed(NodeId node, const std::string& text) {
    EXPECT_TRUE(world_.transport().peer_failed(node)) << "node " << node.value();
    EXPECT_NE(world_.transport().mark(node).find(text), std::string::npos)
        << world_.transport().mark(node);
  }
  void ExpectNobodyFailed() {
    for (uint32_t node = 0; node < EngineWorld::kNodes; ++node) {
      EXPECT_EQ(world_.transport().mark(NodeId(node)), "");
    }
  }
  // The page is asked for at kHolder.
  void BecomeReadFetch() {
    world_.SetHolder(kPage, kHolder);
    world_.Touch(kPage, Access::kRead);
    world_.EndChain(true);
    ASSERT_EQ(world_.state(kPage), State::kReadFetch);
  }
  void BecomeExclusive() {
    world_.Touch(kPage, Access::kWrite);
    world_.EndChain(true);
    ASSERT_EQ(world_.state(kPage), State::kExclusive);
  }

  std::unique_ptr<internal::AddressSpace> space_ =
      *internal::AddressSpace::Reserve(size_t{8} << 20);
  EngineWorld world_{*space_, {}};
};

TEST_F(EngineMessages, AnswersNobodyAskedForFailTheSender) {
  for (const Input kind : {Input::kGrantShared, Input::kGrantExclusive, Input::kNack}) {
    world_.Receive(kLiar, kind, kPage);
    ExpectFailed(kLiar, std::string("it sent ") + directory::Name(kind));
    EXPECT_EQ(world_.state(kPage), State::kInvalid);
    world_.ComeToRest();
  }
}

TEST_F(EngineMessages, TheReasonNamesPageRegionAndState) {
  world_.Receive(kLiar, Input::kNack, kPage);
  ExpectFailed(kLiar, "for page 2 of region 'fought over', which cannot be in state ");
}

TEST_F(EngineMessages, AnAnswerOfAnotherDoesNotEndTheWait) {
  BecomeReadFetch();
  world_.Receive(kLiar, Input::kGrantShared, kPage);
  ExpectFailed(kLiar, "it sent ");
  EXPECT_EQ(world_.state(kPage), State::kReadFetch);
  world_.Receive(kHolder, Input::kGrantShared, kPage);
  EXPECT_EQ(world_.state(kPage), State::kShared);
  EXPECT_EQ(world_.transport().mark(kHolder), "");
  world_.ComeToRest();
}

TEST_F(EngineMessages, AnAckOfANodeThatSharesNothingFailsIt) {
  world_.SetSharers(kPage, 1u << kHolder.value());
  world_.Touch(kPage, Access::kWrite);
  world_.EndChain(true);
  ASSERT_EQ(world_.state(kPage), State::kAwaitAcks);
  world_.Receive(kLiar, Input::kAck, kPage);
  ExpectFailed(kLiar, "it sent ");
  EXPECT_EQ(world_.state(kPage), State::kAwaitAcks);
  world_.Receive(kHolder, Input::kAck, kPage);
  EXPECT_EQ(world_.state(kPage), State::kExclusive);
  world_.ComeToRest();
}

TEST_F(EngineMessages, AnInvalidateForTheHolderFailsTheSender) {
  BecomeExclusive();
  world_.Receive(kLiar, Input::kInvalidate, kPage);
  ExpectFailed(kLiar, "it sent ");
  EXPECT_EQ(world_.state(kPage), State::kExclusive);
  world_.ComeToRest();
}

TEST_F(EngineMessages, ASecondInvalidateDoesNotTakeTheFirstOnesAck) {
  world_.Touch(kPage, Access::kRead);
  ASSERT_EQ(world_.state(kPage), State::kReadChain);
  world_.Receive(kHolder, Input::kInvalidate, kPage);
  world_.Receive(kLiar, Input::kInvalidate, kPage);
  ExpectFailed(kLiar, "it sent ");
  world_.SetHolder(kPage, kHolder);
  world_.EndChain(true);
  const auto sent = world_.transport().TakeSent();
  ASSERT_EQ(sent.size(), 2u);  // the ACK, then the page is asked for
  EXPECT_EQ(sent[0].to, kHolder);
  EXPECT_EQ(internal::Decode(sent[0].message)->kind, Input::kAck);
  world_.ComeToRest();
}

TEST_F(EngineMessages, PagesThatDoNotExistFailTheSender) {
  const uint64_t end = world_.page(EngineWorld::kPages).value;
  // The last ones wrap to the region's first page when they are made an address.
  for (const uint64_t page : {end, uint64_t{1} << 40, uint64_t{1} << 52,
                              (uint64_t{1} << 52) + world_.page(0).value, ~uint64_t{0}}) {
    world_.engine().OnMessage(kLiar,
                              internal::Encode({Input::kInvalidate, internal::PageId{page}, {}}));
    ExpectFailed(kLiar, "a page that has no directory entry");
    world_.transport().ForgetFailures();
  }
}

TEST_F(EngineMessages, BytesThatAreNoMessageFailTheSender) {
  transport::Message message = internal::Encode({Input::kAck, world_.page(0), {}});
  message.bytes[0] ^= std::byte{1};
  world_.engine().OnMessage(kLiar, message);
  ExpectFailed(kLiar, "does not understand");
  world_.transport().ForgetFailures();
  message = internal::Encode({Input::kHandedOver, world_.page(0), {}});  // nobody's to say
  world_.engine().OnMessage(kLiar, message);
  ExpectFailed(kLiar, "does not understand");
}

TEST_F(EngineMessages, WhatMayComeAtAnyTimeFailsNobody) {
  for (const Input kind :
       {Input::kAck, Input::kInvalidate, Input::kFetchShared, Input::kFetchExclusive}) {
    world_.Receive(kLiar, kind, kPage);
  }
  ExpectNobodyFailed();
  EXPECT_EQ(world_.transport().TakeSent().size(), 3u);  // an ACK and two NACKs
}

TEST_F(EngineMessages, MoreRequestsThanCanBeDeferredAreRefused) {
  world_.Touch(kPage, Access::kWrite);
  constexpr size_t kRequests = internal::Slot::kDeferred + 5;
  for (size_t i = 0; i < kRequests; ++i) world_.Receive(kLiar, Input::kFetchShared, kPage);
  const auto refused = world_.transport().TakeSent();
  EXPECT_EQ(refused.size(), kRequests - internal::Slot::kDeferred);
  ExpectNobodyFailed();
  world_.ComeToRest();
}

TEST_F(EngineMessages, AWriteToMemoryThatIsNotThereDoesNotHarmTheHolder) {
  BecomeExclusive();
  world_.Wait(2 * EngineWorld::kHoldNs);
  world_.Receive(kLiar, Input::kFetchExclusive, kPage, {12345, {77}, 0});
  world_.ComeToRest();
}

}  // namespace
}  // namespace farpage::testing

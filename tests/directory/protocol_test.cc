// The protocol by hand: what one node does in the situations that matter most.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "directory/protocol.h"

namespace farpage::directory {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using enum EffectKind;

const NodeId kOther(5);
const NodeId kThird(70);

// One page at one node. Feed() returns the kinds of effects.
class ProtocolTest : public testing::Test {
 protected:
  std::vector<EffectKind> Feed(const Stimulus& stimulus) {
    effects_ = Effects();
    verdict_ = Step(page_, &need_, stimulus, effects_);
    std::vector<EffectKind> kinds;
    for (const Effect& effect : effects_) kinds.push_back(effect.kind);
    return kinds;
  }
  std::vector<EffectKind> Feed(Input input, NodeId from = {}) {
    return Feed({.input = input, .from = from});
  }
  std::vector<EffectKind> WriteResult(std::initializer_list<NodeId> sharers) {
    NodeSet set;
    for (NodeId sharer : sharers) set.insert(sharer);
    return Feed({.input = Input::kWriteResult, .sharers = &set});
  }
  void BecomeShared() {
    Feed(Input::kRead);
    Feed(Input::kReadResult);
    ASSERT_EQ(page_.state, State::kShared);
  }
  void BecomeExclusive() {
    Feed(Input::kWrite);
    WriteResult({});
    ASSERT_EQ(page_.state, State::kExclusive);
  }

  PageState page_;
  NodeSet need_;
  Effects effects_;
  Verdict verdict_ = Verdict::kIgnored;
};

TEST_F(ProtocolTest, CleanReadMissIsOneChain) {
  EXPECT_THAT(Feed(Input::kRead), ElementsAre(kPostReadChain));
  EXPECT_TRUE(page_.own_bit);
  EXPECT_THAT(Feed(Input::kRead), IsEmpty());
  EXPECT_EQ(verdict_, Verdict::kWait);
  EXPECT_THAT(Feed(Input::kReadResult), ElementsAre(kInstallReadOnly));
  EXPECT_EQ(page_.state, State::kShared);
  Feed(Input::kRead);
  EXPECT_EQ(verdict_, Verdict::kHit);
}

TEST_F(ProtocolTest, CleanWriteMissIsOneChain) {
  EXPECT_THAT(Feed(Input::kWrite), ElementsAre(kPostWriteChain));
  EXPECT_THAT(WriteResult({}), ElementsAre(kInstallWritable, kStartHold));
  EXPECT_EQ(page_.state, State::kExclusive);
  EXPECT_FALSE(page_.own_bit);
  Feed(Input::kWrite);
  EXPECT_EQ(verdict_, Verdict::kHit);
}

TEST_F(ProtocolTest, UpgradeKeepsItsCopyAndWaitsForEverySharer) {
  BecomeShared();
  EXPECT_THAT(Feed(Input::kWrite), ElementsAre(kPostWriteChainNoPage));
  Feed(Input::kRead);
  EXPECT_EQ(verdict_, Verdict::kHit);
  EXPECT_THAT(WriteResult({kOther, kThird}), ElementsAre(kSendInvalidates));
  EXPECT_EQ(need_.count(), 2u);
  Feed(Input::kWrite);
  EXPECT_EQ(verdict_, Verdict::kWait);
  EXPECT_THAT(Feed(Input::kAck, kThird), IsEmpty());
  EXPECT_EQ(page_.state, State::kAwaitAcks);
  EXPECT_THAT(Feed(Input::kAck, kOther), ElementsAre(kMakeWritable, kStartHold));
  EXPECT_EQ(page_.state, State::kExclusive);
}

TEST_F(ProtocolTest, AnAckOfANodeThatWasNotAskedIsImpossible) {
  Feed(Input::kWrite);
  WriteResult({kOther});
  Feed(Input::kAck, kThird);
  EXPECT_EQ(verdict_, Verdict::kImpossible);
  EXPECT_TRUE(need_.contains(kOther));
}

TEST_F(ProtocolTest, APageThatArrivesLateIsAwaitedToo) {
  BecomeShared();
  Feed(Input::kWrite);
  EXPECT_THAT(Feed(Input::kInvalidate, kOther), ElementsAre(kZap, kClearBit, kSendAck));
  EXPECT_EQ(page_.state, State::kWriteChain);
  EXPECT_THAT(WriteResult({kThird}), ElementsAre(kSendInvalidates, kPostPageRead));
  EXPECT_THAT(Feed(Input::kAck, kThird), IsEmpty());
  EXPECT_EQ(page_.state, State::kAwaitAcks);
  EXPECT_THAT(Feed(Input::kPageArrived), ElementsAre(kInstallWritable, kStartHold));
}

TEST_F(ProtocolTest, AnAckAfterTheLatePageEndsTheWait) {
  BecomeShared();
  Feed(Input::kWrite);
  Feed(Input::kInvalidate, kOther);
  WriteResult({kThird});
  EXPECT_THAT(Feed(Input::kPageArrived), IsEmpty());
  EXPECT_EQ(page_.state, State::kAwaitAcks);
  EXPECT_THAT(Feed(Input::kAck, kThird), ElementsAre(kInstallWritable, kStartHold));
}

TEST_F(ProtocolTest, AReaderAsksTheHolder) {
  Feed(Input::kRead);
  EXPECT_THAT(Feed({.input = Input::kReadResult, .holder = kOther}), ElementsAre(kSendFetchShared));
  EXPECT_EQ(effects_[0].peer, kOther);
  EXPECT_THAT(Feed(Input::kGrantShared, kOther), ElementsAre(kInstallReadOnly));
  EXPECT_EQ(page_.state, State::kShared);
  EXPECT_FALSE(page_.partner.valid());
}

TEST_F(ProtocolTest, AWriterAsksTheHolder) {
  Feed(Input::kWrite);
  EXPECT_THAT(Feed({.input = Input::kWriteResult, .holder = kOther}),
              ElementsAre(kSendFetchExclusive));
  EXPECT_THAT(Feed(Input::kGrantExclusive, kOther), ElementsAre(kInstallWritable, kStartHold));
  EXPECT_EQ(page_.state, State::kExclusive);
}

TEST_F(ProtocolTest, ANackStartsAgainWithoutTheAtomicThatIsDone) {
  Feed(Input::kRead);
  Feed({.input = Input::kReadResult, .holder = kOther});
  EXPECT_THAT(Feed(Input::kNack, kOther), ElementsAre(kPostReadChainBitOn));
  Feed({.input = Input::kReadResult});
  EXPECT_EQ(page_.state, State::kShared);
}

TEST_F(ProtocolTest, TheHolderServesAReaderAndKeepsACopy) {
  BecomeExclusive();
  EXPECT_THAT(Feed(Input::kFetchShared, kOther),
              ElementsAre(kWriteProtect, kWriteBack, kSetBit, kReleaseHolder, kSendGrantShared));
  EXPECT_EQ(page_.state, State::kShared);
  EXPECT_TRUE(page_.own_bit);
}

TEST_F(ProtocolTest, TheHolderHandsOverToAWriterInTwoSteps) {
  BecomeShared();
  Feed(Input::kWrite);
  WriteResult({});
  EXPECT_THAT(Feed(Input::kFetchExclusive, kOther),
              ElementsAre(kCapture, kZap, kTransferHolder, kClearBit));
  EXPECT_EQ(page_.state, State::kHandOver);
  EXPECT_THAT(Feed(Input::kFetchShared, kThird), ElementsAre(kSendNack));
  EXPECT_THAT(Feed(Input::kHandedOver), ElementsAre(kSendGrantExclusive));
  EXPECT_EQ(effects_[0].peer, kOther);
  EXPECT_EQ(page_, PageState());
}

TEST_F(ProtocolTest, EvictionWritesThePageFirst) {
  BecomeExclusive();
  EXPECT_THAT(Feed(Input::kEvict), ElementsAre(kCapture, kZap, kWriteBack, kReleaseHolder));
  EXPECT_EQ(page_, PageState());
  BecomeShared();
  EXPECT_THAT(Feed(Input::kEvict), ElementsAre(kZap, kClearBit));
  EXPECT_EQ(page_, PageState());
}

TEST_F(ProtocolTest, PagesThatAreInUseOrInTransitionAreNotEvicted) {
  BecomeExclusive();
  EXPECT_THAT(Feed({.input = Input::kEvict, .held = true}), IsEmpty());
  EXPECT_EQ(verdict_, Verdict::kRefused);
  page_ = PageState();
  Feed(Input::kRead);
  Feed(Input::kEvict);
  EXPECT_EQ(verdict_, Verdict::kRefused);
}

TEST_F(ProtocolTest, AHeldPageIsGivenUpWhenTheHoldIsOver) {
  BecomeShared();
  EXPECT_THAT(Feed({.input = Input::kInvalidate, .from = kOther, .held = true}),
              ElementsAre(kStartHold));
  EXPECT_EQ(page_.state, State::kExpiring);
  Feed(Input::kRead);
  EXPECT_EQ(verdict_, Verdict::kHit);
  EXPECT_THAT(Feed(Input::kHoldOver), ElementsAre(kZap, kClearBit, kSendAck));
  EXPECT_EQ(effects_[2].peer, kOther);
  EXPECT_EQ(page_, PageState());
}

TEST_F(ProtocolTest, AHeldHolderServesLater) {
  BecomeExclusive();
  EXPECT_THAT(Feed({.input = Input::kFetchShared, .from = kOther, .held = true}),
              ElementsAre(kDefer, kStartHold));
  EXPECT_THAT(
      Feed({.input = Input::kFetchShared, .from = kThird, .held = true, .can_defer = false}),
      ElementsAre(kSendNack));
  EXPECT_THAT(Feed(Input::kHoldOver), ElementsAre(kServeDeferred));
  EXPECT_EQ(page_.state, State::kExclusive);
}

TEST_F(ProtocolTest, AWriteDuringTheHoldPaysTheAckAtOnce) {
  BecomeShared();
  Feed({.input = Input::kInvalidate, .from = kOther, .held = true});
  EXPECT_THAT(Feed(Input::kWrite), ElementsAre(kZap, kClearBit, kSendAck, kPostWriteChain));
}

TEST_F(ProtocolTest, WhoeverGivesUpServesWhatItDeferred) {
  Feed(Input::kWrite);
  EXPECT_THAT(Feed(Input::kFetchShared, kOther), ElementsAre(kDefer));
  NodeSet sharers;
  sharers.insert(kThird);
  EXPECT_THAT(Feed({.input = Input::kWriteResult, .ahead = true, .sharers = &sharers}),
              ElementsAre(kReleaseHolder, kServeDeferred));
  EXPECT_EQ(page_, PageState());
  Feed(Input::kWrite);
  EXPECT_THAT(Feed({.input = Input::kWriteResult, .holder = kOther, .ahead = true}),
              ElementsAre(kServeDeferred));
  Feed(Input::kWrite);
  EXPECT_THAT(Feed({.input = Input::kWriteResult, .holder = kOther, .holder_failed = true}),
              ElementsAre(kFail, kServeDeferred));
  Feed(Input::kWrite);
  EXPECT_THAT(Feed(Input::kChainFailed, kOther), ElementsAre(kFail, kServeDeferred));
}

TEST_F(ProtocolTest, APrefetchDisturbsNobody) {
  Feed(Input::kRead);
  EXPECT_THAT(Feed({.input = Input::kReadResult, .holder = kOther, .ahead = true}),
              ElementsAre(kClearBit));
  EXPECT_EQ(page_, PageState());
}

TEST_F(ProtocolTest, AReaderWhoseHolderDiedLooksAgain) {
  Feed(Input::kRead);
  Feed({.input = Input::kReadResult, .holder = kOther});
  EXPECT_THAT(Feed(Input::kPeerFailed, kThird), IsEmpty());
  EXPECT_THAT(Feed(Input::kPeerFailed, kOther), ElementsAre(kPostReadChainBitOn));
  EXPECT_THAT(Feed({.input = Input::kReadResult, .holder = kOther, .holder_failed = true}),
              ElementsAre(kClearBit, kFail));
  EXPECT_EQ(effects_[1].peer, kOther);
  EXPECT_EQ(page_, PageState());
}

TEST_F(ProtocolTest, AWriterThatInheritsTheWordButNotThePageGivesItBackToTheDead) {
  Feed(Input::kWrite);
  Feed({.input = Input::kWriteResult, .holder = kOther});
  EXPECT_THAT(Feed(Input::kPeerFailed, kOther), ElementsAre(kPostWriteChain));
  EXPECT_THAT(Feed({.input = Input::kWriteResult, .holder = kThird, .holder_self = true}),
              ElementsAre(kReturnHolder, kFail, kServeDeferred));
  EXPECT_EQ(effects_[0].peer, kOther);
  EXPECT_EQ(effects_[1].peer, kOther);
  EXPECT_EQ(page_, PageState());
}

TEST_F(ProtocolTest, ADeadSharerNeedNotAnswer) {
  Feed(Input::kWrite);
  WriteResult({kOther, kThird});
  EXPECT_THAT(Feed(Input::kPeerFailed, kOther), IsEmpty());
  EXPECT_THAT(Feed(Input::kPeerFailed, kOther), IsEmpty()) << "told twice";
  EXPECT_THAT(Feed(Input::kPeerFailed, kThird), ElementsAre(kInstallWritable, kStartHold));
}

TEST_F(ProtocolTest, WhoCannotReachTheHomeAnswersWhomItOwes) {
  Feed(Input::kRead);
  Feed(Input::kInvalidate, kOther);
  EXPECT_THAT(Feed(Input::kChainFailed, kThird), ElementsAre(kSendAck, kFail));
  EXPECT_EQ(effects_[0].peer, kOther);
  EXPECT_EQ(effects_[1].peer, kThird);
  EXPECT_EQ(page_, PageState());
  BecomeExclusive();
  Feed(Input::kFetchExclusive, kOther);
  EXPECT_THAT(Feed(Input::kChainFailed, kThird), ElementsAre(kSendNack, kFail));
  EXPECT_EQ(effects_[0].peer, kOther);
}

TEST_F(ProtocolTest, AcksThatComeAfterGivingUpAreIgnored) {
  BecomeShared();
  Feed(Input::kWrite);
  Feed(Input::kInvalidate, kOther);
  WriteResult({kThird});
  Feed(Input::kChainFailed, kOther);
  EXPECT_THAT(Feed(Input::kAck, kThird), IsEmpty());
  EXPECT_EQ(verdict_, Verdict::kIgnored);
}

}  // namespace
}  // namespace farpage::directory

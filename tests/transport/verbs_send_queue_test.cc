// Posting and its ends, against a device that does what the test says.
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "tests/transport/fake_nic.h"
#include "transport/verbs/completions.h"
#include "transport/verbs/send_queue.h"

namespace farpage::transport::verbs {
namespace {

const NodeId kPeer(1);
constexpr uint32_t kSlots = 8;

class VerbsSendQueue : public ::testing::Test {
 protected:
  VerbsSendQueue() { Make(64, 64); }

  void Make(uint32_t depth, uint32_t inline_bytes) {
    SmallData small;
    small.inline_bytes = inline_bytes;
    small.scratch = scratch_;
    small.scratch_mask = depth - 1;
    small.scratch_key = LocalKey{77};
    small.dump = dump_;
    Outbox outbox;
    outbox.slots = RemoteAddress{0x10000, {5}, 0};
    outbox.credits = RemoteAddress{0x20000, {5}, 0};
    outbox.returned = &returned_;
    outbox.slot_count = kSlots;
    queues_.clear();
    queues_.push_back(nullptr);
    queues_.push_back(std::make_unique<SendQueue>(kPeer, nic_.pair(),
                                                  SendLimits{depth, 1000, inline_bytes}, small,
                                                  outbox, &peers_, &completions_));
    completions_.SetQueues(queues_);
  }

  SendQueue& queue() { return *queues_[1]; }
  Fate Post(std::vector<Operation> chain, Completion* completion) {
    return queue().Post(chain, completion);
  }
  // All completions that Poll() returns now.
  std::vector<Completion*> Poll() {
    std::vector<Completion*> all;
    Completion* done[4];
    while (const size_t count = completions_.Poll(done)) all.insert(all.end(), done, done + count);
    return all;
  }
  // Posts three chains, lets the peer refuse the second and judges. Returns the second's fate.
  Fate FateOfRefused(bool died) {
    Completion before, bad, after;
    Post({Operation::WriteWord(1, remote_)}, &before);
    Post({Operation::WriteWord(2, remote_), Operation::WriteWord(3, remote_ + 4096),
          Operation::WriteWord(4, remote_)},
         &bad);
    Post({Operation::WriteWord(5, remote_)}, &after);
    nic_.EndOne();
    nic_.EndOne();
    nic_.EndOne(IBV_WC_REM_ACCESS_ERR);
    nic_.EndOne(IBV_WC_WR_FLUSH_ERR);
    nic_.EndOne(IBV_WC_WR_FLUSH_ERR);
    EXPECT_EQ(Poll(), (std::vector<Completion*>{&before, &after})) << "before it is judged";
    EXPECT_EQ(before.fate, Fate::kOk);
    EXPECT_EQ(after.fate, Fate::kPeerFailed);
    EXPECT_EQ(Post({Operation::WriteWord(6, remote_)}, &after), Fate::kPeerFailed);
    completions_.Judge(queue(), died);
    EXPECT_EQ(Poll(), std::vector<Completion*>{&bad});
    EXPECT_EQ(completions_.expected(), 0u);
    return bad.fate;
  }
  const FakeNic::Request& request(size_t index) { return nic_.posted().at(index); }

  FakeNic nic_;
  std::unique_ptr<Wakeups> wakeups_ = Wakeups::Create().value();
  Peers peers_{2, wakeups_.get()};
  Completions completions_{nic_.sends()};
  std::atomic<uint64_t> returned_{0};
  std::byte scratch_[64 * kLineBytes];
  std::byte dump_[8];
  std::byte buffer_[4096];
  const RemoteAddress remote_{0x1000, {9}, 0};
  const LocalKey key_{33};
  std::vector<std::unique_ptr<SendQueue>> queues_;
};

TEST_F(VerbsSendQueue, AChainIsOneDoorbellAndOneCompletion) {
  Completion completion;
  EXPECT_EQ(Post({Operation::FetchAndAdd(remote_, 1, reinterpret_cast<uint64_t*>(buffer_), key_),
                  Operation::Read(buffer_ + 8, key_, remote_ + 8, 8),
                  Operation::Read(buffer_ + 64, key_, remote_ + 64, 512)},
                 &completion),
            Fate::kPending);
  EXPECT_EQ(nic_.doorbells(), 1u);
  ASSERT_EQ(nic_.posted().size(), 3u);
  EXPECT_FALSE(request(0).signalled());
  EXPECT_FALSE(request(1).signalled());
  EXPECT_TRUE(request(2).signalled());
  EXPECT_TRUE(Poll().empty());
  nic_.EndAll();
  EXPECT_EQ(Poll(), std::vector<Completion*>{&completion});
  EXPECT_EQ(completion.fate, Fate::kOk);
  EXPECT_EQ(completions_.expected(), 0u);
}

TEST_F(VerbsSendQueue, OnlyWhatChangesMemoryAfterAReadIsFenced) {
  Post({Operation::FetchAndAdd(remote_, 1, nullptr, {}), Operation::WriteWord(1, remote_),
        Operation::Read(buffer_, key_, remote_, 8), Operation::Read(buffer_, key_, remote_, 8),
        Operation::WriteWord(1, remote_), Operation::CompareAndSwap(remote_, 0, 1, nullptr, {}),
        Operation::WriteWordWithImmediate(1, remote_)},
       nullptr);
  std::vector<bool> fences;
  fences.reserve(nic_.posted().size());
  for (const FakeNic::Request& posted : nic_.posted()) fences.push_back(posted.fenced());
  EXPECT_EQ(fences, (std::vector<bool>{false, false, false, false, true, true, true}));
}

TEST_F(VerbsSendQueue, LongOperationsAreSplitAtTheDevicesLimit) {
  Completion completion;
  Post({Operation::Read(buffer_, key_, remote_, 2500)}, &completion);
  ASSERT_EQ(nic_.posted().size(), 3u);
  for (uint32_t i = 0; i < 3; ++i) {
    EXPECT_EQ(request(i).request.wr.rdma.remote_addr, remote_.address + 1000 * i);
    EXPECT_EQ(request(i).piece.addr, reinterpret_cast<uint64_t>(buffer_) + 1000 * i);
    EXPECT_EQ(request(i).piece.length, i < 2 ? 1000u : 500u);
    EXPECT_EQ(request(i).signalled(), i == 2);
  }
}

TEST_F(VerbsSendQueue, ZeroBytesAreNoPieceAtAll) {
  Post({Operation::Read(buffer_, key_, remote_, 0), Operation::Write(buffer_, key_, remote_, 0)},
       nullptr);
  ASSERT_EQ(nic_.posted().size(), 2u);
  EXPECT_EQ(request(0).request.num_sge, 0) << "a piece of length 0 would mean 2 GiB";
  EXPECT_EQ(request(1).request.num_sge, 0);
}

TEST_F(VerbsSendQueue, SmallDataGoInlineOrThroughScratch) {
  const std::string data = "small and soon overwritten";
  const auto bytes = static_cast<uint32_t>(data.size());
  std::memcpy(buffer_, data.data(), data.size());
  Post({Operation::Write(buffer_, key_, remote_, bytes), Operation::WriteWord(42, remote_)},
       nullptr);
  EXPECT_EQ(request(0).inline_data, data);
  EXPECT_EQ(request(1).inline_data, std::string("\x2a\0\0\0\0\0\0\0", 8));

  Make(64, 0);
  Post({Operation::Write(buffer_, key_, remote_, bytes), Operation::WriteWord(43, remote_)},
       nullptr);
  EXPECT_EQ(request(2).piece.addr, reinterpret_cast<uint64_t>(buffer_)) << "left to the device";
  EXPECT_EQ(request(2).piece.lkey, key_.value);
  EXPECT_EQ(request(3).piece.lkey, 77u);
  uint64_t word = 0;
  std::memcpy(&word, reinterpret_cast<const void*>(request(3).piece.addr), sizeof word);
  EXPECT_EQ(word, 43u);
}

// The device never has more under way than it was made for, though nobody asks for completions.
TEST_F(VerbsSendQueue, TheQueueIsNeverOverrun) {
  Make(16, 64);
  nic_.set_automatic(true);
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(Post({Operation::FetchAndAdd(remote_, 1, nullptr, {}),
                    Operation::Write(buffer_, key_, remote_, 2500)},
                   nullptr),
              Fate::kOk);
    ASSERT_LE(nic_.under_way(), 16u);
  }
  EXPECT_EQ(nic_.posted().size(), 4000u);
}

TEST_F(VerbsSendQueue, ARefusedAddressIsBadIfThePeerLives) {
  EXPECT_EQ(FateOfRefused(false), Fate::kBadAddress);
}

TEST_F(VerbsSendQueue, ARefusedAddressIsAFailedPeerIfItDied) {
  EXPECT_EQ(FateOfRefused(true), Fate::kPeerFailed);
}

TEST_F(VerbsSendQueue, AJudgementThatComesBeforeTheResultCountsToo) {
  Completion bad;
  Post({Operation::WriteWord(1, remote_)}, &bad);
  completions_.Judge(queue(), true);
  nic_.EndOne(IBV_WC_REM_ACCESS_ERR);
  EXPECT_EQ(Poll(), std::vector<Completion*>{&bad});
  EXPECT_EQ(bad.fate, Fate::kPeerFailed);
}

TEST_F(VerbsSendQueue, BadLocalMemoryNeedsNoJudgement) {
  Completion bad;
  Post({Operation::Read(buffer_, key_, remote_, 512)}, &bad);
  nic_.EndOne(IBV_WC_LOC_PROT_ERR);
  EXPECT_EQ(Poll(), std::vector<Completion*>{&bad});
  EXPECT_EQ(bad.fate, Fate::kBadAddress);
}

TEST_F(VerbsSendQueue, WhatTheDeviceNeverEndsIsGivenUp) {
  Completion first, second;
  Post({Operation::WriteWord(1, remote_)}, &first);
  Post({Operation::WriteWord(1, remote_)}, &second);
  peers_.Fail(kPeer, PeerState::kDied);
  EXPECT_FALSE(queue().Idle());
  completions_.Abandon(queue());
  EXPECT_TRUE(queue().Idle());
  EXPECT_EQ(Poll(), (std::vector<Completion*>{&first, &second}));
  EXPECT_EQ(first.fate, Fate::kPeerFailed);
  EXPECT_EQ(second.fate, Fate::kPeerFailed);
  nic_.EndOne(IBV_WC_WR_FLUSH_ERR);
  EXPECT_TRUE(Poll().empty()) << "it was returned before";
}

TEST_F(VerbsSendQueue, APostTheDeviceRefusesFailsThePeer) {
  Make(64, 64);
  nic_.RefuseAfter(0);
  Completion completion;
  EXPECT_EQ(Post({Operation::WriteWord(1, remote_)}, &completion), Fate::kPeerFailed);
  EXPECT_FALSE(peers_.up(kPeer));
  EXPECT_NE(peers_.reason(kPeer).find("12"), std::string::npos) << peers_.reason(kPeer);
  EXPECT_EQ(completions_.expected(), 0u);
  EXPECT_TRUE(queue().Idle());
}

TEST_F(VerbsSendQueue, BadlyFormedChainsAreNotPosted) {
  Completion completion;
  const std::vector<Operation> too_long(WorkRequests::kCapacity + 1,
                                        Operation::WriteWord(1, remote_));
  EXPECT_EQ(Post(too_long, &completion), Fate::kBadAddress);
  EXPECT_EQ(Post({}, &completion), Fate::kBadAddress);
  EXPECT_EQ(
      Post({Operation::WriteWord(1, remote_), Operation::FetchAndAdd(remote_ + 4, 1, nullptr, {})},
           &completion),
      Fate::kBadAddress);
  EXPECT_TRUE(nic_.posted().empty());
  EXPECT_TRUE(peers_.up(kPeer));
  EXPECT_EQ(completions_.expected(), 0u);
}

TEST_F(VerbsSendQueue, MessagesStopWhenTheMailboxIsFull) {
  for (uint32_t i = 0; i < kSlots; ++i) ASSERT_EQ(queue().Send({}), Fate::kOk);
  EXPECT_EQ(queue().Send({}), Fate::kNoCredit);
  returned_ = Credits{2, 0}.ToWord();
  EXPECT_EQ(queue().Send({}), Fate::kOk);
  EXPECT_EQ(queue().Send({}), Fate::kOk);
  EXPECT_EQ(queue().Send({}), Fate::kNoCredit);
  EXPECT_EQ(request(0).request.wr.rdma.remote_addr, 0x10000u);
  EXPECT_EQ(request(kSlots + 1).request.wr.rdma.remote_addr, 0x10000u + kLineBytes)
      << "slots are used in turn";
}

TEST_F(VerbsSendQueue, WordChangesWithoutCreditAreWrittenWithoutWaking) {
  const auto opcode = [&] {
    EXPECT_EQ(Post({Operation::WriteWordWithImmediate(1, remote_)}, nullptr), Fate::kOk);
    return nic_.posted().back().request.opcode;
  };
  for (uint32_t i = 0; i < kSlots; ++i) ASSERT_EQ(opcode(), IBV_WR_RDMA_WRITE_WITH_IMM);
  EXPECT_EQ(opcode(), IBV_WR_RDMA_WRITE);
  EXPECT_EQ(queue().Send({}), Fate::kOk) << "messages have credits of their own";
  returned_ = Credits{0, 1}.ToWord();
  EXPECT_EQ(opcode(), IBV_WR_RDMA_WRITE_WITH_IMM);
  EXPECT_EQ(opcode(), IBV_WR_RDMA_WRITE);
}

// A queue full of chains keeps room for credits, or two nodes could wait for each other.
TEST_F(VerbsSendQueue, CreditsCanBeReturnedThoughTheQueueIsFull) {
  Make(16, 64);
  const std::atomic<uint32_t> messages{3}, immediates{4};
  while (queue().Send({}) == Fate::kOk) {
  }
  EXPECT_TRUE(queue().ReturnCredits(messages, immediates));
  const FakeNic::Request& last = nic_.posted().back();
  EXPECT_EQ(last.request.wr.rdma.remote_addr, 0x20000u);
  uint64_t word = 0;
  std::memcpy(&word, last.inline_data.data(), sizeof word);
  EXPECT_EQ(Credits::FromWord(word).messages, 3u);
  EXPECT_EQ(Credits::FromWord(word).immediates, 4u);
  while (queue().ReturnCredits(messages, immediates)) ASSERT_LE(nic_.under_way(), 16u);
}

TEST_F(VerbsSendQueue, CompletionsThatNobodyPollsForAreBounded) {
  nic_.set_automatic(true);
  std::vector<Completion> completions(Completions::kMostExpected + 1);
  for (uint32_t i = 0; i < Completions::kMostExpected; ++i) {
    ASSERT_EQ(Post({Operation::WriteWord(i, remote_)}, &completions[i]), Fate::kPending);
  }
  EXPECT_EQ(Post({Operation::WriteWord(0, remote_)}, &completions.back()), Fate::kNoCredit);
  EXPECT_EQ(Poll().size(), Completions::kMostExpected);
  EXPECT_EQ(Post({Operation::WriteWord(0, remote_)}, &completions.back()), Fate::kPending);
}

TEST_F(VerbsSendQueue, AMarkerTellsWhenUnsignalledRequestsHaveEnded) {
  Post({Operation::WriteWord(1, remote_)}, nullptr);
  nic_.EndAll();
  completions_.Reap();
  EXPECT_FALSE(queue().Idle());
  queue().PostMarker();
  nic_.EndAll();
  completions_.Reap();
  EXPECT_TRUE(queue().Idle());
}

}  // namespace
}  // namespace farpage::transport::verbs

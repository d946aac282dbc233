// Messages and word changes as they come from a device that does what the test says.
#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <vector>

#include "tests/transport/fake_nic.h"
#include "transport/verbs/completions.h"
#include "transport/verbs/inboxes.h"

namespace farpage::transport::verbs {
namespace {

const NodeId kFirst(0), kSecond(1);
constexpr uint32_t kSlots = 8;
constexpr uint32_t kDepth = 16;

// Two peers, each with its mailbox; what this node sends goes to the same device.
class VerbsInboxes : public testing::Test {
 protected:
  VerbsInboxes() {
    for (uint32_t i = 0; i < 2; ++i) {
      EXPECT_TRUE(inboxes_.Add(nic_.pair(), mailboxes_[i]).ok());
      Outbox outbox;
      outbox.credits = RemoteAddress{0x1000 * (i + 1), {}, 0};
      outbox.returned = &returned_;
      outbox.slot_count = kSlots;
      SmallData small;
      small.inline_bytes = kLineBytes;
      queues_.push_back(std::make_unique<SendQueue>(NodeId(i), nic_.pair(),
                                                    SendLimits{kDepth, 4096, kLineBytes}, small,
                                                    outbox, &peers_, &completions_));
    }
    completions_.SetQueues(queues_);
    inboxes_.SetQueues(queues_);
  }

  void Arrive(NodeId from, Immediate what, ibv_wc_status status = IBV_WC_SUCCESS) {
    ibv_wc result{};
    result.wr_id = from.value();
    result.status = status;
    result.imm_data = htonl(static_cast<uint32_t>(what));
    nic_.AddReceived(result);
  }
  void ArriveMessage(NodeId from, char value) {
    const uint32_t slot = sent_[from.value()]++ % kSlots;
    std::memset(mailboxes_[from.value()] + slot * kLineBytes, value, kMessageBytes);
    Arrive(from, Immediate::kMessage);
  }
  // Everything there is, as sender and value.
  std::vector<std::pair<uint32_t, char>> Receive() {
    std::vector<std::pair<uint32_t, char>> all;
    ReceivedMessage received[3];
    while (const size_t count = inboxes_.Receive(received)) {
      for (size_t i = 0; i < count; ++i) {
        all.emplace_back(received[i].from.value(),
                         static_cast<char>(received[i].message.bytes[55]));
      }
    }
    return all;
  }
  // The credits in the last request posted.
  Credits LastCredits() {
    uint64_t word = 0;
    std::memcpy(&word, nic_.posted().back().inline_data.data(), sizeof word);
    return Credits::FromWord(word);
  }

  FakeNic nic_;
  std::unique_ptr<Wakeups> wakeups_ = Wakeups::Create().value();
  Peers peers_{2, wakeups_.get()};
  Completions completions_{nic_.sends()};
  Inboxes inboxes_{nic_.receives(), kSlots, &peers_, wakeups_.get()};
  std::atomic<uint64_t> returned_{0};
  std::vector<std::unique_ptr<SendQueue>> queues_;
  std::byte mailboxes_[2][kSlots * kLineBytes] = {};
  uint32_t sent_[2] = {};
};

TEST_F(VerbsInboxes, MessagesComeInTheOrderOfTheirArrival) {
  ArriveMessage(kSecond, 'a');
  ArriveMessage(kFirst, 'b');
  ArriveMessage(kSecond, 'c');
  EXPECT_FALSE(inboxes_.HasMessages()) << "before a look at the device";
  inboxes_.Drain();
  EXPECT_TRUE(inboxes_.HasMessages());
  EXPECT_EQ(Receive(), (std::vector<std::pair<uint32_t, char>>{{1, 'a'}, {0, 'b'}, {1, 'c'}}));
  EXPECT_FALSE(inboxes_.HasMessages());
}

TEST_F(VerbsInboxes, CreditsGoBackAQuarterOfTheMailboxAtATime) {
  ArriveMessage(kSecond, 'a');
  Receive();
  EXPECT_TRUE(nic_.posted().empty());
  ArriveMessage(kSecond, 'b');
  Receive();
  ASSERT_EQ(nic_.posted().size(), 1u);
  EXPECT_EQ(nic_.posted()[0].request.wr.rdma.remote_addr, 0x2000u);
  EXPECT_EQ(LastCredits().messages, 2u);
  EXPECT_EQ(LastCredits().immediates, 0u);
  for (int i = 0; i < 2; ++i) Arrive(kSecond, Immediate::kWordChanged);
  inboxes_.Drain();
  ASSERT_EQ(nic_.posted().size(), 2u);
  EXPECT_EQ(LastCredits().messages, 2u);
  EXPECT_EQ(LastCredits().immediates, 2u);
}

// Whatever the mixture, a sender that keeps to its credits finds a receive request.
TEST_F(VerbsInboxes, ReceiveRequestsArePostedAgain) {
  EXPECT_EQ(nic_.receives_posted(), 2 * Inboxes::ReceiveDepth(kSlots));
  nic_.set_automatic(true);
  for (uint32_t used = 1; used <= 1000; ++used) {
    if (used % 3 == 0) {
      Arrive(kFirst, Immediate::kWordChanged);
    } else {
      ArriveMessage(kFirst, 'x');
    }
    Receive();
    inboxes_.Drain();
    const size_t posted = nic_.receives_posted() - Inboxes::ReceiveDepth(kSlots);  // to this peer
    ASSERT_GE(posted, used + 2 * kSlots);
    ASSERT_LE(posted, used + Inboxes::ReceiveDepth(kSlots));
  }
}

TEST_F(VerbsInboxes, OnlyWordChangesWakeThoseWhoWaitForWords) {
  const uint32_t before = wakeups_->word_changes();
  ArriveMessage(kFirst, 'a');
  inboxes_.Drain();
  EXPECT_EQ(wakeups_->word_changes(), before);
  Arrive(kFirst, Immediate::kWordChanged);
  inboxes_.Drain();
  EXPECT_NE(wakeups_->word_changes(), before);
}

TEST_F(VerbsInboxes, CreditsThatFindNoRoomAreReturnedLater) {
  const std::atomic<uint32_t> none{0};
  while (queues_[0]->ReturnCredits(none, none)) {
  }
  const size_t full = nic_.posted().size();
  ArriveMessage(kFirst, 'a');
  ArriveMessage(kFirst, 'b');
  Receive();
  EXPECT_EQ(nic_.posted().size(), full);
  EXPECT_TRUE(inboxes_.owing());
  inboxes_.PayCredits();
  EXPECT_TRUE(inboxes_.owing()) << "still no room";
  nic_.EndAll();
  completions_.Reap();
  inboxes_.PayCredits();
  EXPECT_FALSE(inboxes_.owing());
  ASSERT_EQ(nic_.posted().size(), full + 1);
  EXPECT_EQ(LastCredits().messages, 2u);
}

TEST_F(VerbsInboxes, AFlushedReceiveRequestFailsItsPeerOnly) {
  ArriveMessage(kFirst, 'a');
  Arrive(kSecond, Immediate::kMessage, IBV_WC_WR_FLUSH_ERR);
  EXPECT_EQ(Receive(), (std::vector<std::pair<uint32_t, char>>{{0, 'a'}}));
  EXPECT_TRUE(peers_.up(kFirst));
  EXPECT_FALSE(peers_.up(kSecond));
  EXPECT_EQ(peers_.failures(), 1u);
}

TEST_F(VerbsInboxes, TheLifelineExplainsABrokenConnection) {
  peers_.Fail(kFirst, PeerState::kBroken, IBV_WC_WR_FLUSH_ERR);
  const std::string vague = peers_.reason(kFirst);
  peers_.Fail(kFirst, PeerState::kDied);
  EXPECT_NE(peers_.reason(kFirst), vague);
  EXPECT_NE(peers_.reason(kFirst).find("has ended"), std::string::npos);
  peers_.Mark(kFirst, "too late");
  EXPECT_NE(peers_.reason(kFirst).find("has ended"), std::string::npos);
  EXPECT_EQ(peers_.failures(), 1u);
}

}  // namespace
}  // namespace farpage::transport::verbs

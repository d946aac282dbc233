// A segment in which another node has written what no correct node would.
#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <memory>
#include <new>

#include "transport/shm/layout.h"
#include "transport/shm/mailbox.h"

namespace farpage::transport::shm {
namespace {

constexpr uint32_t kNodes = 3;
constexpr uint32_t kSlots = 4;
constexpr uint64_t kBytes = ArenaOffset(kNodes, kSlots) + 2 * kPageBytes;

class ShmSegment : public testing::Test {
 protected:
  ~ShmSegment() override { ::operator delete[](bytes_, std::align_val_t{64}); }

  std::byte* const bytes_ = new (std::align_val_t{64}) std::byte[kBytes]();
  const Segment segment_{bytes_, kBytes};
};

TEST_F(ShmSegment, AKeyWhoseRangeEndsBeyondTheSegmentNamesNothing) {
  const uint64_t begin = ArenaOffset(kNodes, kSlots);
  KeyEntry& entry = segment_.header().keys[1];
  entry.key.store(1);
  entry.begin.store(begin);
  entry.end.store(kBytes);
  EXPECT_EQ(segment_.Resolve({begin, {1}, 0}, 8), bytes_ + begin);
  entry.end.store(kBytes + 1);
  EXPECT_EQ(segment_.Resolve({begin, {1}, 0}, 8), nullptr);
  entry.end.store(~uint64_t{0});
  EXPECT_EQ(segment_.Resolve({kBytes, {1}, 0}, 8), nullptr);
}

TEST_F(ShmSegment, MailOfNodesThatDoNotExistIsIgnored) {
  Inbox inbox(segment_, kNodes, kSlots);
  Outbox outbox;
  ASSERT_EQ(outbox.Push(segment_, NodeId(2), kSlots, Message()), Fate::kOk);
  segment_.header().mail[0].store(~uint64_t{0});
  std::array<ReceivedMessage, 8> received;
  bool more = true;
  ASSERT_EQ(inbox.Receive(received, &more), 1u);
  EXPECT_EQ(received[0].from, NodeId(2));
  EXPECT_FALSE(more);
  EXPECT_FALSE(HasMail(segment_.header(), kNodes));
}

TEST_F(ShmSegment, ASenderDoesNotWaitForARingThatIsDamaged) {
  Outbox outbox;
  segment_.ring(0, kSlots)[0].turn.store(7);  // nobody has sent anything yet
  EXPECT_EQ(outbox.Push(segment_, NodeId(0), kSlots, Message()), Fate::kBadAddress);
}

}  // namespace
}  // namespace farpage::transport::shm

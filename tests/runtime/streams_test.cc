// How sequential streams are found, and what the agent is asked for.
#include "gtest/gtest.h"
#include "runtime/engine/stream_detector.h"
#include "runtime/engine/stretch_queue.h"

namespace farpage::internal {
namespace {

constexpr uint64_t kFirst = 1000;

// Faults where the stream goes on, as the engine does: all of the window is fetched.
StreamDetector::Stream& Follow(StreamDetector& detector, int faults) {
  uint64_t page = kFirst;
  for (;;) {
    StreamDetector::Stream& stream = detector.Note({page}, Access::kRead);
    stream.next = page + stream.window;
    page = stream.next;
    if (--faults == 0) return stream;
  }
}

TEST(StreamDetectorTest, WindowDoublesUpToARun) {
  StreamDetector detector;
  EXPECT_EQ(Follow(detector, 1).window, 1u);
  EXPECT_EQ(Follow(detector, 4).window, 8u);
  EXPECT_EQ(Follow(detector, 20).window, Run::kMaxPages);
}

TEST(StreamDetectorTest, OtherPagesAndOtherAccessesBeginStreams) {
  StreamDetector detector;
  const uint64_t next = Follow(detector, 4).next;
  EXPECT_EQ(detector.Note({next + 1}, Access::kRead).window, 1u);
  EXPECT_EQ(detector.Note({next}, Access::kWrite).window, 1u);
  EXPECT_EQ(detector.Note({next}, Access::kRead).window, 16u);
}

// The agent was asked for a stretch and has not come to it: the thread that does goes on there.
TEST(StreamDetectorTest, GoesOnWhereTheAgentWasToFetch) {
  StreamDetector detector;
  StreamDetector::Stream& stream = Follow(detector, 10);
  stream.ahead = stream.next;
  const uint64_t ahead = stream.ahead;
  stream.next += Run::kMaxPages;
  EXPECT_EQ(&detector.Note({ahead}, Access::kRead), &stream);
  EXPECT_EQ(stream.window, Run::kMaxPages);
}

TEST(StreamDetectorTest, NothingAskedForIsNotPageZero) {
  StreamDetector detector;
  Follow(detector, 10);
  EXPECT_EQ(detector.Note({0}, Access::kRead).window, 1u);
}

class StretchQueueTest : public ::testing::Test {
 protected:
  Region region_;
  Region other_;
  StretchQueue queue_;
};

TEST_F(StretchQueueTest, OldestFirst) {
  EXPECT_FALSE(queue_.Pop().has_value());
  queue_.Push({&region_, 64, 10, Access::kRead});
  queue_.Push({&region_, 128, 20, Access::kWrite});
  const std::optional<Stretch> first = queue_.Pop();
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->first, 64u);
  EXPECT_EQ(first->pages, 10u);
  const std::optional<Stretch> second = queue_.Pop();
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(second->first, 128u);
  EXPECT_EQ(second->access, Access::kWrite);
  EXPECT_FALSE(queue_.Pop().has_value());
}

TEST_F(StretchQueueTest, RemovesWhatIsNamedOnly) {
  queue_.Push({&region_, 64, 1, Access::kRead});
  queue_.Push({&other_, 64, 2, Access::kRead});
  queue_.Push({&region_, 128, 3, Access::kRead});
  queue_.Remove(region_, 64);
  queue_.Remove(region_, 65);
  EXPECT_EQ(queue_.Pop()->pages, 2u);
  EXPECT_EQ(queue_.Pop()->pages, 3u);
  EXPECT_FALSE(queue_.Pop().has_value());
}

TEST_F(StretchQueueTest, ForgetsTheOldestWhenFull) {
  for (uint64_t first = 0; first < 100; ++first) queue_.Push({&region_, first, 1, Access::kRead});
  uint64_t expected = queue_.Pop()->first;
  EXPECT_GT(expected, 0u);
  while (const std::optional<Stretch> next = queue_.Pop()) EXPECT_EQ(next->first, ++expected);
  EXPECT_EQ(expected, 99u);
}

}  // namespace
}  // namespace farpage::internal

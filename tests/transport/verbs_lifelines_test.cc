// The TCP connections that tell of deaths, over loopback.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>
#include <vector>

#include "transport/verbs/lifelines.h"

namespace farpage::transport::verbs {
namespace {

absl::Time In(int seconds) { return absl::Now() + absl::Seconds(seconds); }

std::vector<Lifelines> Listen(uint32_t nodes) {
  std::vector<Lifelines> all;
  for (uint32_t i = 0; i < nodes; ++i) {
    absl::StatusOr<Lifelines> lifelines = Lifelines::Listen(NodeId(i), "127.0.0.1", nodes);
    EXPECT_TRUE(lifelines.ok()) << lifelines.status();
    if (lifelines.ok()) all.push_back(*std::move(lifelines));
  }
  return all;
}

std::vector<LifelineAddress> Addresses(const std::vector<Lifelines>& all) {
  std::vector<LifelineAddress> addresses;
  addresses.reserve(all.size());
  for (const Lifelines& lifelines : all) addresses.push_back(lifelines.address());
  return addresses;
}

void ConnectAll(std::vector<Lifelines>& all) {
  const std::vector<LifelineAddress> addresses = Addresses(all);
  std::vector<std::thread> threads;
  threads.reserve(all.size());
  for (Lifelines& lifelines : all) {
    threads.emplace_back([&] {
      const absl::Status status = lifelines.Connect(addresses, In(60));
      EXPECT_TRUE(status.ok()) << status;
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// The end of a lifeline, once there is one.
LifelineEnd AwaitEnd(const Lifelines& lifelines, NodeId peer) {
  pollfd source{lifelines.fd(peer), POLLIN, 0};
  EXPECT_EQ(::poll(&source, 1, 60'000), 1);
  return lifelines.Look(peer);
}

TEST(VerbsLifelines, ConnectEverybodyWithEverybody) {
  std::vector<Lifelines> all = Listen(4);
  ASSERT_EQ(all.size(), 4u);
  ConnectAll(all);
  for (uint32_t i = 0; i < 4; ++i) {
    for (uint32_t j = 0; j < 4; ++j) {
      EXPECT_EQ(all[i].fd(NodeId(j)) >= 0, i != j);
      if (i != j) {
        EXPECT_EQ(all[i].Look(NodeId(j)), LifelineEnd::kNone);
      }
    }
  }
}

TEST(VerbsLifelines, TellHowTheyEnd) {
  std::vector<Lifelines> all = Listen(4);
  ASSERT_EQ(all.size(), 4u);
  ConnectAll(all);
  all[1].Leave();
  all[2].GiveUp(NodeId(0));
  { const Lifelines dead = std::move(all[3]); }
  EXPECT_EQ(AwaitEnd(all[0], NodeId(1)), LifelineEnd::kLeft);
  EXPECT_EQ(AwaitEnd(all[0], NodeId(2)), LifelineEnd::kGaveUp);
  EXPECT_EQ(AwaitEnd(all[0], NodeId(3)), LifelineEnd::kDied);
  EXPECT_EQ(AwaitEnd(all[2], NodeId(1)), LifelineEnd::kLeft);
  EXPECT_EQ(AwaitEnd(all[2], NodeId(3)), LifelineEnd::kDied);
}

TEST(VerbsLifelines, StrangersAreHungUpOn) {
  std::vector<Lifelines> all = Listen(2);
  ASSERT_EQ(all.size(), 2u);
  std::vector<LifelineAddress> addresses = Addresses(all);
  // Has the right address, but not the token.
  std::vector<Lifelines> strangers = Listen(1);
  std::vector<LifelineAddress> guess = addresses;
  guess[1].token = {};
  ASSERT_TRUE(strangers[0].Connect(guess, In(60)).ok());
  ConnectAll(all);
  EXPECT_EQ(AwaitEnd(strangers[0], NodeId(1)), LifelineEnd::kDied);
  EXPECT_EQ(all[1].Look(NodeId(0)), LifelineEnd::kNone);
}

TEST(VerbsLifelines, SayWhoIsMissing) {
  std::vector<Lifelines> all = Listen(3);
  ASSERT_EQ(all.size(), 3u);
  const std::vector<LifelineAddress> addresses = Addresses(all);
  const absl::Status late = all[2].Connect(addresses, absl::Now() + absl::Milliseconds(10));
  EXPECT_EQ(late.code(), absl::StatusCode::kDeadlineExceeded) << late;
  EXPECT_NE(late.message().find("node 0 1"), absl::string_view::npos) << late;
  { const Lifelines gone = std::move(all[1]); }
  const absl::Status refused = all[0].Connect(addresses, In(60));
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable) << refused;
  EXPECT_NE(refused.message().find("node 1 at 127.0.0.1"), absl::string_view::npos) << refused;
}

TEST(VerbsLifelines, NeedAnAddress) {
  const auto lifelines = Lifelines::Listen(NodeId(0), "127.0.0", 1);
  EXPECT_EQ(lifelines.status().code(), absl::StatusCode::kInvalidArgument);
  const auto foreign = Lifelines::Listen(NodeId(0), "192.0.2.1", 1);
  EXPECT_EQ(foreign.status().code(), absl::StatusCode::kFailedPrecondition) << foreign.status();
  EXPECT_NE(foreign.status().message().find("192.0.2.1"), absl::string_view::npos);
}

}  // namespace
}  // namespace farpage::transport::verbs

// The flag: it grows, whoever sets it, and its waiter has heard of what was released.
#include "farpage/flag.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "runtime/sync/signal_flag.h"
#include "tests/sync/counted_ordering.h"
#include "tests/sync/sync_cluster.h"

namespace farpage::internal {
namespace {

using FlagTest = SyncTest;

std::vector<Flag> MakeFlags(SyncCluster& cluster, uint32_t waiting_node) {
  std::vector<Flag> flags;
  for (const auto& one : cluster.Make<std::shared_ptr<SignalFlag>>(
           [&](Cluster& c) { return SignalFlag::Create(c, "f", waiting_node); })) {
    flags.emplace_back(one);
  }
  return flags;
}

// What a wait that must succeed returns.
uint64_t Waited(Flag& flag, uint64_t value) {
  const absl::StatusOr<uint64_t> found = flag.WaitUntil(value);
  EXPECT_TRUE(found.ok()) << found.status();
  return found.ok() ? *found : 0;
}

TEST_P(FlagTest, TwoNodesTakeTurns) {
  SyncCluster cluster(GetParam(), 2);
  const Orderings orderings = CountReleases(cluster);
  std::vector<Flag> there = MakeFlags(cluster, 1);
  std::vector<Flag> back = MakeFlags(cluster, 0);
  std::atomic<uint64_t> counter = 0;  // whose turn it is may change it
  const uint64_t turns = GetParam().repetitions / 20;
  cluster.OnAll([&](uint32_t id) {
    for (uint64_t turn = 1; turn <= turns; ++turn) {
      if (id == 1) {
        ASSERT_EQ(Waited(there[1], turn), turn);
      }
      ASSERT_EQ(counter.load(std::memory_order_relaxed), 2 * turn - 2 + id);
      counter.store(2 * turn - 1 + id, std::memory_order_relaxed);
      ASSERT_EQ((id == 0 ? there : back)[id].Set(turn), absl::OkStatus());
      if (id == 0) {
        ASSERT_EQ(Waited(back[0], turn), turn);
      }
      ASSERT_GE(orderings[id]->known(1 - id), turn);
    }
  });
  EXPECT_EQ(counter.load(), 2 * turns);
}

// All nodes set values of their own at once; what the waiter finds is one of them, and it has heard
// of that release.
TEST_P(FlagTest, ManySetAtOnce) {
  constexpr uint32_t kNodes = 5;
  constexpr uint32_t kWaiting = 2;
  SyncCluster cluster(GetParam(), kNodes);
  const Orderings orderings = CountReleases(cluster);
  std::vector<Flag> flags = MakeFlags(cluster, kWaiting);
  const uint64_t turns = GetParam().repetitions / 20;
  cluster.OnAll([&](uint32_t id) {
    std::thread waiter;
    if (id == kWaiting) {
      waiter = std::thread([&] {
        uint64_t found = 0;
        while (found < turns * kNodes) {
          const uint64_t next = Waited(flags[kWaiting], found + 1);
          ASSERT_GT(next, found);
          found = next;
          const uint64_t turn = found / kNodes;
          ASSERT_GE(orderings[kWaiting]->known(static_cast<uint32_t>(found % kNodes)), turn);
        }
      });
    }
    for (uint64_t turn = 1; turn <= turns; ++turn) {
      ASSERT_EQ(flags[id].Set(turn * kNodes + id), absl::OkStatus());
    }
    if (id == kWaiting) waiter.join();
  });
  EXPECT_EQ(Waited(flags[kWaiting], 0), turns * kNodes + kNodes - 1);
  for (uint32_t id = 0; id < kNodes; ++id) {
    EXPECT_EQ(orderings[kWaiting]->known(id), turns) << id;
  }
}

TEST_P(FlagTest, ThreadsWaitForDifferentValues) {
  SyncCluster cluster(GetParam(), 2);
  std::vector<Flag> flags = MakeFlags(cluster, 0);
  std::atomic<uint64_t> set = 0;
  std::vector<std::thread> waiters;
  for (uint64_t value = 1; value <= 4; ++value) {
    waiters.emplace_back([&, value] {
      EXPECT_GE(Waited(flags[0], value), value);
      EXPECT_GE(set.load(), value);
    });
  }
  for (uint64_t value = 1; value <= 4; ++value) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    set.store(value);
    ASSERT_EQ(flags[1].Set(value), absl::OkStatus());
  }
  for (std::thread& waiter : waiters) waiter.join();
}

TEST_P(FlagTest, ItOnlyGrowsAndPassesOnWhatIsReleased) {
  SyncCluster cluster(GetParam(), 3);
  const Orderings orderings = CountReleases(cluster);
  std::vector<Flag> flags = MakeFlags(cluster, 0);
  ASSERT_EQ(flags[1].Set(10), absl::OkStatus());
  ASSERT_EQ(flags[2].Set(5), absl::OkStatus());
  ASSERT_EQ(flags[1].Set(7), absl::OkStatus());
  EXPECT_EQ(Waited(flags[0], 1), 10u);
  EXPECT_EQ(orderings[0]->known(1), 2u);
  EXPECT_EQ(orderings[0]->known(2), 1u);
  EXPECT_EQ(flags[0].waiting_node(), 0u);
}

TEST_P(FlagTest, OnlyOneNodeWaits) {
  SyncCluster cluster(GetParam(), 2);
  std::vector<Flag> flags = MakeFlags(cluster, 0);
  ASSERT_EQ(flags[1].Set(1), absl::OkStatus());
  const absl::Status status = flags[1].WaitUntil(1).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
  EXPECT_TRUE(Names(status, 0)) << status;
}

TEST_P(FlagTest, TimeoutSaysHowFarItIs) {
  SyncCluster cluster(GetParam(), 2, 100);
  std::vector<Flag> flags = MakeFlags(cluster, 0);
  ASSERT_EQ(flags[1].Set(41), absl::OkStatus());
  const absl::Status status = flags[0].WaitUntil(42).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded) << status;
  EXPECT_NE(status.message().find("41 and not 42"), absl::string_view::npos) << status;
}

TEST_P(FlagTest, DeadNodesAreNamed) {
  SyncCluster cluster(GetParam(), 3);
  std::vector<Flag> flags = MakeFlags(cluster, 0);
  ASSERT_EQ(flags[1].Set(1), absl::OkStatus());
  std::thread waiter([&] {
    const absl::Status status = flags[0].WaitUntil(2).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
    EXPECT_TRUE(Names(status, 1)) << status;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  cluster.MarkFailed(1);
  waiter.join();
  EXPECT_EQ(Waited(flags[0], 1), 1u);
  ASSERT_EQ(flags[2].Set(2), absl::OkStatus());
  EXPECT_EQ(Waited(flags[0], 2), 2u);

  cluster.MarkFailed(0);
  const absl::Status set = flags[2].Set(3);
  EXPECT_EQ(set.code(), absl::StatusCode::kUnavailable) << set;
  EXPECT_TRUE(Names(set, 0)) << set;
}

TEST_P(FlagTest, WaitingNodesAreCheckedAndCompared) {
  SyncCluster cluster(GetParam(), 2);
  const auto expect_bad = [&](uint32_t here, uint32_t there) {
    cluster.OnAll([&](uint32_t id) {
      const auto made = SignalFlag::Create(cluster.node(id).cluster(), "f", id == 0 ? here : there);
      EXPECT_EQ(made.status().code(), absl::StatusCode::kInvalidArgument) << made.status();
    });
  };
  expect_bad(0, 1);
  expect_bad(2, 2);
}

FARPAGE_INSTANTIATE_SYNC_TEST(FlagTest);

}  // namespace
}  // namespace farpage::internal

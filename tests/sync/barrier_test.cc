// The barrier: nobody passes before all have come, and who waits in vain is told for whom.
#include "runtime/sync/barrier.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <random>
#include <thread>

#include "tests/sync/sync_cluster.h"

namespace farpage::internal {
namespace {

using BarrierTest = SyncTest;
using Barriers = std::vector<std::unique_ptr<Barrier>>;

Barriers MakeBarriers(SyncCluster& cluster) {
  return cluster.Make<std::unique_ptr<Barrier>>([](Cluster& c) { return Barrier::Create(c); });
}

// Every node counts the rounds it has begun, and looks at the others' counts behind the barrier.
void PassRounds(const transport::Backend& backend, uint32_t nodes, uint32_t rounds,
                const std::function<void(uint32_t id, uint32_t round)>& before) {
  SyncCluster cluster(backend, nodes);
  Barriers barriers = MakeBarriers(cluster);
  std::vector<std::atomic<uint32_t>> begun(nodes);
  cluster.OnAll([&](uint32_t id) {
    for (uint32_t round = 1; round <= rounds; ++round) {
      before(id, round);
      begun[id].store(round, std::memory_order_relaxed);
      ASSERT_EQ(barriers[id]->Wait(), absl::OkStatus());
      for (const std::atomic<uint32_t>& count : begun) {
        const uint32_t seen = count.load(std::memory_order_relaxed);
        ASSERT_GE(seen, round);
        ASSERT_LE(seen, round + 1);
      }
    }
  });
  for (uint32_t id = 0; id < nodes; ++id)
    EXPECT_EQ(cluster.node(id).count(Counter::barriers), rounds);
}

TEST_P(BarrierTest, NobodyPassesBeforeAllHaveCome) {
  for (const uint32_t nodes : {2u, 3u, 4u, 5u, 8u}) {
    SCOPED_TRACE(nodes);
    PassRounds(GetParam(), nodes, GetParam().repetitions / nodes, [](uint32_t, uint32_t) {});
  }
}

TEST_P(BarrierTest, NodesMayBeLate) {
  for (const uint32_t nodes : {2u, 3u, 5u}) {
    SCOPED_TRACE(nodes);
    std::vector<std::minstd_rand> random;
    random.reserve(nodes);
    for (uint32_t id = 0; id < nodes; ++id) random.emplace_back(id + 1);
    PassRounds(GetParam(), nodes, 200, [&](uint32_t id, uint32_t) {
      const auto delay = random[id]() % 8 == 0 ? random[id]() % 1000 : 0;
      std::this_thread::sleep_for(std::chrono::microseconds(delay));
    });
  }
}

TEST_P(BarrierTest, OneNodeNeedsNobody) {
  SyncCluster cluster(GetParam(), 1);
  Barriers barriers = MakeBarriers(cluster);
  for (int round = 0; round < 1000; ++round) ASSERT_EQ(barriers[0]->Wait(), absl::OkStatus());
  EXPECT_EQ(cluster.node(0).count(Counter::barriers), 1000u);
}

TEST_P(BarrierTest, FailedNodeIsNamedAndTheBarrierStaysBroken) {
  SyncCluster cluster(GetParam(), 5);
  Barriers barriers = MakeBarriers(cluster);
  cluster.OnAll([&](uint32_t id) {
    ASSERT_EQ(barriers[id]->Wait(), absl::OkStatus());
    if (id == 3) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      cluster.MarkFailed(3);
      return;
    }
    const absl::Status status = barriers[id]->Wait();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
    EXPECT_TRUE(Names(status, 3)) << status;
    const absl::Status later = barriers[id]->Wait();
    EXPECT_EQ(later.code(), absl::StatusCode::kUnavailable) << later;
    EXPECT_TRUE(Names(later, 3)) << later;
    EXPECT_NE(later.message().find("broken since barrier 2"), absl::string_view::npos) << later;
  });
}

TEST_P(BarrierTest, NodeThatLeavesIsNamed) {
  SyncCluster cluster(GetParam(), 4);
  Barriers barriers = MakeBarriers(cluster);
  cluster.OnAll([&](uint32_t id) {
    if (id == 1) {
      barriers[1].reset();
      cluster.End(1);
      return;
    }
    const absl::Status status = barriers[id]->Wait();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
    EXPECT_TRUE(Names(status, 1)) << status;
  });
}

TEST_P(BarrierTest, NodeMayLeaveOnceItHasPassed) {
  const uint32_t turns = std::min(30u, GetParam().repetitions / 40);
  for (uint32_t turn = 0; turn < turns; ++turn) {
    SyncCluster cluster(GetParam(), 5);
    Barriers barriers = MakeBarriers(cluster);
    cluster.OnAll([&](uint32_t id) {
      const absl::Status status = barriers[id]->Wait();
      EXPECT_EQ(status, absl::OkStatus());
      barriers[id].reset();
      cluster.End(id);
    });
  }
}

TEST_P(BarrierTest, TimeoutNamesThoseWhoHaveNotCome) {
  SyncCluster cluster(GetParam(), 5, 300);
  Barriers barriers = MakeBarriers(cluster);
  std::atomic<int> waiting = 3;
  cluster.OnAll([&](uint32_t id) {
    if (id == 1 || id == 4) {
      Await("the others' timeouts", [&] { return waiting.load() == 0; });
      return;
    }
    const absl::Status status = barriers[id]->Wait();
    EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded) << status;
    EXPECT_NE(status.message().find("nodes that have not arrived: 1, 4"), absl::string_view::npos)
        << status;
    waiting.fetch_sub(1);
  });
}

FARPAGE_INSTANTIATE_SYNC_TEST(BarrierTest);

}  // namespace
}  // namespace farpage::internal

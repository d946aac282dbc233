// The simulation itself: the same seed is the same execution, and plain programs do what they say.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/simulation/simulated_cluster.h"
#include "transport/sim/random.h"

namespace farpage::simulation {
namespace {

using transport::sim::Random;

struct Outcome {
  uint64_t hash = 0;
  uint64_t events = 0;
  int64_t now_ns = 0;
};

// Three nodes read and write a few words of one page at random.
Outcome RunRandomly(uint64_t seed, int64_t jitter_ns) {
  ClusterOptions options;
  options.seed = seed;
  options.faults.jitter_ns = jitter_ns;
  SimulatedCluster cluster(options);
  cluster.Run([&](SimulatedNode& node) {
    const uint64_t page = node.Allocate("page", 1);
    node.Ready();
    Random random(seed * 1000 + node.id().value());
    for (int turn = 0; turn < 200; ++turn) {
      const uint64_t address = page + 8 * random.Below(4);
      if (random.OneIn(3)) {
        node.Write(address, random.Next());
      } else {
        node.Read(address);
      }
      node.Work(random.Between(0, 3000));
    }
    EXPECT_TRUE(node.Barrier().ok());
  });
  EXPECT_FALSE(cluster.failure().has_value()) << cluster.failure()->what << "\n"
                                              << cluster.DescribeTrace(cluster.failure()->page, 40);
  return {cluster.trace().hash(), cluster.trace().count(), cluster.now_ns()};
}

TEST(SimulatedCluster, SameSeedSameExecution) {
  const Outcome first = RunRandomly(7, 2000);
  const Outcome second = RunRandomly(7, 2000);
  EXPECT_EQ(first.hash, second.hash);
  EXPECT_EQ(first.events, second.events);
  EXPECT_EQ(first.now_ns, second.now_ns);
  EXPECT_GT(first.events, 1000u);
  EXPECT_NE(first.hash, RunRandomly(8, 2000).hash);
}

TEST(SimulatedCluster, WhatOneWritesAnotherReadsAfterABarrier) {
  SimulatedCluster cluster({});
  std::vector<uint64_t> read;
  cluster.Run([&](SimulatedNode& node) {
    const uint64_t x = node.Allocate("x", 3);
    if (node.id() == NodeId(0)) node.Write(x, 17);
    EXPECT_TRUE(node.Barrier().ok());
    read.push_back(node.Read(x));
  });
  EXPECT_FALSE(cluster.failure().has_value()) << cluster.failure()->what;
  EXPECT_EQ(read, std::vector<uint64_t>({17, 17, 17}));
}

// The chain that finds out ends on another thread than the one that waits for the page.
TEST(SimulatedCluster, AnAccessToALostPageFailsAtOnceAndNamesTheDeadNode) {
  ClusterOptions options;
  options.spin_ns = 0;
  SimulatedCluster cluster(options);
  std::vector<internal::AccessResult> results;
  int64_t waited_ns = 0;
  cluster.Run([&](SimulatedNode& node) {
    const uint64_t page = node.Allocate("page", 1, {.placement = Placement::kOneHome, .home = 0});
    node.Ready();
    if (node.id() == NodeId(2)) {
      node.Write(page, 1);
      cluster.network().Kill(NodeId(2));
    }
    if (node.id() != NodeId(1)) return;
    node.Work(10'000'000);
    const int64_t begin_ns = cluster.now_ns();
    for (int thread = 0; thread < 3; ++thread) {
      node.Start([&, page] {
        uint64_t value = 0;
        results.push_back(node.Load(page, &value));
        results.push_back(node.Store(page, 2));
        waited_ns = cluster.now_ns() - begin_ns;
      });
    }
  });
  EXPECT_FALSE(cluster.failure().has_value()) << cluster.failure()->what;
  EXPECT_EQ(results.size(), 6u);
  for (const internal::AccessResult& result : results) {
    EXPECT_EQ(result.fate, transport::Fate::kPeerFailed);
    EXPECT_EQ(result.peer, NodeId(2));
  }
  EXPECT_LT(waited_ns, 1'000'000'000);
}

TEST(SimulatedCluster, WithoutFaultsNothingIsLeftToChance) {
  std::vector<uint64_t> hashes;
  for (uint64_t seed = 1; seed <= 2; ++seed) {
    ClusterOptions options;
    options.nodes = 40;
    options.seed = seed;
    SimulatedCluster cluster(options);
    cluster.Run([&](SimulatedNode& node) {
      const uint64_t page = node.Allocate("page", 1);
      node.Ready();
      node.Read(page);
      if (node.id() == NodeId(1)) node.Write(page, 1);
      EXPECT_TRUE(node.Barrier().ok());
    });
    EXPECT_FALSE(cluster.failure().has_value()) << cluster.failure()->what;
    hashes.push_back(cluster.trace().hash());
  }
  EXPECT_EQ(hashes[0], hashes[1]);
}

// More pages than there are buffers for diffs, then pages of a home that lives: whoever waits for
// buffers in between learns of the dead home, and must not keep it to itself.
TEST(SimulatedCluster, AReleaseTellsOfAHomeThatDiedWhateverCameAfter) {
  SimulatedCluster cluster({});
  absl::Status released;
  absl::Status again;
  cluster.Run([&](SimulatedNode& node) {
    const auto allocate = [&](const char* name, uint64_t pages, uint32_t home) {
      return node.Allocate(
          name, pages,
          {.consistency = Consistency::kRelease, .placement = Placement::kOneHome, .home = home});
    };
    const uint64_t dies = allocate("dies", internal::DiffSender::kBuffers, 1);
    const uint64_t lives = allocate("lives", 32, 2);
    node.Ready();
    if (node.id() != NodeId(0)) return node.Work(50'000'000);
    for (uint64_t page = 0; page < internal::DiffSender::kBuffers; ++page) {
      node.Write(dies + page * internal::kPageBytes, 1);
    }
    for (uint64_t page = 0; page < 32; ++page) node.Write(lives + page * internal::kPageBytes, 1);
    cluster.network().Kill(NodeId(1));
    std::vector<internal::ClockWord> clock(3);
    released = node.parts().ordering()->Release(clock);
    again = node.parts().ordering()->Release(clock);
  });
  EXPECT_FALSE(cluster.failure().has_value()) << cluster.failure()->what;
  EXPECT_EQ(released.code(), absl::StatusCode::kUnavailable) << released;
  EXPECT_NE(released.ToString().find("node 1"), std::string::npos) << released;
  EXPECT_TRUE(again.ok()) << again;
}

// Dirty pages are evicted for as long as there are any, however long the interval: what was sent
// home gives its buffers back without a release.
TEST(SimulatedCluster, AnIntervalMayWriteMoreThanTheCacheHolds) {
  constexpr uint64_t kPages = 1'500;  // more than the cache and all twins together
  ClusterOptions options;
  options.cache_pages = 16;
  SimulatedCluster cluster(options);
  uint64_t evicted = 0;
  uint64_t wrong = 0;
  cluster.Run([&](SimulatedNode& node) {
    const uint64_t memory = node.Allocate(
        "memory", kPages,
        {.consistency = Consistency::kRelease, .placement = Placement::kOneHome, .home = 0});
    node.Ready();
    if (node.id() == NodeId(1)) {
      for (uint64_t page = 0; page < kPages; ++page) {
        node.Write(memory + page * internal::kPageBytes, page + 1);
      }
      evicted = node.statistics()[Counter::evicted_dirty];
    }
    EXPECT_TRUE(node.Barrier().ok());
    if (node.id() != NodeId(0)) return;
    for (uint64_t page = 0; page < kPages; ++page) {
      wrong += node.Read(memory + page * internal::kPageBytes) != page + 1 ? 1 : 0;
    }
  });
  EXPECT_FALSE(cluster.failure().has_value()) << cluster.failure()->what;
  EXPECT_GT(evicted, kPages - 64);
  EXPECT_EQ(wrong, 0u);
}

// Streams are recognised beyond what one chain fetches.
TEST(SimulatedCluster, AStreamOfReleasedPagesTakesFewChains) {
  constexpr uint64_t kPages = 256;
  SimulatedCluster cluster({});
  uint64_t chains = 0;
  cluster.Run([&](SimulatedNode& node) {
    const uint64_t memory = node.Allocate(
        "memory", kPages,
        {.consistency = Consistency::kRelease, .placement = Placement::kOneHome, .home = 0});
    node.Ready();
    if (node.id() != NodeId(1)) return;
    for (uint64_t page = 0; page < kPages; ++page) node.Read(memory + page * internal::kPageBytes);
    chains = node.statistics()[Counter::miss_chains];
  });
  EXPECT_FALSE(cluster.failure().has_value()) << cluster.failure()->what;
  // 1, 2, 4 and 8 pages, then 16 at a time.
  EXPECT_EQ(chains, 4 + (kPages - 15 + 15) / 16);
}

}  // namespace
}  // namespace farpage::simulation

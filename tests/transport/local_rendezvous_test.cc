#include "transport/local_rendezvous.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace farpage::transport {
namespace {

absl::Time Soon() { return absl::Now() + absl::Seconds(60); }

// Runs `body(rendezvous)` on a thread per node.
template <typename Body>
void OnEveryNode(LocalCluster& cluster, const Body& body) {
  std::vector<std::thread> threads;
  threads.reserve(cluster.size());
  for (uint32_t i = 0; i < cluster.size(); ++i) {
    threads.emplace_back([&cluster, &body, i] { body(cluster.node(NodeId(i))); });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(LocalCluster, GathersByNodeIdOverManyRounds) {
  LocalCluster cluster(4);
  OnEveryNode(cluster, [](Rendezvous& node) {
    for (int round = 0; round < 50; ++round) {
      const std::string key = absl::StrCat("round ", round);
      Contribution mine;
      mine.bytes = absl::StrCat(node.self().value(), "/", round);
      auto all = node.AllGather(key, std::move(mine), Soon());
      ASSERT_TRUE(all.ok()) << all.status();
      ASSERT_EQ(all->size(), 4u);
      for (size_t i = 0; i < 4; ++i) EXPECT_EQ((*all)[i].bytes, absl::StrCat(i, "/", round));
    }
  });
}

TEST(LocalCluster, DuplicatesDescriptors) {
  LocalCluster cluster(2);
  int pipe_ends[2];
  ASSERT_EQ(::pipe2(pipe_ends, O_CLOEXEC), 0);
  OnEveryNode(cluster, [&](Rendezvous& node) {
    Contribution mine;
    if (node.self() == NodeId(0)) mine.fds.emplace_back(pipe_ends[1]);
    auto all = node.AllGather("fds", std::move(mine), Soon());
    ASSERT_TRUE(all.ok()) << all.status();
    ASSERT_EQ((*all)[0].fds.size(), 1u);
    EXPECT_EQ(::write((*all)[0].fds[0].get(), "x", 1), 1);
  });
  // Every copy and the original are closed: two bytes, then the end.
  char byte;
  EXPECT_EQ(::read(pipe_ends[0], &byte, 1), 1);
  EXPECT_EQ(::read(pipe_ends[0], &byte, 1), 1);
  EXPECT_EQ(::read(pipe_ends[0], &byte, 1), 0);
  ::close(pipe_ends[0]);
}

TEST(LocalCluster, NamesWhoIsMissing) {
  LocalCluster cluster(3);
  auto all = cluster.node(NodeId(1)).AllGather("start", {}, absl::Now() + absl::Milliseconds(10));
  EXPECT_EQ(all.status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(absl::StrContains(std::string(all.status().message()), ": 0, 2"))
      << all.status().message();
}

TEST(LocalCluster, ADifferentKeyIsAnErrorWithBothKeys) {
  LocalCluster cluster(2);
  OnEveryNode(cluster, [](Rendezvous& node) {
    auto all = node.AllGather(node.self() == NodeId(0) ? "apple" : "pear", {}, Soon());
    EXPECT_EQ(all.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_TRUE(absl::StrContains(std::string(all.status().message()), "apple"));
    EXPECT_TRUE(absl::StrContains(std::string(all.status().message()), "pear"));
  });
}

TEST(LocalCluster, ANodeThatLeftEndsTheWait) {
  LocalCluster cluster(2);
  std::thread leaver([&] { cluster.Leave(NodeId(1)); });
  auto all = cluster.node(NodeId(0)).AllGather("end", {}, Soon());
  leaver.join();
  EXPECT_EQ(all.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(absl::StrContains(std::string(all.status().message()), "node 1"));
}

TEST(LocalCluster, RefusesOversizedContributions) {
  LocalCluster cluster(1);
  Contribution mine;
  mine.bytes.resize((1 << 20) + 1);
  auto all = cluster.node(NodeId(0)).AllGather("big", std::move(mine), Soon());
  EXPECT_EQ(all.status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace farpage::transport

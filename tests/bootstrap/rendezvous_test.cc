#include <gtest/gtest.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "runtime/bootstrap/unix_address.h"
#include "tests/bootstrap/server_thread.h"

namespace farpage::bootstrap {
namespace {

using transport::Contribution;
using transport::OwnedFd;
using Gathered = absl::StatusOr<std::vector<Contribution>>;

absl::Time Soon(int64_t ms = 10'000) { return absl::Now() + absl::Milliseconds(ms); }

bool Mentions(const absl::Status& status, const std::string& text) {
  return std::string(status.message()).find(text) != std::string::npos;
}

OwnedFd FileOfSize(off_t size) {
  OwnedFd fd(memfd_create("test", MFD_CLOEXEC));
  EXPECT_EQ(ftruncate(fd.get(), size), 0);
  return fd;
}

off_t SizeOf(const OwnedFd& fd) {
  struct stat file {};
  EXPECT_EQ(fstat(fd.get(), &file), 0);
  return file.st_size;
}

// Calls `body` for each node in a thread of its own.
void OnEach(std::vector<std::unique_ptr<Membership>>& nodes,
            const std::function<void(Membership&)>& body) {
  std::vector<std::thread> threads;
  threads.reserve(nodes.size());
  for (auto& node : nodes) threads.emplace_back([&body, &node] { body(*node); });
  for (std::thread& thread : threads) thread.join();
}

bool WaitForEvent(const Membership& node, int timeout_ms = 10'000) {
  pollfd ready{node.event_fd(), POLLIN, 0};
  return poll(&ready, 1, timeout_ms) == 1;
}

std::vector<PeerDeath> WaitForDeaths(Membership& node, size_t count) {
  std::vector<PeerDeath> all;
  while (all.size() < count && WaitForEvent(node)) {
    for (PeerDeath& death : node.TakeDeaths()) all.push_back(std::move(death));
  }
  return all;
}

class AllGather : public testing::TestWithParam<uint32_t> {};
INSTANTIATE_TEST_SUITE_P(Sizes, AllGather, testing::Values(1, 2, 5));

TEST_P(AllGather, BringsEverybodysBytesAndDescriptorsToEverybody) {
  ServerThread server(GetParam());
  std::vector<std::unique_ptr<Membership>> nodes = server.JoinAll();
  ASSERT_EQ(nodes.size(), GetParam());
  OnEach(nodes, [](Membership& node) {
    const uint32_t self = node.self().value();
    EXPECT_TRUE(node.carries_fds());
    for (uint32_t round = 0; round < 20; ++round) {
      Contribution mine{absl::StrCat("node ", self, " round ", round), {}};
      for (uint32_t i = 0; i < self % 3; ++i) mine.fds.push_back(FileOfSize(100 * self + i));
      const Gathered all = node.AllGather(absl::StrCat("round ", round), std::move(mine), Soon());
      ASSERT_TRUE(all.ok()) << all.status();
      ASSERT_EQ(all->size(), node.size());
      for (uint32_t from = 0; from < node.size(); ++from) {
        const Contribution& theirs = (*all)[from];
        EXPECT_EQ(theirs.bytes, absl::StrCat("node ", from, " round ", round));
        ASSERT_EQ(theirs.fds.size(), from % 3);
        for (uint32_t i = 0; i < from % 3; ++i) EXPECT_EQ(SizeOf(theirs.fds[i]), 100 * from + i);
      }
    }
  });
}

TEST(Rendezvous, CarriesTheLargestContributions) {
  ServerThread server(4);
  std::vector<std::unique_ptr<Membership>> nodes = server.JoinAll();
  OnEach(nodes, [](Membership& node) {
    const auto letter = static_cast<char>('a' + node.self().value());
    Contribution mine{std::string(1 << 20, letter), {}};
    for (int i = 0; i < 16; ++i) mine.fds.push_back(FileOfSize(i));
    const Gathered all = node.AllGather("large", std::move(mine), Soon());
    ASSERT_TRUE(all.ok()) << all.status();
    for (uint32_t from = 0; from < 4; ++from) {
      EXPECT_EQ((*all)[from].bytes, std::string(1 << 20, static_cast<char>('a' + from)));
      ASSERT_EQ((*all)[from].fds.size(), 16u);
      EXPECT_EQ(SizeOf((*all)[from].fds[15]), 15);
    }
  });
}

TEST(Rendezvous, RefusesWhatIsTooLarge) {
  ServerThread server(1);
  std::vector<std::unique_ptr<Membership>> nodes = server.JoinAll();
  const auto gather = [&nodes](const std::string& key, Contribution mine) {
    return nodes[0]->AllGather(key, std::move(mine), Soon()).status();
  };
  Contribution many;
  for (int i = 0; i < 17; ++i) many.fds.push_back(FileOfSize(0));
  EXPECT_TRUE(absl::IsInvalidArgument(gather("key", std::move(many))));
  EXPECT_TRUE(absl::IsInvalidArgument(gather("key", {std::string((1 << 20) + 1, 'x'), {}})));
  EXPECT_TRUE(absl::IsInvalidArgument(gather(std::string(257, 'k'), {})));
  EXPECT_TRUE(gather("key", {}).ok());
}

TEST(Rendezvous, WithoutALauncherANodeIsAClusterOfOne) {
  absl::StatusOr<std::unique_ptr<Membership>> node = JoinCluster(NodeOptions{}, Soon());
  ASSERT_TRUE(node.ok());
  EXPECT_EQ((*node)->size(), 1u);
  const Gathered all = (*node)->AllGather("key", {"mine", {}}, Soon());
  ASSERT_TRUE(all.ok());
  EXPECT_EQ(all->at(0).bytes, "mine");
  (*node)->Leave();
  EXPECT_TRUE((*node)->TakeDeaths().empty());
}

TEST(Admission, ChecksSecretRankAndSize) {
  ServerThread server(2);
  const auto join = [](const NodeOptions& node) { return JoinCluster(node, Soon()).status(); };

  NodeOptions secret = server.OptionsFor(0);
  secret.job_secret[31] = secret.job_secret[31] == '0' ? '1' : '0';
  EXPECT_TRUE(absl::IsPermissionDenied(join(secret))) << join(secret);
  secret.job_secret = "not hexadecimal";
  EXPECT_TRUE(absl::IsInvalidArgument(join(secret)));

  NodeOptions rank = server.OptionsFor(0);
  rank.size = 3;
  EXPECT_TRUE(absl::IsInvalidArgument(join(rank)));
  EXPECT_TRUE(Mentions(join(rank), "job of 2 nodes")) << join(rank);
  rank.rank = 3;
  EXPECT_TRUE(absl::IsInvalidArgument(join(rank)));

  NodeOptions address = server.OptionsFor(0);
  address.rendezvous = "tcp:host:1";
  EXPECT_TRUE(absl::IsInvalidArgument(join(address)));
  EXPECT_TRUE(Mentions(join(address), "tcp:host:1"));
  address.rendezvous = "unix-abstract:farpage-nobody-listens-here";
  EXPECT_TRUE(absl::IsUnavailable(join(address)));
}

TEST(Admission, ARankJoinsOnce) {
  ServerThread server(2);
  absl::StatusOr<std::unique_ptr<Membership>> first = server.Join(1);
  ASSERT_TRUE(first.ok());
  const absl::Status again = server.Join(1).status();
  EXPECT_TRUE(absl::IsAlreadyExists(again)) << again;
  EXPECT_TRUE(Mentions(again, "node 1 has joined already"));
  (*first)->Leave();
  EXPECT_TRUE(absl::IsAlreadyExists(server.Join(1).status()));
}

TEST(Admission, TheDeadAreNotReplaced) {
  ServerThread server(2);
  server.NodeEnded(1, {ProcessEnd::Kind::kKilled, 9});
  EXPECT_TRUE(Mentions(server.Join(1).status(), "node 1 has died"));
}

int ConnectRaw(const std::string& text) {
  const absl::StatusOr<UnixAddress> address = ParseUnixAddress(text);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  EXPECT_EQ(connect(fd, address->get(), address->length), 0);
  return fd;
}

// Waits until the other side closes; returns what it said before.
std::string ReadToEnd(int fd) {
  std::string text;
  char buffer[4096];
  for (ssize_t got = 0; (got = read(fd, buffer, sizeof(buffer))) > 0;) {
    text.append(buffer, static_cast<size_t>(got));
  }
  return text;
}

TEST(Admission, GarbageIsCutOffAndHarmsNobody) {
  ServerThread server(1);
  const std::string hello = EncodeHello(Hello{});
  const std::string bad[] = {"GET / HTTP/1.1\r\n\r\n",
                             std::string(1000, '\0'),
                             std::string(1000, '\xff'),
                             EncodeLeave(),
                             EncodeContribute({"key", 1, ""}, 0),
                             EncodeContribute({"key", 1, std::string(100'000, 'x')}, 0)};
  for (const std::string& bytes : bad) {
    const OwnedFd fd(ConnectRaw(server.OptionsFor(0).rendezvous));
    ASSERT_GT(send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), 0);
    EXPECT_EQ(ReadToEnd(fd.get()), "");
  }
  for (size_t length = 0; length < hello.size(); ++length) {  // and what ends in the middle
    const OwnedFd fd(ConnectRaw(server.OptionsFor(0).rendezvous));
    EXPECT_EQ(send(fd.get(), hello.data(), length, MSG_NOSIGNAL), static_cast<ssize_t>(length));
  }
  absl::StatusOr<std::unique_ptr<Membership>> node = server.Join(0);
  ASSERT_TRUE(node.ok()) << node.status();
  EXPECT_TRUE((*node)->AllGather("key", {}, Soon()).ok());
}

TEST(Admission, AnotherReleaseIsTold) {
  ServerThread server(1);
  const OwnedFd fd(ConnectRaw(server.OptionsFor(0).rendezvous));
  Hello hello;
  hello.version = kProtocolVersion + 1;
  hello.size = 1;
  const std::string bytes = EncodeHello(hello);
  ASSERT_GT(send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), 0);
  EXPECT_NE(ReadToEnd(fd.get()).find("version 2"), std::string::npos);
}

TEST(Admission, AnotherUserGetsNowhere) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to become somebody else";
  ServerThread server(1);
  const pid_t child = fork();
  if (child == 0) {
    constexpr uid_t kNobody = 65534;
    if (setresuid(kNobody, kNobody, kNobody) != 0) _exit(2);
    // The node refuses to show the secret to a launcher of another user…
    if (!absl::IsPermissionDenied(server.Join(0).status())) _exit(3);
    // …and the launcher does not listen to one who would.
    const int fd = ConnectRaw(server.OptionsFor(0).rendezvous);
    Hello hello;
    hello.size = 1;
    hello.secret = *ParseSecret(server.OptionsFor(0).job_secret);
    const std::string bytes = EncodeHello(hello);
    (void)send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    _exit(ReadToEnd(fd).empty() ? 0 : 4);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(server.Join(0).ok());
}

TEST(Failure, TheMissingAreNamedWhenTimeIsUp) {
  ServerThread server(4);
  std::vector<std::unique_ptr<Membership>> nodes;
  for (uint32_t rank : {0u, 2u}) nodes.push_back(*server.Join(rank));
  OnEach(nodes, [](Membership& node) {
    const absl::Status status = node.AllGather("join", {}, Soon(200)).status();
    EXPECT_TRUE(absl::IsDeadlineExceeded(status)) << status;
    EXPECT_TRUE(Mentions(status, "nodes 1 and 3 of 4 have not joined within")) << status;
  });
  // The latecomers learn at once why it is too late.
  absl::StatusOr<std::unique_ptr<Membership>> late = server.Join(1);
  ASSERT_TRUE(late.ok());
  EXPECT_TRUE(Mentions((*late)->AllGather("join", {}, Soon()).status(), "nodes 1 and 3 of 4"));
}

TEST(Failure, AnotherKeyIsToldToAllWithBoth) {
  ServerThread server(3);
  std::vector<std::unique_ptr<Membership>> nodes = server.JoinAll();
  OnEach(nodes, [](Membership& node) {
    const bool odd = node.self().value() == 1;
    const absl::Status status =
        node.AllGather(odd ? "barrier 7" : "allocate x", {}, Soon()).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    EXPECT_TRUE(Mentions(status, "'barrier 7'") && Mentions(status, "'allocate x'")) << status;
  });
  EXPECT_TRUE(absl::IsInvalidArgument(nodes[0]->AllGather("next", {}, Soon()).status()));
}

TEST(Failure, ADeathIsToldToThoseWhoWaitAndToThoseWhoDoNot) {
  ServerThread server(4);
  std::vector<std::unique_ptr<Membership>> nodes = server.JoinAll();
  std::thread waiter([&nodes] {
    const absl::Status status = nodes[0]->AllGather("key", {}, Soon()).status();
    EXPECT_EQ(status, absl::UnavailableError("node 2 was killed by signal 9 (Killed)"));
  });
  nodes[2].reset();
  server.NodeEnded(2, {ProcessEnd::Kind::kKilled, 9});
  waiter.join();
  for (uint32_t rank : {0u, 1u, 3u}) {
    const std::vector<PeerDeath> deaths = WaitForDeaths(*nodes[rank], 1);
    ASSERT_EQ(deaths.size(), 1u);
    EXPECT_EQ(deaths[0].node, NodeId(2));
    EXPECT_EQ(deaths[0].reason, "node 2 was killed by signal 9 (Killed)");
    EXPECT_FALSE(WaitForEvent(*nodes[rank], 0)) << "a death taken is not announced again";
  }
  EXPECT_TRUE(absl::IsUnavailable(nodes[1]->AllGather("key", {}, Soon()).status()));
}

TEST(Failure, ANodeThatVanishesIsDeadAlsoWithoutAWordFromTheLauncher) {
  ServerThread server(2);
  std::vector<std::unique_ptr<Membership>> nodes = server.JoinAll();
  nodes[1].reset();
  const absl::Status status = nodes[0]->AllGather("key", {}, Soon()).status();
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_TRUE(Mentions(status, "node 1 closed its connection")) << status;
  EXPECT_EQ(WaitForDeaths(*nodes[0], 1).at(0).node, NodeId(1));
}

TEST(Failure, ExitsAreToldApart) {
  ServerThread server(3);
  absl::StatusOr<std::unique_ptr<Membership>> zero = server.Join(0);
  absl::StatusOr<std::unique_ptr<Membership>> one = server.Join(1);
  ASSERT_TRUE(zero.ok() && one.ok());
  server.NodeEnded(2, {ProcessEnd::Kind::kExited, 0});
  EXPECT_EQ((*zero)->AllGather("key", {}, Soon()).status(),
            absl::UnavailableError("node 2 exited with status 0 before it joined"));
  one->reset();
  server.NodeEnded(1, {ProcessEnd::Kind::kExited, 1});
  const std::vector<PeerDeath> deaths = WaitForDeaths(**zero, 2);
  ASSERT_EQ(deaths.size(), 2u);
  EXPECT_EQ(deaths[1].reason, "node 1 exited with status 1 without leaving the cluster");
}

TEST(Failure, LeavingIsNoDeathButEndsTheExchanges) {
  ServerThread server(2);
  std::vector<std::unique_ptr<Membership>> nodes = server.JoinAll();
  nodes[1]->Leave();
  nodes[1].reset();
  server.NodeEnded(1, {ProcessEnd::Kind::kExited, 0});
  EXPECT_EQ(nodes[0]->AllGather("key", {}, Soon()).status(),
            absl::UnavailableError("node 1 has left the cluster"));
  EXPECT_TRUE(nodes[0]->TakeDeaths().empty());
}

TEST(Failure, AfterTheLastExchangeAllMayLeaveInAnyOrder) {
  for (int round = 0; round < 20; ++round) {
    ServerThread server(3);
    std::vector<std::unique_ptr<Membership>> nodes = server.JoinAll();
    OnEach(nodes, [](Membership& node) {
      EXPECT_TRUE(node.AllGather("leave", {}, Soon()).ok());
      node.Leave();
      EXPECT_TRUE(node.TakeDeaths().empty());
    });
  }
}

TEST(Failure, TheLaunchersEndIsNoticed) {
  auto server = std::make_unique<ServerThread>(2);
  std::vector<std::unique_ptr<Membership>> nodes = server->JoinAll();
  std::thread waiter([&nodes] {
    EXPECT_TRUE(absl::IsUnavailable(nodes[0]->AllGather("key", {}, Soon()).status()));
  });
  server.reset();
  waiter.join();
  const std::vector<PeerDeath> deaths = WaitForDeaths(*nodes[1], 1);
  ASSERT_EQ(deaths.size(), 1u);
  EXPECT_FALSE(deaths[0].node.valid());
  EXPECT_NE(deaths[0].reason.find("launcher"), std::string::npos);
  EXPECT_FALSE(WaitForEvent(*nodes[1], 0));
  EXPECT_TRUE(absl::IsUnavailable(nodes[1]->AllGather("key", {}, Soon()).status()));
}

TEST(Failure, AMalformedMessageCutsItsSenderOff) {
  ServerThread server(2);
  absl::StatusOr<std::unique_ptr<Membership>> good = server.Join(0);
  ASSERT_TRUE(good.ok());
  const OwnedFd fd(ConnectRaw(server.OptionsFor(0).rendezvous));
  Hello hello;
  hello.rank = 1;
  hello.size = 2;
  hello.secret = *ParseSecret(server.OptionsFor(0).job_secret);
  std::string broken = EncodeContribute({"key", 1, "bytes"}, 0);
  broken[kFrameHeaderBytes] = '\x7f';  // the key's length
  const std::string bytes = EncodeHello(hello) + broken;
  ASSERT_GT(send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), 0);
  const std::vector<PeerDeath> deaths = WaitForDeaths(**good, 1);
  ASSERT_EQ(deaths.size(), 1u);
  EXPECT_EQ(deaths[0].node, NodeId(1));
}

// The agent thread takes in deaths while another thread is in exchanges.
TEST(Threads, AnAgentMayWatchWhileAnExchangeRuns) {
  ServerThread server(2);
  std::vector<std::unique_ptr<Membership>> nodes = server.JoinAll();
  OnEach(nodes, [](Membership& node) {
    std::atomic<bool> stop = false;
    std::thread agent([&node, &stop] {
      while (!stop) {
        pollfd ready{node.event_fd(), POLLIN, 0};
        poll(&ready, 1, 5);
        EXPECT_TRUE(node.TakeDeaths().empty());
      }
    });
    for (int round = 0; round < 300; ++round) {
      const Gathered all =
          node.AllGather(absl::StrCat(round), {std::string(1000, 'x'), {}}, Soon());
      EXPECT_TRUE(all.ok()) << all.status();
    }
    stop = true;
    agent.join();
  });
}

}  // namespace
}  // namespace farpage::bootstrap

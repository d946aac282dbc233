// What only the shared memory transport promises.
#include "transport/shm/shm_transport.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include "tests/transport/fork_cluster.h"
#include "tests/transport/nodes.h"
#include "transport/local_rendezvous.h"
#include "transport/shm/arena.h"
#include "transport/shm/layout.h"

namespace farpage::transport {
namespace {

using StatusOrTransport = absl::StatusOr<std::unique_ptr<Transport>>;

// Makes a cluster with options of each node.
std::vector<StatusOrTransport> Make(const std::vector<ShmOptions>& options,
                                    absl::Duration patience = absl::Seconds(60)) {
  const auto count = static_cast<uint32_t>(options.size());
  LocalCluster cluster(count);
  std::vector<StatusOrTransport> made;
  made.reserve(count);
  for (uint32_t i = 0; i < count; ++i) made.emplace_back(absl::UnknownError("not yet"));
  InParallel(count, [&](uint32_t i) {
    made[i] = CreateShmTransport(cluster.node(NodeId(i)), options[i], absl::Now() + patience);
  });
  return made;
}

bool Says(const absl::Status& status, const std::string& text) {
  return std::string(status.message()).find(text) != std::string::npos;
}

TEST(ShmTransport, AnErrorOnOneNodeIsReturnedOnAll) {
  ShmOptions odd;
  odd.mailbox_slots = 100;
  for (const StatusOrTransport& transport : Make({{}, odd, {}})) {
    EXPECT_EQ(transport.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_TRUE(Says(transport.status(), "node 1")) << transport.status();
    EXPECT_TRUE(Says(transport.status(), "mailbox_slots is 100")) << transport.status();
  }
}

TEST(ShmTransport, MailboxesOfDifferentSizesAreRefused) {
  ShmOptions small;
  small.mailbox_slots = 16;
  for (const StatusOrTransport& transport : Make({{}, small})) {
    EXPECT_EQ(transport.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_TRUE(Says(transport.status(), "16")) << transport.status();
    EXPECT_TRUE(Says(transport.status(), "256")) << transport.status();
  }
}

TEST(ShmTransport, NamesTheNodeThatIsMissing) {
  LocalCluster cluster(2);
  const StatusOrTransport transport =
      CreateShmTransport(cluster.node(NodeId(0)), {}, absl::Now() + absl::Milliseconds(10));
  EXPECT_EQ(transport.status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(Says(transport.status(), "1")) << transport.status();
}

// Nodes on several hosts cannot pass descriptors.
class FarRendezvous final : public Rendezvous {
 public:
  explicit FarRendezvous(Rendezvous& real) : real_(real) {}
  NodeId self() const override { return real_.self(); }
  uint32_t size() const override { return real_.size(); }
  bool carries_fds() const override { return false; }
  absl::StatusOr<std::vector<Contribution>> AllGather(std::string_view key, Contribution mine,
                                                      absl::Time deadline) override {
    return real_.AllGather(key, std::move(mine), deadline);
  }

 private:
  Rendezvous& real_;
};

TEST(ShmTransport, NeedsOneHost) {
  LocalCluster cluster(1);
  FarRendezvous far(cluster.node(NodeId(0)));
  const StatusOrTransport transport = CreateShmTransport(far, {}, PatienceTime());
  EXPECT_EQ(transport.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(Says(transport.status(), "one host")) << transport.status();
}

TEST(ShmTransport, TooFewDescriptorsIsAnErrorWithTheLimit) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "the sanitizer needs a descriptor to look at an object's type";
#endif
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  rlimit none = before;
  const int next = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::close(next);
  none.rlim_cur = static_cast<rlim_t>(next) + 1;
  ::setrlimit(RLIMIT_NOFILE, &none);
  LocalCluster cluster(1);
  const StatusOrTransport transport =
      CreateShmTransport(cluster.node(NodeId(0)), {}, PatienceTime());
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(transport.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(Says(transport.status(), "ulimit -n")) << transport.status();
  EXPECT_TRUE(Says(transport.status(), std::to_string(next + 1))) << transport.status();
}

TEST(ShmTransport, ReservedSpaceIsBoundedAndReused) {
  ShmOptions options;
  options.reserve_bytes = 16 * 4096;
  auto made = Make({options});
  ASSERT_TRUE(made[0].ok()) << made[0].status();
  Transport& transport = **made[0];
  for (int round = 0; round < 3; ++round) {
    std::vector<std::unique_ptr<Memory>> pages;
    pages.reserve(16);
    for (int i = 0; i < 16; ++i) pages.push_back(Allocate(transport, 4096));
    const auto one_more = transport.Allocate(1, "one more");
    EXPECT_EQ(one_more.status().code(), absl::StatusCode::kResourceExhausted);
    EXPECT_TRUE(Says(one_more.status(), "reserve_bytes")) << one_more.status();
    std::swap(pages[3], pages[9]);  // freed out of order
  }
  EXPECT_NE(Allocate(transport, 16 * 4096), nullptr) << "free ranges were not joined";
}

TEST(ShmTransport, AKeyIsNotRepeatedSoon) {
  auto made = Make({{}});
  ASSERT_TRUE(made[0].ok());
  std::vector<uint32_t> keys(20'000);
  for (uint32_t& key : keys) key = Allocate(**made[0], 4096)->remote().key.value;
  std::sort(keys.begin(), keys.end());
  EXPECT_EQ(std::adjacent_find(keys.begin(), keys.end()), keys.end());
  EXPECT_NE(keys[0], 0u);
}

// The entry of the key table and the address are used again, and still the old key is no good.
TEST(ShmTransport, AStaleKeyDoesNotNameItsSuccessor) {
  auto made = Make({{}});
  ASSERT_TRUE(made[0].ok());
  Transport& transport = **made[0];
  const RemoteAddress stale = Allocate(transport, 4096)->remote();
  for (uint32_t i = 1; i < shm::kKeys; ++i) Allocate(transport, 4096);
  const auto successor = Allocate(transport, 4096);
  ASSERT_EQ(successor->remote().address, stale.address);
  ASSERT_EQ(successor->remote().key.value % shm::kKeys, stale.key.value % shm::kKeys);
  EXPECT_EQ(RunChain(transport, NodeId(0), {Operation::WriteWord(1, stale)}), Fate::kBadAddress);
  EXPECT_EQ(RunChain(transport, NodeId(0), {Operation::WriteWord(1, successor->remote())}),
            Fate::kOk);
}

// Sleepers wake now and then to look for deaths, which would hide a lost wake-up. Not here.
class WithoutLooks : public testing::Test {
 protected:
  WithoutLooks() {
    ShmOptions options;
    options.look_interval_ms = 3'600'000;
    made_ = Make({options, options});
    for (auto& transport : made_) {
      EXPECT_TRUE(transport.ok()) << transport.status();
      memory_.push_back(Allocate(**transport, 4096));
    }
  }
  Transport& node(uint32_t i) { return **made_[i]; }
  std::atomic<uint64_t>& word(uint32_t i) { return AtomicWord(*memory_[i]); }

  std::vector<StatusOrTransport> made_;
  std::vector<std::unique_ptr<Memory>> memory_;
};

TEST_F(WithoutLooks, NoWakeUpOfAWordIsLost) {
  constexpr uint64_t kRounds = 40'000;
  InParallel(2, [&](uint32_t me) {
    uint32_t random = me;
    for (uint64_t round = 1; round <= kRounds; ++round) {
      if (me == 0) {
        // At a random time while the other falls asleep.
        random = random * 1664525 + 1013904223;
        std::atomic<uint32_t> spins{(random >> 16) % 512};
        while (spins.fetch_sub(1) > 1) {
        }
        ASSERT_EQ(RunChain(node(0), NodeId(1),
                           {Operation::WriteWordWithImmediate(round, memory_[1]->remote())}),
                  Fate::kOk);
        Await("the answer", [&] { return word(0).load() == round; });
      } else {
        ASSERT_EQ(WaitForWordInTime(node(1), word(1), round - 1), Fate::kOk)
            << "a wake-up was lost, round " << round;
        ASSERT_EQ(RunChain(node(1), NodeId(0), {Operation::WriteWord(round, memory_[0]->remote())}),
                  Fate::kOk);
      }
    }
  });
}

TEST_F(WithoutLooks, InterruptsAndFailuresWakeWhoWaitsForAWord) {
  for (const bool interrupt : {true, false}) {
    std::atomic<bool> ended{false};
    InParallel(2, [&](uint32_t thread) {
      if (thread == 0) {
        while (!ended && (interrupt || !node(0).peer_failed(NodeId(1)))) {
          ASSERT_EQ(WaitForWordOnceInTime(node(0), word(0), 0), Fate::kOk);
          ended = interrupt;
        }
        ended = true;
        return;
      }
      ::usleep(2000);
      if (!interrupt) node(0).MarkPeerFailed(NodeId(1), "the test says so");
      Await("the wait to end", [&] {
        if (interrupt) node(0).Interrupt();
        return ended.load();
      });
    });
  }
}

TEST(ShmTransport, MemoryMayOutliveTheTransport) {
  auto made = Make({{}});
  ASSERT_TRUE(made[0].ok());
  const auto memory = Allocate(**made[0], 4096);
  made[0]->reset();
  Words(*memory)[5] = 7;
  EXPECT_EQ(Words(*memory)[5], 7u);
}

TEST(ShmTransport, ManyNodesSendToOne) {
  // More than one word of the mail bitmap.
  constexpr uint32_t kNodes = 70;
  ShmOptions options;
  options.reserve_bytes = 1 << 20;
  options.mailbox_slots = 4;
  auto made = Make(std::vector<ShmOptions>(kNodes, options));
  for (const StatusOrTransport& transport : made) ASSERT_TRUE(transport.ok()) << transport.status();
  Transport& receiver = **made[67];
  for (uint64_t round = 0; round < 9; ++round) {
    for (auto& sender : made) {
      ASSERT_EQ((*sender)->Send(NodeId(67), MakeMessage(round)), Fate::kOk);
    }
    std::vector<uint32_t> heard(kNodes);
    // A number that is prime to the burst, so that rounds end in the middle of words.
    ReceivedMessage received[11];
    while (const size_t count = receiver.Receive(received)) {
      for (size_t i = 0; i < count; ++i) {
        ++heard[received[i].from.value()];
        EXPECT_EQ(ValueOf(received[i].message), round);
      }
    }
    EXPECT_EQ(std::count(heard.begin(), heard.end(), 1u), kNodes);
    EXPECT_FALSE(receiver.WaitForEvents(0)) << "says there is mail, but there is none";
  }
}

enum class Notice { kByEvent, kBySending };

void ExpectDeathIsNoticed(const ShmOptions& options, Notice notice, bool with_orphan) {
  ForkCluster cluster(2, [&](Rendezvous& rendezvous, SharedPage& page) {
    auto transport = CreateShmTransport(rendezvous, options, PatienceTime());
    ASSERT_TRUE(transport.ok()) << transport.status();
    if (rendezvous.self() == NodeId(1)) {
      if (with_orphan && ::fork() == 0) {
        // Ends when the test says so, well after its parent.
        Await("the end of the test", [&] {
          ::usleep(1000);
          return page.words[1].load() != 0;
        });
        ::_exit(0);
      }
      page.words[0] = 1;
      while (true) ::pause();
    }
    if (notice == Notice::kByEvent) {
      while (!(*transport)->peer_failed(NodeId(1))) {
        ASSERT_TRUE(WaitForEventsInTime(**transport));
      }
    } else {
      Await("the failure to show",
            [&] { return (*transport)->Send(NodeId(1), Message{}) == Fate::kPeerFailed; });
    }
    EXPECT_TRUE(Says(absl::UnknownError((*transport)->failure_reason(NodeId(1))), "node 1"));
  });
  ASSERT_TRUE(cluster.AwaitWord(0, 1));
  cluster.Kill(NodeId(1));
  cluster.ExpectSuccess(NodeId(0));
  cluster.page().words[1] = 1;
}

TEST(ShmTransport, NoticesADeathByPipe) {
  ShmOptions options;
  options.lifeline_by_pipe = true;
  ExpectDeathIsNoticed(options, Notice::kByEvent, false);
}

// A child that the dead process forked has copies of all its descriptors.
TEST(ShmTransport, NoticesADeathWhileAForkedChildLives) {
  ExpectDeathIsNoticed({}, Notice::kByEvent, true);
}

TEST(ShmTransport, NoticesADeathWhereThereIsNoCredit) {
  ExpectDeathIsNoticed({}, Notice::kBySending, false);
}

TEST(Arena, JoinsNeighboursWhicheverComesBackFirst) {
  for (const bool last_first : {false, true}) {
    shm::Arena arena(4096, 4096 * 5);
    const uint64_t a = *arena.Take(4096), b = *arena.Take(8192), c = *arena.Take(4096);
    EXPECT_EQ(arena.Take(1), std::nullopt);
    arena.Return(last_first ? c : a, 4096);
    arena.Return(last_first ? a : c, 4096);
    EXPECT_EQ(arena.largest_free(), 4096u);
    EXPECT_EQ(arena.free_bytes(), 8192u);
    arena.Return(b, 8192);
    EXPECT_EQ(arena.largest_free(), 16384u);
  }
}

}  // namespace
}  // namespace farpage::transport

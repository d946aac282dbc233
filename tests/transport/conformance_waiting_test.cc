// Sleeping and waking, failures, and what is left behind, on every back end.
#include <dirent.h>

#include <array>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/transport/nodes.h"

namespace farpage::transport {
namespace {

constexpr int64_t kShortNs = 5'000'000;
constexpr int64_t kShortTimes[] = {100'000, 1'000'000, 3'000'000, 120'000'000};

TEST_P(Conformance, WaitForEventsEndsWithAMessage) {
  Nodes nodes(GetParam(), 2);
  ASSERT_TRUE(nodes.ok());
  for (uint64_t round = 0; round < 20; ++round) {
    std::atomic<bool> waiting{false};
    InParallel(2, [&](uint32_t me) {
      if (me == 0) {
        Await("the waiter", [&] { return waiting.load(); });
        // In half the rounds the waiter is most likely asleep by now, in half not yet.
        if (round % 2 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
        EXPECT_EQ(nodes[0].Send(NodeId(1), MakeMessage(round)), Fate::kOk);
        return;
      }
      waiting = true;
      ReceivedMessage received;
      while (nodes[1].Receive({&received, 1}) == 0) {
        ASSERT_TRUE(WaitForEventsInTime(nodes[1])) << "slept through a message";
        PollOnce(nodes[1]);
      }
      EXPECT_EQ(ValueOf(received.message), round);
    });
  }
}

TEST_P(Conformance, WaitForEventsEndsAtItsDeadlineAndNotBefore) {
  Nodes nodes(GetParam(), 2);
  ASSERT_TRUE(nodes.ok());
  EXPECT_FALSE(nodes[0].WaitForEvents(0));
  for (const int64_t ns : kShortTimes) {
    const int64_t deadline = NowNs() + ns;
    EXPECT_FALSE(nodes[0].WaitForEvents(deadline));
    EXPECT_GE(NowNs(), deadline);
  }
}

TEST_P(Conformance, InterruptEndsWaitForEventsNowOrToCome) {
  Nodes nodes(GetParam(), 1);
  ASSERT_TRUE(nodes.ok());
  nodes[0].Interrupt();
  EXPECT_TRUE(WaitForEventsInTime(nodes[0]));
  EXPECT_FALSE(nodes[0].WaitForEvents(NowNs() + kShortNs)) << "one interrupt ended two waits";
  for (int round = 0; round < 20; ++round) {
    std::thread waiter([&] { EXPECT_TRUE(WaitForEventsInTime(nodes[0])); });
    if (round % 2 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    nodes[0].Interrupt();
    waiter.join();
  }
}

TEST_P(Conformance, WaitForWordEndsAtItsDeadlineAndNotBefore) {
  Nodes nodes(GetParam(), 1);
  ASSERT_TRUE(nodes.ok());
  const auto memory = Allocate(nodes[0], 4096);
  const std::atomic<uint64_t>& word = AtomicWord(*memory, 3);
  EXPECT_EQ(nodes[0].WaitForWord(&word, 1, Patience()), Fate::kOk) << "it differs already";
  EXPECT_EQ(nodes[0].WaitForWord(&word, 0, 0), Fate::kTimedOut);
  for (const int64_t ns : kShortTimes) {
    const int64_t deadline = NowNs() + ns;
    Fate fate = Fate::kOk;
    while (fate == Fate::kOk) fate = nodes[0].WaitForWord(&word, 0, deadline);
    EXPECT_EQ(fate, Fate::kTimedOut);
    EXPECT_GE(NowNs(), deadline);
  }
}

// Two nodes hand a word each to and fro; a lost wake-up shows as a time-out. Values that differ
// only in their upper half too, for a futex compares 32 bits.
TEST_P(Conformance, AWriteWithImmediateWakesWhoWaitsForTheWord) {
  Nodes nodes(GetParam(), 2);
  ASSERT_TRUE(nodes.ok());
  const uint64_t rounds = Repetitions() / 2;
  for (const uint64_t unit : {uint64_t{1}, uint64_t{1} << 32}) {
    std::array<std::unique_ptr<Memory>, 2> memories;
    for (uint32_t i = 0; i < 2; ++i) memories[i] = Allocate(nodes[i], 4096);
    InParallel(2, [&](uint32_t me) {
      for (uint64_t round = 1; round <= rounds; ++round) {
        const Operation wake =
            Operation::WriteWordWithImmediate(round * unit, memories[1 - me]->remote() + 40);
        if (me == 0) {
          ASSERT_EQ(RunChain(nodes[me], NodeId(1 - me), {wake}), Fate::kOk);
        }
        const std::atomic<uint64_t>& word = AtomicWord(*memories[me], 5);
        ASSERT_EQ(WaitForWordInTime(nodes[me], word, (round - 1) * unit), Fate::kOk)
            << "round " << round;
        ASSERT_EQ(word.load(), round * unit);
        if (me == 1) {
          ASSERT_EQ(RunChain(nodes[me], NodeId(1 - me), {wake}), Fate::kOk);
        }
      }
    });
  }
}

TEST_P(Conformance, ManyThreadsWaitForManyWords) {
  Nodes nodes(GetParam(), 2);
  ASSERT_TRUE(nodes.ok());
  constexpr uint32_t kThreads = 8;
  constexpr uint32_t kStride = 17;  // words apart: some share a cache line's worth, some do not
  const auto memory = Allocate(nodes[1], 4096);
  const uint64_t rounds = std::max(Repetitions() / 100, 20u);
  InParallel(kThreads + 1, [&](uint32_t thread) {
    if (thread < kThreads) {
      const std::atomic<uint64_t>& word = AtomicWord(*memory, thread * kStride);
      for (uint64_t value = 0; value < rounds; value = word.load(std::memory_order_acquire)) {
        ASSERT_EQ(WaitForWordInTime(nodes[1], word, value), Fate::kOk);
      }
      return;
    }
    for (uint64_t round = 1; round <= rounds; ++round) {
      for (uint32_t i = 0; i < kThreads; ++i) {
        // From a peer, and from the node itself.
        ASSERT_EQ(RunChain(nodes[(round + i) % 2], NodeId(1),
                           {Operation::WriteWordWithImmediate(round,
                                                              memory->remote() + i * kStride * 8)}),
                  Fate::kOk);
      }
    }
  });
}

TEST_P(Conformance, InterruptEndsEveryWaitForWord) {
  Nodes nodes(GetParam(), 1);
  ASSERT_TRUE(nodes.ok());
  const auto memory = Allocate(nodes[0], 4096);
  std::atomic<uint32_t> ended{0};
  InParallel(4, [&](uint32_t thread) {
    if (thread < 3) {
      EXPECT_EQ(WaitForWordOnceInTime(nodes[0], AtomicWord(*memory, thread), 0), Fate::kOk);
      ++ended;
      return;
    }
    // It is for those under way only, so again until all have been.
    Await("the waits to end", [&] {
      nodes[0].Interrupt();
      return ended.load() == 3;
    });
  });
}

TEST_P(Conformance, AMarkedPeerHasFailedForGood) {
  Nodes nodes(GetParam(), 3);
  ASSERT_TRUE(nodes.ok());
  const auto memory = Allocate(nodes[1], 4096);
  const auto other = Allocate(nodes[2], 4096);
  const auto word = Allocate(nodes[0], 4096);
  std::atomic<uint32_t> waiting{0};
  InParallel(3, [&](uint32_t thread) {
    if (thread == 0) {
      Await("the waiters", [&] { return waiting.load() == 2; });
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      nodes[0].MarkPeerFailed(NodeId(1), "its lease ran out");
      return;
    }
    ++waiting;
    while (!nodes[0].peer_failed(NodeId(1))) {
      if (thread == 1) {
        ASSERT_TRUE(WaitForEventsInTime(nodes[0])) << "slept through a failure";
      } else {
        ASSERT_EQ(WaitForWordOnceInTime(nodes[0], AtomicWord(*word), 0), Fate::kOk);
      }
    }
  });
  const std::string reason = nodes[0].failure_reason(NodeId(1));
  EXPECT_NE(reason.find("its lease ran out"), std::string::npos) << reason;
  nodes[0].MarkPeerFailed(NodeId(1), "another reason");
  EXPECT_EQ(nodes[0].failure_reason(NodeId(1)), reason) << "the first reason counts";
  EXPECT_EQ(RunChain(nodes[0], NodeId(1), {Operation::WriteWord(1, memory->remote())}),
            Fate::kPeerFailed);
  EXPECT_EQ(nodes[0].Send(NodeId(1), Message{}), Fate::kPeerFailed);
  EXPECT_EQ(AtomicWord(*memory).load(), 0u);
  EXPECT_FALSE(nodes[0].peer_failed(NodeId(2)));
  EXPECT_EQ(RunChain(nodes[0], NodeId(2), {Operation::WriteWord(1, other->remote())}), Fate::kOk);
}

TEST_P(Conformance, ANodeThatClosesItsTransportHasFailedForOthers) {
  Nodes nodes(GetParam(), 3);
  ASSERT_TRUE(nodes.ok());
  std::thread closer([&] { nodes.Destroy(1); });
  while (!nodes[0].peer_failed(NodeId(1))) {
    ASSERT_TRUE(WaitForEventsInTime(nodes[0]));
    PollOnce(nodes[0]);
  }
  closer.join();
  EXPECT_NE(nodes[0].failure_reason(NodeId(1)).find('1'), std::string::npos);
  EXPECT_EQ(nodes[0].Send(NodeId(1), Message{}), Fate::kPeerFailed);
  // The third notices without waiting for events.
  Await("the failure to show", [&] {
    PollOnce(nodes[2]);
    return nodes[2].peer_failed(NodeId(1));
  });
  EXPECT_EQ(nodes[0].Send(NodeId(2), MakeMessage(8)), Fate::kOk);
  EXPECT_EQ(ValueOf(ReceiveOne(nodes[2]).message), 8u);
}

size_t OpenDescriptors() {
  size_t count = 0;
  DIR* const directory = ::opendir("/proc/self/fd");
  while (::readdir(directory) != nullptr) ++count;
  ::closedir(directory);
  return count;
}

size_t MappedMemfds() {
  std::ifstream maps("/proc/self/maps");
  size_t count = 0;
  for (std::string line; std::getline(maps, line);) count += line.find("memfd:") != line.npos;
  return count;
}

TEST_P(Conformance, NothingIsLeftBehind) {
  const auto use = [&] {
    Nodes nodes(GetParam(), 3);
    ASSERT_TRUE(nodes.ok());
    auto memory = Allocate(nodes[0], 1 << 20);
    ASSERT_EQ(RunChain(nodes[1], NodeId(0), {Operation::WriteWord(1, memory->remote())}),
              Fate::kOk);
    ASSERT_EQ(nodes[1].Send(NodeId(2), Message{}), Fate::kOk);
    nodes.Destroy(1);
  };
  use();  // what libraries open once stays
  const size_t descriptors = OpenDescriptors();
  const size_t mappings = MappedMemfds();
  for (int i = 0; i < 3; ++i) use();
  EXPECT_EQ(OpenDescriptors(), descriptors);
  EXPECT_EQ(MappedMemfds(), mappings);
}

}  // namespace
}  // namespace farpage::transport

// Messages: order, credit, fairness, and no lost wake-up, on every back end.
#include <algorithm>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "tests/transport/nodes.h"

namespace farpage::transport {
namespace {

TEST_P(Conformance, MessagesArriveWholeAndInOrderPerSender) {
  Nodes nodes(GetParam(), 4);
  ASSERT_TRUE(nodes.ok());
  const uint32_t rounds = GetParam().repetitions;
  InParallel(5, [&](uint32_t thread) {
    if (thread == 4) {
      std::vector<uint64_t> next(4, 0);
      for (uint32_t i = 0; i < 4 * rounds; ++i) {
        const ReceivedMessage received = ReceiveOne(nodes[0]);
        ASSERT_LT(received.from.value(), 4);
        ASSERT_EQ(ValueOf(received.message), next[received.from.value()]++);
      }
      ReceivedMessage none;
      EXPECT_EQ(nodes[0].Receive({&none, 1}), 0u) << "more came than were sent";
      return;
    }
    // Node 0 sends to itself.
    for (uint32_t i = 0; i < rounds; ++i) {
      ASSERT_EQ(SendPatiently(nodes[thread], NodeId(0), MakeMessage(i)), Fate::kOk);
    }
  });
}

TEST_P(Conformance, ThreadsOfOneNodeSendAtOnce) {
  Nodes nodes(GetParam(), 2);
  ASSERT_TRUE(nodes.ok());
  constexpr uint32_t kThreads = 4;
  const uint32_t rounds = GetParam().repetitions;
  InParallel(kThreads + 1, [&](uint32_t thread) {
    if (thread < kThreads) {
      for (uint32_t i = 0; i < rounds; ++i) {
        ASSERT_EQ(SendPatiently(nodes[0], NodeId(1), MakeMessage(uint64_t{i} * kThreads + thread)),
                  Fate::kOk);
      }
      return;
    }
    std::vector<uint64_t> next(kThreads, 0);
    for (uint32_t i = 0; i < kThreads * rounds; ++i) {
      const uint64_t value = ValueOf(ReceiveOne(nodes[1]).message);
      ASSERT_EQ(value / kThreads, next[value % kThreads]++);
    }
  });
}

TEST_P(Conformance, AFullMailboxGivesNoCreditAndRecovers) {
  Nodes nodes(GetParam(), 3);
  ASSERT_TRUE(nodes.ok());
  const uint32_t slots = nodes[0].capabilities().mailbox_slots;
  uint64_t sent = 0, taken = 0;
  for (int round = 0; round < 3; ++round) {
    Fate fate = Fate::kOk;
    // A back end may hold somewhat more than it promises, but not without bound.
    const uint64_t before = sent;
    while (sent < before + 8 * uint64_t{slots} + 8) {
      fate = nodes[0].Send(NodeId(1), MakeMessage(sent));
      if (fate != Fate::kOk) break;
      ++sent;
    }
    ASSERT_EQ(fate, Fate::kNoCredit);
    if (round == 0) {
      EXPECT_GE(sent, slots) << "fewer than promised";
    }
    EXPECT_EQ(nodes[0].Send(NodeId(1), MakeMessage(sent)), Fate::kNoCredit);
    // Another sender, another receiver and chains have room of their own.
    EXPECT_EQ(nodes[2].Send(NodeId(1), MakeMessage(1'000'000)), Fate::kOk);
    EXPECT_EQ(nodes[0].Send(NodeId(2), MakeMessage(1)), Fate::kOk);
    const auto memory = Allocate(nodes[1], 4096);
    EXPECT_EQ(RunChain(nodes[0], NodeId(1), {Operation::WriteWord(1, memory->remote())}),
              Fate::kOk);

    EXPECT_EQ(ValueOf(ReceiveOne(nodes[2]).message), 1u);
    bool other = false;
    while (taken < sent || !other) {
      const ReceivedMessage received = ReceiveOne(nodes[1]);
      if (received.from == NodeId(2)) {
        other = true;
      } else {
        ASSERT_EQ(ValueOf(received.message), taken++);
      }
    }
    ASSERT_EQ(SendPatiently(nodes[0], NodeId(1), MakeMessage(sent)), Fate::kOk);
    ++sent;
  }
}

TEST_P(Conformance, ABusySenderDoesNotStarveOthers) {
  constexpr uint32_t kNodes = 4;
  Nodes nodes(GetParam(), kNodes);
  ASSERT_TRUE(nodes.ok());
  const uint32_t slots = nodes[0].capabilities().mailbox_slots;
  for (uint32_t i = 0; i < slots; ++i) {
    ASSERT_EQ(nodes[0].Send(NodeId(0), MakeMessage(i)), Fate::kOk);
  }
  for (uint32_t node = 1; node < kNodes; ++node) {
    ASSERT_EQ(nodes[node].Send(NodeId(0), MakeMessage(0)), Fate::kOk);
  }
  // The busy one is topped up as soon as it has room, one message at a time is taken.
  std::vector<bool> heard(kNodes);
  uint64_t next = slots;
  Await("all senders to be heard", [&] {
    heard[ReceiveOne(nodes[0]).from.value()] = true;
    if (nodes[0].Send(NodeId(0), MakeMessage(next)) == Fate::kOk) ++next;
    return std::count(heard.begin(), heard.end(), true) == kNodes;
  });
}

TEST_P(Conformance, ReceiveTakesAtMostWhatFits) {
  Nodes nodes(GetParam(), 1);
  ASSERT_TRUE(nodes.ok());
  for (uint64_t i = 0; i < 12; ++i) {
    ASSERT_EQ(nodes[0].Send(NodeId(0), MakeMessage(i)), Fate::kOk);
  }
  uint64_t next = 0;
  std::vector<ReceivedMessage> received(6);
  received[5].from = NodeId(0x1234);
  Await("the messages", [&] {
    PollOnce(nodes[0]);
    const size_t count = nodes[0].Receive({received.data(), 5});
    EXPECT_LE(count, 5u);
    for (size_t i = 0; i < count; ++i) EXPECT_EQ(ValueOf(received[i].message), next++);
    return next == 12;
  });
  EXPECT_EQ(nodes[0].Receive({}), 0u);
  EXPECT_EQ(received[5].from, NodeId(0x1234)) << "wrote beyond what was given";
}

// Takes what is there; true if it was something.
bool Take(Transport& transport, uint64_t* last) {
  ReceivedMessage received[4];
  PollOnce(transport);
  const size_t count = transport.Receive(received);
  for (size_t i = 0; i < count; ++i) *last = ValueOf(received[i].message);
  return count > 0;
}

// One message at a time goes there and back, and the receivers go to sleep and poll in turn: a lost
// wake-up leaves both asleep until the deadline.
TEST_P(Conformance, NoWakeUpIsLostBetweenPollingAndSleeping) {
  Nodes nodes(GetParam(), 2);
  ASSERT_TRUE(nodes.ok());
  const uint64_t rounds = GetParam().repetitions / 2;
  InParallel(2, [&](uint32_t me) {
    Transport& transport = nodes[me];
    std::mt19937 random(me);
    for (uint64_t round = 1; round <= rounds; ++round) {
      if (me == 0) {
        ASSERT_EQ(SendPatiently(transport, NodeId(1), MakeMessage(round)), Fate::kOk);
      }
      uint64_t last = 0;
      while (last != round) {
        const uint32_t spins = static_cast<uint32_t>(random() % 64);
        transport.BeginPolling();
        for (uint32_t i = 0; i < spins && last != round; ++i) Take(transport, &last);
        while (transport.EndPolling()) {
          Take(transport, &last);
          transport.BeginPolling();
        }
        if (last == round) break;
        ASSERT_TRUE(transport.WaitForEvents(Patience())) << "a wake-up was lost, round " << round;
        Take(transport, &last);
      }
      if (me == 1) {
        ASSERT_EQ(SendPatiently(transport, NodeId(0), MakeMessage(round)), Fate::kOk);
      }
    }
  });
}

// An agent sleeps in WaitForEvents() while an application thread comes and goes as a poller; each
// message must be taken by one of them.
TEST_P(Conformance, APollerThatLeavesHandsOverToTheAgent) {
  Nodes nodes(GetParam(), 2);
  ASSERT_TRUE(nodes.ok());
  const uint64_t rounds = GetParam().repetitions / 2;
  std::atomic<uint64_t> taken{0};
  std::atomic<bool> finished{false};
  std::mutex receiving;
  const auto take = [&] {
    const std::lock_guard lock(receiving);
    uint64_t last = 0;
    if (Take(nodes[1], &last)) taken = last;
  };
  InParallel(3, [&](uint32_t thread) {
    std::mt19937 random(thread);
    if (thread == 0) {
      for (uint64_t round = 1; round <= rounds; ++round) {
        ASSERT_EQ(SendPatiently(nodes[0], NodeId(1), MakeMessage(round)), Fate::kOk);
        Await("the message to be taken", [&] { return taken.load() == round; });
      }
      finished = true;
      nodes[1].Interrupt();
    } else if (thread == 1) {
      while (!finished) {
        ASSERT_TRUE(nodes[1].WaitForEvents(Patience()));
        take();
      }
    } else {
      while (!finished) {
        nodes[1].BeginPolling();
        for (uint32_t i = static_cast<uint32_t>(random() % 16); i > 0; --i) take();
        while (nodes[1].EndPolling()) {
          take();
          nodes[1].BeginPolling();
        }
        for (uint32_t i = static_cast<uint32_t>(random() % 16); i > 0; --i) {
          std::this_thread::yield();
        }
      }
    }
  });
}

}  // namespace
}  // namespace farpage::transport

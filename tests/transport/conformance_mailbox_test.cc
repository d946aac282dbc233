// Messages: order, credit, fairness, and no lost wake-up, on every back end.
#include <algorithm>
#include <functional>
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
  const uint32_t rounds = Operations();
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
  const uint32_t rounds = Operations();
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
  const uint64_t rounds = Repetitions() / 2;
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
        ASSERT_TRUE(WaitForEventsInTime(transport)) << "a wake-up was lost, round " << round;
        Take(transport, &last);
      }
      if (me == 1) {
        ASSERT_EQ(SendPatiently(transport, NodeId(0), MakeMessage(round)), Fate::kOk);
      }
    }
  });
}

// Aimed at the moment between the last look and falling asleep: the message is sent at a random
// time after the receiver set out to sleep.
TEST_P(Conformance, NoWakeUpIsLostWhileFallingAsleep) {
  Nodes nodes(GetParam(), 2);
  ASSERT_TRUE(nodes.ok());
  const uint64_t rounds = Repetitions() * 2;
  InParallel(2, [&](uint32_t me) {
    std::mt19937 random(me);
    for (uint64_t round = 1; round <= rounds; ++round) {
      uint64_t last = 0;
      if (me == 0) {
        std::atomic<uint32_t> spins{static_cast<uint32_t>(random() % 512)};
        while (spins.fetch_sub(1) > 1) {
        }
        ASSERT_EQ(SendPatiently(nodes[0], NodeId(1), MakeMessage(round)), Fate::kOk);
        Await("the answer", [&] { return Take(nodes[0], &last) && last == round; });
      } else {
        while (last != round) {
          ASSERT_TRUE(WaitForEventsInTime(nodes[1])) << "a wake-up was lost, round " << round;
          Take(nodes[1], &last);
        }
        ASSERT_EQ(SendPatiently(nodes[1], NodeId(0), MakeMessage(round)), Fate::kOk);
      }
    }
  });
}

// A sender, an agent that sleeps in WaitForEvents(), and a poller that takes some messages and
// leaves others: each must be taken, by one of the two.
class AgentAndPoller {
 public:
  AgentAndPoller(Transport& sender, Transport& receiver, uint64_t rounds)
      : sender_(sender), receiver_(receiver), rounds_(rounds) {}

  // `poll` is one appearance of the poller; `burst` messages are sent each round.
  void Play(uint64_t burst, const std::function<void()>& poll) {
    InParallel(3, [&](uint32_t thread) {
      if (thread == 0) {
        Send(burst);
      } else if (thread == 1) {
        while (taken_ < rounds_ * burst) {
          ASSERT_TRUE(WaitForEventsInTime(receiver_));
          TakeSome(4);
        }
      } else {
        for (uint64_t round = 1; round <= rounds_; ++round) {
          Await("the sender", [&] { return round_.load() >= round; });
          poll();
        }
      }
    });
  }

  // Takes up to `count` messages.
  void TakeSome(size_t count) {
    const std::lock_guard lock(receiving_);
    ReceivedMessage received[4];
    PollOnce(receiver_);
    const size_t got = receiver_.Receive({received, count});
    for (size_t i = 0; i < got; ++i) EXPECT_EQ(ValueOf(received[i].message), taken_++);
  }

 private:
  void Send(uint64_t burst) {
    uint64_t sent = 0;
    for (uint64_t round = 1; round <= rounds_; ++round) {
      round_ = round;
      while (sent < round * burst) {
        ASSERT_EQ(SendPatiently(sender_, receiver_.self(), MakeMessage(sent++)), Fate::kOk);
      }
      Await("the messages to be taken", [&] { return taken_.load() == sent; });
    }
    receiver_.Interrupt();
  }

  Transport& sender_;
  Transport& receiver_;
  const uint64_t rounds_;
  std::atomic<uint64_t> round_{0};
  std::atomic<uint64_t> taken_{0};
  std::mutex receiving_;
};

TEST_P(Conformance, APollerThatLeavesHandsOverToTheAgent) {
  Nodes nodes(GetParam(), 2);
  ASSERT_TRUE(nodes.ok());
  AgentAndPoller game(nodes[0], nodes[1], Repetitions() / 2);
  std::mt19937 random(1);
  game.Play(1, [&] {
    nodes[1].BeginPolling();
    for (uint32_t i = static_cast<uint32_t>(random() % 4); i > 0; --i) game.TakeSome(4);
    while (nodes[1].EndPolling()) {
      game.TakeSome(4);
      nodes[1].BeginPolling();
    }
  });
}

// One that takes less than there is, with no room for more, leaves the rest to the agent.
TEST_P(Conformance, WhatAReceiverLeavesTheAgentHearsOf) {
  Nodes nodes(GetParam(), 2);
  ASSERT_TRUE(nodes.ok());
  AgentAndPoller game(nodes[0], nodes[1], Repetitions() / 2);
  game.Play(3, [&] { game.TakeSome(1); });
}

}  // namespace
}  // namespace farpage::transport

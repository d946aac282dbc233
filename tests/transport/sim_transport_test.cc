// The simulated fabric keeps the promises of transport.h. The conformance suite cannot run it: its
// nodes are threads in real time.
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <functional>
#include <memory>
#include <vector>

#include "transport/sim/network.h"
#include "transport/sim/scheduler.h"
#include "transport/sim/trace.h"
#include "transport/transport.h"

namespace farpage::transport::sim {
namespace {

constexpr int64_t kLong = 1'000'000'000;

// A few nodes, each with a page of memory and the programs that a test gives it.
class SimTransportTest : public testing::Test {
 protected:
  void Make(uint32_t nodes, const NetworkOptions& options = {}, uint64_t seed = 1) {
    // In a second round: each goes before what it refers to.
    memory_.clear();
    transports_.clear();
    network_.reset();
    scheduler_ = std::make_unique<Scheduler>(nodes);
    network_ = std::make_unique<Network>(*scheduler_, nodes, options, seed, trace_);
    for (uint32_t node = 0; node < nodes; ++node) {
      transports_.push_back(network_->Connect(NodeId(node)));
      memory_.push_back(*transports_.back()->Allocate(4096, "test"));
    }
  }
  void On(uint32_t node, std::function<void(Transport&)> body) {
    scheduler_->Start(node, false,
                      [this, node, body = std::move(body)] { body(*transports_[node]); });
  }
  void Run() { EXPECT_EQ(scheduler_->Run(100 * kLong, 10'000'000), Scheduler::End::kFinished); }

  uint64_t* Words(uint32_t node) { return reinterpret_cast<uint64_t*>(memory_[node]->data()); }
  RemoteAddress At(uint32_t node, size_t word) { return memory_[node]->remote() + 8 * word; }
  LocalKey Key(uint32_t node) { return memory_[node]->local_key(); }
  static Fate RunChain(Transport& transport, NodeId peer, std::span<const Operation> chain) {
    Completion completion;
    const Fate fate = transport.Post(peer, chain, &completion);
    if (fate != Fate::kPending) return fate;
    std::array<Completion*, 1> done{};
    while (transport.Poll(done) == 0) {
    }
    EXPECT_EQ(done[0], &completion);
    return completion.fate;
  }
  static Message MessageOf(uint64_t value) {
    Message message;
    std::memcpy(message.bytes.data(), &value, sizeof value);
    return message;
  }
  static uint64_t ValueOf(const ReceivedMessage& message) {
    uint64_t value = 0;
    std::memcpy(&value, message.message.bytes.data(), sizeof value);
    return value;
  }

  Trace trace_;
  std::unique_ptr<Scheduler> scheduler_;
  std::unique_ptr<Network> network_;
  std::vector<std::unique_ptr<Transport>> transports_;
  std::vector<std::unique_ptr<Memory>> memory_;
};

TEST_F(SimTransportTest, AChainExecutesInOrder) {
  Make(2);
  On(0, [&](Transport& own) {
    const std::array chain = {Operation::WriteWord(7, At(1, 0)),
                              Operation::FetchAndAdd(At(1, 0), 3, Words(0), Key(0)),
                              Operation::CompareAndSwap(At(1, 0), 10, 20, Words(0) + 1, Key(0)),
                              Operation::Read(Words(0) + 2, Key(0), At(1, 0), 8)};
    EXPECT_EQ(RunChain(own, NodeId(1), chain), Fate::kOk);
  });
  Run();
  EXPECT_EQ(Words(0)[0], 7u);
  EXPECT_EQ(Words(0)[1], 10u);
  EXPECT_EQ(Words(0)[2], 20u);
}

TEST_F(SimTransportTest, AtomicsOfAllNodesAreAtomicAndOthersComeBetweenTheOperationsOfAChain) {
  NetworkOptions options;
  options.faults.jitter_ns = 3'000;
  Make(4, options);
  bool between = false;
  for (uint32_t node = 1; node < 4; ++node) {
    On(node, [&, node](Transport& own) {
      for (int turn = 0; turn < 50; ++turn) {
        const std::array chain = {Operation::FetchAndAdd(At(0, 0), 1, Words(node), Key(node)),
                                  Operation::FetchAndAdd(At(0, 0), 1, Words(node) + 1, Key(node))};
        EXPECT_EQ(RunChain(own, NodeId(0), chain), Fate::kOk);
        between |= Words(node)[1] != Words(node)[0] + 1;
      }
    });
  }
  Run();
  EXPECT_EQ(Words(0)[0], 300u);
  EXPECT_TRUE(between);
}

TEST_F(SimTransportTest, MessagesComeInOrderAndBehindWhatWasPostedBefore) {
  NetworkOptions options;
  options.faults.jitter_ns = 20'000;
  options.faults.late_one_in = 3;
  options.faults.late_ns = 100'000;
  Make(2, options);
  On(0, [&](Transport& own) {
    for (uint64_t value = 1; value <= 100; ++value) {
      const std::array chain = {Operation::WriteWord(value, At(1, 0))};
      own.Post(NodeId(1), chain, nullptr);
      EXPECT_EQ(own.Send(NodeId(1), MessageOf(value)), Fate::kOk);
    }
  });
  On(1, [&](Transport& own) {
    for (uint64_t expected = 1; expected <= 100;) {
      EXPECT_TRUE(own.WaitForEvents(scheduler_->now_ns() + kLong));
      std::array<ReceivedMessage, 8> received;
      const size_t count = own.Receive(received);
      for (size_t index = 0; index < count; ++index, ++expected) {
        EXPECT_EQ(ValueOf(received[index]), expected);
        EXPECT_GE(Words(1)[0], expected);
      }
    }
  });
  Run();
}

TEST_F(SimTransportTest, QueuePairsOvertakeEachOther) {
  NetworkOptions options;
  options.faults.distant = {{NodeId(0), NodeId(1), 50'000}};
  Make(3, options);
  On(0, [&](Transport& own) {
    own.Send(NodeId(1), MessageOf(1));
    own.Send(NodeId(2), MessageOf(2));
  });
  std::array<int64_t, 3> arrived{};
  for (uint32_t node = 1; node < 3; ++node) {
    On(node, [&, node](Transport& own) {
      EXPECT_TRUE(own.WaitForEvents(kLong));
      arrived[node] = scheduler_->now_ns();
    });
  }
  Run();
  EXPECT_LT(arrived[2], arrived[1]);
}

TEST_F(SimTransportTest, BadAddressesAreFoundAndTheRestOfTheChainIsNotExecuted) {
  Make(2);
  On(0, [&](Transport& own) {
    const RemoteAddress stale{At(1, 0).address, {77}, 0};
    const std::vector<Operation> bad = {Operation::WriteWord(1, At(1, 512)),
                                        Operation::WriteWord(1, stale),
                                        Operation::FetchAndAdd(At(1, 0) + 4, 1, nullptr, {}),
                                        Operation::Read(Words(0) + 511, Key(0), At(1, 0), 16),
                                        Operation::Read(Words(1), Key(0), At(1, 0), 8)};
    for (const Operation& operation : bad) {
      const std::array chain = {operation, Operation::WriteWord(5, At(1, 3))};
      EXPECT_EQ(RunChain(own, NodeId(1), chain), Fate::kBadAddress);
    }
  });
  Run();
  EXPECT_EQ(Words(1)[3], 0u);
}

TEST_F(SimTransportTest, AFullMailboxGivesNoCreditUntilItIsEmptied) {
  NetworkOptions options;
  options.mailbox_slots = 4;
  Make(2, options);
  On(0, [&](Transport& own) {
    for (int count = 0; count < 4; ++count) EXPECT_EQ(own.Send(NodeId(1), {}), Fate::kOk);
    EXPECT_EQ(own.Send(NodeId(1), {}), Fate::kNoCredit);
    scheduler_->Advance(100'000);
    EXPECT_EQ(own.Send(NodeId(1), {}), Fate::kOk);
  });
  On(1, [&](Transport& own) {
    scheduler_->Advance(50'000);
    std::array<ReceivedMessage, 8> received;
    EXPECT_EQ(own.Receive(received), 4u);
  });
  Run();
}

TEST_F(SimTransportTest, NothingOfADeadNodeExecutesAfterAnybodyWasTold) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    NetworkOptions options;
    options.faults.jitter_ns = 5'000;
    options.faults.drain_ns = 3'000;
    options.faults.deaths = {{NodeId(0), 10'000 + static_cast<int64_t>(seed) * 100, 0}};
    Make(3, options, seed);
    network_->StartFaults();
    On(0, [&](Transport& own) {
      for (;;) {
        const std::array chain = {Operation::FetchAndAdd(At(1, 0), 1, nullptr, {}),
                                  Operation::FetchAndAdd(At(1, 1), 1, nullptr, {})};
        own.Post(NodeId(1), chain, nullptr);
      }
    });
    On(2, [&](Transport& own) {
      while (!own.peer_failed(NodeId(0))) own.WaitForEvents(scheduler_->now_ns() + kLong);
      const uint64_t before = Words(1)[0] + Words(1)[1];
      scheduler_->Advance(1'000'000);
      EXPECT_EQ(Words(1)[0] + Words(1)[1], before);
      EXPECT_FALSE(own.failure_reason(NodeId(0)).empty());
      const std::array chain = {Operation::Read(Words(2), Key(2), At(0, 0), 8)};
      EXPECT_EQ(RunChain(own, NodeId(0), chain), Fate::kPeerFailed);
      EXPECT_EQ(own.Send(NodeId(0), {}), Fate::kPeerFailed);
    });
    Run();
    EXPECT_GT(Words(1)[0], 0u);
  }
}

TEST_F(SimTransportTest, ChainsToANodeThatDiesEndAsFailed) {
  NetworkOptions options;
  options.faults.deaths = {{NodeId(1), 1, 0}};
  Make(2, options);
  network_->StartFaults();
  On(0, [&](Transport& own) {
    const std::array chain = {Operation::WriteWord(1, At(1, 0))};
    EXPECT_EQ(RunChain(own, NodeId(1), chain), Fate::kPeerFailed);
  });
  Run();
}

TEST_F(SimTransportTest, WaitsEndWithWhatTheyWaitForOrAtTheDeadline) {
  Make(2);
  On(0, [&](Transport& own) {
    auto* word = reinterpret_cast<std::atomic<uint64_t>*>(Words(0));
    EXPECT_FALSE(own.WaitForEvents(10'000));
    EXPECT_GE(scheduler_->now_ns(), 10'000);
    EXPECT_EQ(own.WaitForWord(word, 0, 20'000), Fate::kTimedOut);
    EXPECT_EQ(own.WaitForWord(word, 0, kLong), Fate::kOk);
    EXPECT_EQ(word->load(), 9u);
    EXPECT_LT(scheduler_->now_ns(), kLong / 2);
    EXPECT_EQ(own.WaitForWord(word, 8, kLong), Fate::kOk);
  });
  On(1, [&](Transport& own) {
    scheduler_->Advance(100'000);
    const std::array chain = {Operation::WriteWordWithImmediate(9, At(0, 0))};
    EXPECT_EQ(RunChain(own, NodeId(0), chain), Fate::kOk);
  });
  Run();
}

TEST_F(SimTransportTest, WhoPollsLastLooksOnceMore) {
  Make(2);
  On(0, [&](Transport& own) {
    own.BeginPolling();
    scheduler_->Advance(100'000);
    EXPECT_TRUE(own.EndPolling());
    std::array<ReceivedMessage, 1> received;
    EXPECT_EQ(own.Receive(received), 1u);
    own.BeginPolling();
    EXPECT_FALSE(own.EndPolling());
  });
  On(1, [&](Transport& own) { own.Send(NodeId(0), MessageOf(1)); });
  Run();
}

TEST(SchedulerTest, GroupsThatShareAProcessorRunOneAfterTheOther) {
  Scheduler scheduler(3);
  scheduler.set_processors({.count = 2, .switch_ns = 5});
  std::array<int64_t, 3> ended{};
  for (uint32_t group = 0; group < 3; ++group) {
    scheduler.Start(group, false, [&, group] {
      scheduler.Advance(100);
      ended[group] = scheduler.now_ns();
    });
  }
  EXPECT_EQ(scheduler.Run(1'000'000, 1'000), Scheduler::End::kFinished);
  EXPECT_EQ(ended, (std::array<int64_t, 3>{100, 100, 205}));  // 0 and 2 share
}

TEST(SchedulerTest, WhoHasRunForASliceGivesWay) {
  Scheduler scheduler(2);
  scheduler.set_processors({.count = 1, .slice_ns = 1'000});
  bool stop = false;
  scheduler.Start(0, false, [&] {
    while (!stop) scheduler.Advance(10);
  });
  scheduler.Start(1, false, [&] { stop = true; });
  EXPECT_EQ(scheduler.Run(1'000'000, 10'000), Scheduler::End::kFinished);
  EXPECT_LT(scheduler.now_ns(), 2'000);
}

// A thread whose deadline has come waits for its processor, then for the switch to it. A wake-up
// at any time of that must neither be lost nor count twice.
TEST(SchedulerTest, WakeUpsMeetDeadlinesOnABusyProcessor) {
  for (int64_t wake_at = 90; wake_at < 225; wake_at += 5) {
    Scheduler scheduler(3);
    scheduler.set_processors({.count = 2, .switch_ns = 20});
    int key = 0;
    int ended = 0;
    scheduler.Start(0, false, [&] {
      scheduler.Wait(&key, 100);
      ++ended;
      scheduler.Advance(10);
      EXPECT_FALSE(scheduler.Wait(&key, scheduler.now_ns() + 1'000)) << wake_at;
    });
    scheduler.Start(2, false, [&] {
      scheduler.Advance(200);
      ++ended;
    });
    scheduler.Start(1, false, [&] {
      scheduler.Advance(wake_at);
      scheduler.WakeAll(&key, 3);
      ++ended;
    });
    ASSERT_EQ(scheduler.Run(1'000'000, 1'000), Scheduler::End::kFinished) << wake_at;
    EXPECT_EQ(ended, 3) << wake_at;
  }
}

}  // namespace
}  // namespace farpage::transport::sim

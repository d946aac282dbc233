// Peers that die, in processes of their own, on every back end.
#include <cstring>
#include <ctime>
#include <memory>
#include <random>
#include <thread>

#include "tests/transport/fork_cluster.h"
#include "tests/transport/nodes.h"

namespace farpage::transport {
namespace {

const NodeId kVictim(2);

// The words of the shared page: how many processes have come this far.
enum : size_t { kReady, kDrained, kDone };

void SleepNs(int64_t ns) {
  const timespec time{ns / 1'000'000'000, ns % 1'000'000'000};
  ::nanosleep(&time, nullptr);
}

// One process of a test: a transport, memory that all may reach, and everybody's address of it.
struct Process {
  std::unique_ptr<Transport> transport;
  std::unique_ptr<Memory> memory;
  std::vector<RemoteAddress> remote;
};

Process Start(const Backend& backend, Rendezvous& rendezvous) {
  Process process;
  auto transport = backend.create(rendezvous, PatienceTime());
  EXPECT_TRUE(transport.ok()) << transport.status();
  if (!transport.ok()) return process;
  process.transport = *std::move(transport);
  process.memory = Allocate(*process.transport, 1 << 20);
  const RemoteAddress mine = process.memory->remote();
  Contribution contribution;
  contribution.bytes.assign(reinterpret_cast<const char*>(&mine), sizeof mine);
  auto all = rendezvous.AllGather("addresses", std::move(contribution), PatienceTime());
  EXPECT_TRUE(all.ok()) << all.status();
  if (!all.ok()) return Process{};
  for (const Contribution& other : *all) {
    RemoteAddress& address = process.remote.emplace_back();
    std::memcpy(&address, other.bytes.data(), sizeof address);
  }
  return process;
}

void AwaitWordInPage(const std::atomic<uint64_t>& word, uint64_t value) {
  Await("the other processes", [&] {
    if (word.load() >= value) return true;
    SleepNs(100'000);
    return false;
  });
}

// Posts chains to `peer` until one fails; expects that it is because the peer failed.
void HammerUntilFailure(Process& process, NodeId peer) {
  Transport& transport = *process.transport;
  const RemoteAddress there = process.remote[peer.value()];
  std::byte* const local = process.memory->data() + 512 * 1024;
  const LocalKey key = process.memory->local_key();
  Fate fate = Fate::kOk;
  Await("the failure to show", [&] {
    fate = RunChain(transport, peer,
                    {Operation::FetchAndAdd(there, 1, nullptr, {}),
                     Operation::Write(local, key, there + 4096, 64 * 1024),
                     Operation::Read(local, key, there + 128 * 1024, 64 * 1024)});
    PollOnce(transport);
    return fate != Fate::kOk;
  });
  EXPECT_EQ(fate, Fate::kPeerFailed) << FateName(fate);
  EXPECT_TRUE(transport.peer_failed(peer));
  EXPECT_NE(transport.failure_reason(peer).find(std::to_string(peer.value())), std::string::npos);
  EXPECT_EQ(transport.Send(peer, Message{}), Fate::kPeerFailed);
}

// Survivors go on with each other: every add arrives, every message too.
void UseEachOther(Process& process, SharedPage& page) {
  Transport& transport = *process.transport;
  const uint32_t me = transport.self().value();
  const NodeId other(1 - me);
  EXPECT_FALSE(transport.peer_failed(other)) << transport.failure_reason(other);
  for (uint64_t i = 1; i <= 100; ++i) {
    ASSERT_EQ(RunChain(transport, other,
                       {Operation::FetchAndAdd(process.remote[other.value()] + 8, 1, nullptr, {})}),
              Fate::kOk);
    ASSERT_EQ(SendPatiently(transport, other, MakeMessage(i)), Fate::kOk);
    Await("the survivor's message", [&] { return ValueOf(ReceiveOne(transport).message) == i; });
  }
  EXPECT_EQ(AtomicWord(*process.memory, 1).load(), 100u);
  ++page.words[kDone];
  AwaitWordInPage(page.words[kDone], 2);  // nobody closes while the other still works
}

TEST_P(Conformance, APeerKilledAmidChainsFailsForSurvivorsOnly) {
  for (uint32_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    ForkCluster cluster(3, [&](Rendezvous& rendezvous, SharedPage& page) {
      Process process = Start(GetParam(), rendezvous);
      ASSERT_NE(process.transport, nullptr);
      ++page.words[kReady];
      if (rendezvous.self() == kVictim) {
        // Dies while it posts, also to itself.
        for (uint32_t i = 0;; ++i) {
          const NodeId peer(i % 3);
          RunChain(*process.transport, peer,
                   {Operation::Write(process.memory->data() + 4096, process.memory->local_key(),
                                     process.remote[peer.value()] + 512 * 1024, 64 * 1024)});
        }
      }
      HammerUntilFailure(process, kVictim);
      UseEachOther(process, page);
    });
    ASSERT_TRUE(cluster.AwaitWord(kReady, 3));
    SleepNs(std::mt19937(seed)() % 20'000'000);
    cluster.Kill(kVictim);
    cluster.ExpectSuccess(NodeId(0));
    cluster.ExpectSuccess(NodeId(1));
  }
}

// Node 0 has an agent that sleeps; node 1 has only a thread that waits for a word the victim would
// have written.
TEST_P(Conformance, ADeathWakesWhoSleeps) {
  ForkCluster cluster(3, [&](Rendezvous& rendezvous, SharedPage& page) {
    Process process = Start(GetParam(), rendezvous);
    ASSERT_NE(process.transport, nullptr);
    Transport& transport = *process.transport;
    ++page.words[kReady];
    if (rendezvous.self() == kVictim) SleepNs(kPatienceNs);
    while (!transport.peer_failed(kVictim)) {
      if (rendezvous.self() == NodeId(0)) {
        ASSERT_TRUE(WaitForEventsInTime(transport)) << "slept through a death";
        PollOnce(transport);
      } else {
        ASSERT_EQ(WaitForWordOnceInTime(transport, AtomicWord(*process.memory), 0), Fate::kOk)
            << "slept through a death";
      }
    }
    HammerUntilFailure(process, kVictim);
    UseEachOther(process, page);
  });
  ASSERT_TRUE(cluster.AwaitWord(kReady, 3));
  SleepNs(10'000'000);
  cluster.Kill(kVictim);
  cluster.ExpectSuccess(NodeId(0));
  cluster.ExpectSuccess(NodeId(1));
}

// The victim never receives, so its mailbox is full: who waits for credit must learn of the death.
TEST_P(Conformance, ADeathEndsTheWaitForCredit) {
  ForkCluster cluster(3, [&](Rendezvous& rendezvous, SharedPage& page) {
    Process process = Start(GetParam(), rendezvous);
    ASSERT_NE(process.transport, nullptr);
    if (rendezvous.self() == kVictim) SleepNs(kPatienceNs);
    Fate fate = Fate::kOk;
    Await("the mailbox to fill", [&] {
      fate = process.transport->Send(kVictim, Message{});
      return fate != Fate::kOk;
    });
    EXPECT_EQ(fate, Fate::kNoCredit);
    ++page.words[kReady];
    EXPECT_EQ(SendPatiently(*process.transport, kVictim, Message{}), Fate::kPeerFailed);
    UseEachOther(process, page);
  });
  ASSERT_TRUE(cluster.AwaitWord(kReady, 2));
  cluster.Kill(kVictim);
  cluster.ExpectSuccess(NodeId(0));
  cluster.ExpectSuccess(NodeId(1));
}

// What a node wrote before it died has arrived, and its messages can still be received.
TEST_P(Conformance, ADeadPeersLastMessagesAreNotCorrupt) {
  ForkCluster cluster(3, [&](Rendezvous& rendezvous, SharedPage& page) {
    Process process = Start(GetParam(), rendezvous);
    ASSERT_NE(process.transport, nullptr);
    ++page.words[kReady];
    if (rendezvous.self() == kVictim) {
      for (uint64_t i = 0;; ++i) {
        SendPatiently(*process.transport, NodeId(0), MakeMessage(i));
        SendPatiently(*process.transport, NodeId(1), MakeMessage(i));
      }
    }
    uint64_t next = 0;
    ReceivedMessage received[8];
    const auto take = [&] {
      PollOnce(*process.transport);
      const size_t count = process.transport->Receive(received);
      for (size_t i = 0; i < count; ++i) {
        EXPECT_EQ(received[i].from, kVictim);
        EXPECT_EQ(ValueOf(received[i].message), next++);
      }
      return count;
    };
    Await("the failure to show", [&] {
      take();
      return process.transport->peer_failed(kVictim);
    });
    while (take() > 0) {
    }
    // The other survivor's messages would be taken for the victim's.
    ++page.words[kDrained];
    AwaitWordInPage(page.words[kDrained], 2);
    UseEachOther(process, page);
  });
  ASSERT_TRUE(cluster.AwaitWord(kReady, 3));
  SleepNs(20'000'000);
  cluster.Kill(kVictim);
  cluster.ExpectSuccess(NodeId(0));
  cluster.ExpectSuccess(NodeId(1));
}

}  // namespace
}  // namespace farpage::transport

// Order of chains and messages, atomicity, and full queues, on every back end.
#include <algorithm>
#include <memory>
#include <thread>
#include <vector>

#include "tests/transport/nodes.h"

namespace farpage::transport {
namespace {

// A chain that writes data and then adds to a flag: who sees the flag sees the data. Readers use
// both orders the runtime uses: read, and fetch-and-add before read.
TEST_P(Conformance, OperationsOfAChainExecuteInOrder) {
  Nodes nodes(GetParam(), 3);
  ASSERT_TRUE(nodes.ok());
  constexpr uint32_t kWords = 64;
  const auto home = Allocate(nodes[0], 8192);
  const RemoteAddress flag = home->remote();
  const RemoteAddress data = home->remote() + 4096;
  const uint32_t rounds = Repetitions();
  std::atomic<bool> finished{false};
  InParallel(4, [&](uint32_t thread) {
    Transport& transport = nodes[thread % 3];
    const auto local = Allocate(transport, 8192);
    uint64_t* const seen = Words(*local);
    uint64_t* const copy = seen + 512;
    const LocalKey key = local->local_key();
    if (thread == 1) {
      for (uint64_t round = 1; round <= rounds; ++round) {
        std::fill_n(copy, kWords, round);
        ASSERT_EQ(RunChain(transport, NodeId(0),
                           {Operation::Write(copy, key, data, kWords * 8),
                            Operation::FetchAndAdd(flag, 1, nullptr, {})}),
                  Fate::kOk);
      }
      finished = true;
      return;
    }
    bool last = false;
    while (!last) {
      last = finished;
      const Operation look = thread == 2 ? Operation::Read(seen, key, flag, 8)
                                         : Operation::FetchAndAdd(flag, 0, seen, key);
      ASSERT_EQ(
          RunChain(transport, NodeId(0), {look, Operation::Read(copy, key, data, kWords * 8)}),
          Fate::kOk);
      ASSERT_GE(*std::min_element(copy, copy + kWords), *seen)
          << "the data are older than the flag";
    }
    EXPECT_EQ(*seen, rounds);
  });
}

// Dekker's pattern: of two nodes that each write one word and then read the other's, one must see
// the other's write. In one chain, and in two chains of which only the second has a completion.
TEST_P(Conformance, AReadDoesNotOvertakeAWriteBeforeIt) {
  Nodes nodes(GetParam(), 2);
  ASSERT_TRUE(nodes.ok());
  const auto home = Allocate(nodes[0], 8192);
  for (const uint32_t bytes : {8u, 128u}) {
    for (const bool one_chain : {true, false}) {
      std::atomic<uint32_t> arrived{0};
      uint64_t found[2] = {};
      const uint32_t rounds = Repetitions();
      const auto meet = [&](uint32_t time) {
        ++arrived;
        Await("the other thread", [&] { return arrived.load() >= 2 * time; });
      };
      AtomicWord(*home, 0) = 0;
      AtomicWord(*home, 512) = 0;
      InParallel(2, [&](uint32_t me) {
        const auto local = Allocate(nodes[me], 4096);
        uint64_t* const words = Words(*local);
        const RemoteAddress mine = home->remote() + me * 4096;
        const RemoteAddress other = home->remote() + (1 - me) * 4096;
        for (uint32_t round = 1; round <= rounds; ++round) {
          words[0] = round;
          const Operation write = Operation::Write(words, local->local_key(), mine, bytes);
          const Operation read = Operation::Read(words + 256, local->local_key(), other, 8);
          meet(2 * round - 1);
          if (one_chain) {
            EXPECT_EQ(RunChain(nodes[me], NodeId(0), {write, read}), Fate::kOk);
          } else {
            Ending ending;
            const Fate posted = nodes[me].Post(NodeId(0), {&write, 1}, &ending);
            EXPECT_EQ(RunChain(nodes[me], NodeId(0), {read}), Fate::kOk);
            if (posted == Fate::kPending) {
              Await("the write", [&] {
                PollOnce(nodes[me]);
                return ending.times.load() != 0;
              });
            }
          }
          found[me] = words[256];
          meet(2 * round);
          // Both have written `round`; at least one must have seen the other's.
          if (std::max(found[0], found[1]) < round) {
            ADD_FAILURE() << "both reads overtook the writes, round " << round;
            break;  // both threads come to this
          }
        }
      });
      if (HasFailure()) return;
    }
  }
}

// The chain is posted by one thread, the message sent by another that knows it was posted.
TEST_P(Conformance, AMessageDoesNotOvertakeAChain) {
  Nodes nodes(GetParam(), 2);
  ASSERT_TRUE(nodes.ok());
  const auto target = Allocate(nodes[1], 4096);
  const uint32_t rounds = Repetitions();
  std::atomic<uint32_t> posted{0}, sent{0};
  InParallel(3, [&](uint32_t thread) {
    for (uint32_t round = 1; round <= rounds; ++round) {
      if (thread == 0) {
        const Operation write = Operation::WriteWord(round, target->remote());
        const Fate fate = nodes[0].Post(NodeId(1), {&write, 1}, nullptr);
        ASSERT_TRUE(fate == Fate::kOk || fate == Fate::kPending) << FateName(fate);
        posted = round;
        Await("the sender", [&] { return sent.load() == round; });
      } else if (thread == 1) {
        Await("the poster", [&] { return posted.load() == round; });
        ASSERT_EQ(SendPatiently(nodes[0], NodeId(1), MakeMessage(round)), Fate::kOk);
        sent = round;
      } else {
        ASSERT_EQ(ValueOf(ReceiveOne(nodes[1]).message), round);
        ASSERT_GE(AtomicWord(*target).load(), round) << "the message came before the write";
      }
    }
  });
}

TEST_P(Conformance, AlignedWordsDoNotTear) {
  Nodes nodes(GetParam(), 2);
  ASSERT_TRUE(nodes.ok());
  if (nodes[0].capabilities().atomic_scope != AtomicScope::kCpu) {
    GTEST_SKIP() << "promised only where the processor moves the bytes";
  }
  constexpr uint32_t kWords = 1024;
  const auto home = Allocate(nodes[0], kWords * 8);
  const uint32_t rounds = Repetitions();
  InParallel(2, [&](uint32_t me) {
    const auto local = Allocate(nodes[me], kWords * 8);
    uint64_t* const words = Words(*local);
    for (uint32_t round = 0; round < rounds; ++round) {
      // Lengths that make copies overlap their ends if they are made in larger pieces.
      const uint32_t first = round % 7;
      const uint32_t count = kWords - first - round % 5;
      const RemoteAddress at = home->remote() + first * 8;
      if (me == 1) {
        std::fill_n(words, count, (round & 1) == 0 ? 0 : ~uint64_t{0});
        ASSERT_EQ(RunChain(nodes[1], NodeId(0),
                           {Operation::Write(words, local->local_key(), at, count * 8)}),
                  Fate::kOk);
      } else {
        ASSERT_EQ(RunChain(nodes[0], NodeId(0),
                           {Operation::Read(words, local->local_key(), at, count * 8)}),
                  Fate::kOk);
        for (uint32_t i = 0; i < count; ++i) {
          ASSERT_TRUE(words[i] == 0 || words[i] == ~uint64_t{0}) << std::hex << words[i];
        }
      }
    }
  });
}

TEST_P(Conformance, FetchAndAddIsAtomicBetweenAllNodesAndThreads) {
  Nodes nodes(GetParam(), 3);
  ASSERT_TRUE(nodes.ok());
  const auto home = Allocate(nodes[0], 4096);
  const uint32_t rounds = Operations() / 4;
  constexpr uint32_t kThreads = 6;
  std::vector<std::vector<uint64_t>> olds(kThreads);
  InParallel(kThreads, [&](uint32_t thread) {
    Transport& transport = nodes[thread % 3];
    const auto local = Allocate(transport, 4096);
    for (uint32_t round = 0; round < rounds; ++round) {
      ASSERT_EQ(
          RunChain(transport, NodeId(0),
                   {Operation::FetchAndAdd(home->remote(), 1, Words(*local), local->local_key())}),
          Fate::kOk);
      olds[thread].push_back(*Words(*local));
    }
  });
  EXPECT_EQ(AtomicWord(*home).load(), uint64_t{kThreads} * rounds);
  std::vector<uint64_t> all;
  for (const auto& some : olds) {
    EXPECT_TRUE(std::is_sorted(some.begin(), some.end()));
    all.insert(all.end(), some.begin(), some.end());
  }
  std::sort(all.begin(), all.end());
  for (uint64_t i = 0; i < all.size(); ++i) ASSERT_EQ(all[i], i) << "an old value came twice";
}

TEST_P(Conformance, ProcessorAtomicsMixWhereThatIsPromised) {
  Nodes nodes(GetParam(), 2);
  ASSERT_TRUE(nodes.ok());
  if (nodes[0].capabilities().atomic_scope != AtomicScope::kCpu) {
    GTEST_SKIP() << "this fabric's atomics are atomic with each other only";
  }
  const auto home = Allocate(nodes[0], 4096);
  const uint32_t rounds = Operations();
  InParallel(2, [&](uint32_t node) {
    for (uint32_t round = 0; round < rounds; ++round) {
      if (node == 0) {
        AtomicWord(*home).fetch_add(1);
      } else {
        ASSERT_EQ(
            RunChain(nodes[1], NodeId(0), {Operation::FetchAndAdd(home->remote(), 1, nullptr, {})}),
            Fate::kOk);
      }
    }
  });
  EXPECT_EQ(AtomicWord(*home).load(), uint64_t{2} * rounds);
}

// A lock by compare-and-swap around a count that is read and written in separate chains.
TEST_P(Conformance, CompareAndSwapExcludes) {
  Nodes nodes(GetParam(), 3);
  ASSERT_TRUE(nodes.ok());
  const auto home = Allocate(nodes[2], 4096);
  const RemoteAddress lock = home->remote();
  const RemoteAddress count = home->remote() + 8;
  const uint32_t rounds = Operations() / 10;
  constexpr uint32_t kThreads = 4;
  InParallel(kThreads, [&](uint32_t thread) {
    Transport& transport = nodes[thread % 3];
    const auto local = Allocate(transport, 4096);
    uint64_t* const words = Words(*local);
    const LocalKey key = local->local_key();
    for (uint32_t round = 0; round < rounds; ++round) {
      Await("the lock", [&] {
        EXPECT_EQ(RunChain(transport, NodeId(2),
                           {Operation::CompareAndSwap(lock, 0, thread + 1, words, key)}),
                  Fate::kOk);
        return words[0] == 0;
      });
      ASSERT_EQ(RunChain(transport, NodeId(2), {Operation::Read(words + 1, key, count, 8)}),
                Fate::kOk);
      ASSERT_EQ(
          RunChain(transport, NodeId(2),
                   {Operation::WriteWord(words[1] + 1, count), Operation::WriteWord(0, lock)}),
          Fate::kOk);
    }
  });
  EXPECT_EQ(AtomicWord(*home, 1).load(), uint64_t{kThreads} * rounds);
}

// Far more than any send queue holds, without a completion, from several threads.
TEST_P(Conformance, ChainsWithoutCompletionsNeverOverflow) {
  Nodes nodes(GetParam(), 2);
  ASSERT_TRUE(nodes.ok());
  const auto home = Allocate(nodes[1], 4096);
  const uint32_t posts = std::max(Operations(), 5000u);
  InParallel(3, [&](uint32_t) {
    const Operation add = Operation::FetchAndAdd(home->remote(), 1, nullptr, {});
    for (uint32_t i = 0; i < posts; ++i) {
      const Fate fate = nodes[0].Post(NodeId(1), {&add, 1}, nullptr);
      ASSERT_TRUE(fate == Fate::kOk || fate == Fate::kPending) << FateName(fate);
    }
  });
  // Ordered after all of them.
  const auto local = Allocate(nodes[0], 4096);
  ASSERT_EQ(
      RunChain(nodes[0], NodeId(1),
               {Operation::FetchAndAdd(home->remote(), 0, Words(*local), local->local_key())}),
      Fate::kOk);
  EXPECT_EQ(*Words(*local), uint64_t{3} * posts);
}

// The same with completions that nobody polls for until all are posted: each comes exactly once.
TEST_P(Conformance, EveryCompletionComesOnce) {
  Nodes nodes(GetParam(), 2);
  ASSERT_TRUE(nodes.ok());
  const auto home = Allocate(nodes[1], 4096);
  const uint32_t posts = std::max(Operations() / 4, 5000u);
  const auto local = Allocate(nodes[0], posts * 8);
  std::vector<Ending> endings(posts);
  std::vector<Fate> posted(posts);
  for (uint32_t i = 0; i < posts; ++i) {
    endings[i].tag = i;
    const Operation add =
        Operation::FetchAndAdd(home->remote(), 1, Words(*local) + i, local->local_key());
    posted[i] = nodes[0].Post(NodeId(1), {&add, 1}, &endings[i]);
    ASSERT_TRUE(posted[i] == Fate::kOk || posted[i] == Fate::kPending) << FateName(posted[i]);
    ASSERT_TRUE(posted[i] == Fate::kOk || !nodes[0].capabilities().completes_inline);
  }
  InParallel(2, [&](uint32_t) {
    Await("all completions", [&] {
      PollOnce(nodes[0]);
      for (uint32_t i = 0; i < posts; ++i) {
        if (posted[i] == Fate::kPending && endings[i].times == 0) return false;
      }
      return true;
    });
  });
  PollOnce(nodes[0]);
  for (uint32_t i = 0; i < posts; ++i) {
    ASSERT_EQ(endings[i].times, posted[i] == Fate::kPending ? 1u : 0u);
    ASSERT_EQ(endings[i].fate, Fate::kOk);
    ASSERT_EQ(endings[i].tag, i);
    ASSERT_EQ(Words(*local)[i], i) << "not in the order posted";
  }
}

}  // namespace
}  // namespace farpage::transport

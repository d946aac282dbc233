// Reads, writes, atomics and their bounds, on every back end.
#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <vector>

#include "tests/transport/nodes.h"

namespace farpage::transport {
namespace {

const NodeId kFirst(0), kSecond(1);

TEST_P(Conformance, CapabilitiesAndIdentity) {
  Nodes nodes(GetParam(), 3);
  ASSERT_TRUE(nodes.ok());
  for (uint32_t i = 0; i < 3; ++i) {
    EXPECT_EQ(nodes[i].self(), NodeId(i));
    EXPECT_EQ(nodes[i].size(), 3u);
    const Capabilities& can = nodes[i].capabilities();
    EXPECT_EQ(can.name, GetParam().name);
    EXPECT_GE(can.max_chain, 4u);
    EXPECT_GE(can.mailbox_slots, 16u);
    for (uint32_t peer = 0; peer < 3; ++peer) {
      EXPECT_FALSE(nodes[i].peer_failed(NodeId(peer)));
      EXPECT_EQ(nodes[i].failure_reason(NodeId(peer)), "");
    }
  }
}

TEST_P(Conformance, MemoryIsZeroedPagesWithADescriptor) {
  Nodes nodes(GetParam(), 2);
  ASSERT_TRUE(nodes.ok());
  for (int use = 0; use < 3; ++use) {
    const auto memory = Allocate(nodes[0], 3 * 4096 + 1);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(memory->data()) % 4096, 0u);
    EXPECT_EQ(memory->size(), 4u * 4096);
    const auto is_zero = [](std::byte byte) { return byte == std::byte{0}; };
    EXPECT_TRUE(std::all_of(memory->data(), memory->data() + memory->size(), is_zero));

    void* const view = ::mmap(nullptr, memory->size(), PROT_READ | PROT_WRITE, MAP_SHARED,
                              memory->fd(), static_cast<off_t>(memory->fd_offset()));
    ASSERT_NE(view, MAP_FAILED);
    ASSERT_EQ(RunChain(nodes[1], kFirst, {Operation::WriteWord(77, memory->remote() + 4096)}),
              Fate::kOk);
    EXPECT_EQ(static_cast<uint64_t*>(view)[512], 77u) << "the second view is not the memory";
    ::munmap(view, memory->size());
    std::memset(memory->data(), 0xFF, memory->size());  // the next allocation must not show it
  }
}

TEST_P(Conformance, AnAllocationThatCannotFitIsAnErrorWithNumbers) {
  Nodes nodes(GetParam(), 1);
  ASSERT_TRUE(nodes.ok());
  const size_t bytes = size_t{1} << 62;
  for (const size_t asked : {bytes, SIZE_MAX}) {
    const auto memory = nodes[0].Allocate(asked, "the universe");
    ASSERT_EQ(memory.status().code(), absl::StatusCode::kResourceExhausted) << memory.status();
    const std::string message(memory.status().message());
    EXPECT_NE(message.find("the universe"), std::string::npos) << message;
    EXPECT_NE(message.find(std::to_string(asked)), std::string::npos) << message;
  }
  EXPECT_NE(Allocate(nodes[0], 4096), nullptr) << "the failure must not stick";
}

TEST_P(Conformance, WordsAndAtomicsReturnAndChangeValues) {
  Nodes nodes(GetParam(), 2);
  ASSERT_TRUE(nodes.ok());
  const auto local = Allocate(nodes[0], 4096);
  const auto target = Allocate(nodes[1], 4096);
  uint64_t* const old = Words(*local);
  const LocalKey key = local->local_key();
  const RemoteAddress word = target->remote() + 64;
  std::atomic<uint64_t>& seen = AtomicWord(*target, 8);
  // To the peer and to itself: a node uses the fabric for its own words too.
  for (Transport* from : {&nodes[0], &nodes[1]}) {
    const bool loopback = from == &nodes[1];
    const auto own = Allocate(*from, 4096);
    uint64_t* const result = loopback ? Words(*own) : old;
    const LocalKey result_key = loopback ? own->local_key() : key;
    ASSERT_EQ(RunChain(*from, kSecond, {Operation::WriteWord(40, word)}), Fate::kOk);
    EXPECT_EQ(seen.load(), 40u);
    ASSERT_EQ(RunChain(*from, kSecond, {Operation::FetchAndAdd(word, 2, result, result_key)}),
              Fate::kOk);
    EXPECT_EQ(*result, 40u);
    EXPECT_EQ(seen.load(), 42u);
    ASSERT_EQ(
        RunChain(*from, kSecond, {Operation::CompareAndSwap(word, 41, 1, result, result_key)}),
        Fate::kOk);
    EXPECT_EQ(*result, 42u);
    EXPECT_EQ(seen.load(), 42u) << "swapped though it did not compare equal";
    ASSERT_EQ(
        RunChain(*from, kSecond, {Operation::CompareAndSwap(word, 42, 7, result, result_key)}),
        Fate::kOk);
    EXPECT_EQ(*result, 42u);
    EXPECT_EQ(seen.load(), 7u);
    ASSERT_EQ(RunChain(*from, kSecond,
                       {Operation::FetchAndAdd(word, ~uint64_t{0}, nullptr, {}),
                        Operation::CompareAndSwap(word, 6, 60, nullptr, {}),
                        Operation::WriteWordWithImmediate(61, word + 8)}),
              Fate::kOk);
    EXPECT_EQ(seen.load(), 60u);
    EXPECT_EQ(AtomicWord(*target, 9).load(), 61u);
    *result = 0xABCD;
    Operation with_buffer = Operation::WriteWordWithImmediate(0, word);
    with_buffer.local = result;
    with_buffer.local_key = result_key;
    ASSERT_EQ(RunChain(*from, kSecond, {with_buffer}), Fate::kOk);
    EXPECT_EQ(seen.load(), 0xABCDu) << "`local` must win over `operand`";
  }
}

TEST_P(Conformance, EverySizeAndAlignmentMovesExactlyItsBytes) {
  Nodes nodes(GetParam(), 2);
  ASSERT_TRUE(nodes.ok());
  constexpr size_t kBytes = 3 * 65536;
  const auto local = Allocate(nodes[0], kBytes);
  const auto target = Allocate(nodes[1], kBytes);
  std::mt19937_64 random(1);
  std::vector<std::byte> expected(kBytes);
  for (const uint32_t size :
       {0u,   1u,   2u,   7u,   8u,    9u,    15u,   16u,   63u,    64u,    65u,
        255u, 256u, 257u, 511u, 1023u, 4095u, 4096u, 4097u, 65535u, 65536u, 65537u}) {
    for (const size_t from : {0u, 1u, 4u, 8u}) {
      for (const size_t to : {0u, 1u, 5u, 8u}) {
        std::generate(expected.begin(), expected.end(),
                      [&] { return static_cast<std::byte>(random()); });
        std::memcpy(target->data(), expected.data(), kBytes);
        for (size_t i = 0; i < kBytes; ++i) local->data()[i] = ~expected[i];
        ASSERT_EQ(RunChain(nodes[0], kSecond,
                           {Operation::Write(local->data() + from, local->local_key(),
                                             target->remote() + to, size)}),
                  Fate::kOk);
        std::copy_n(local->data() + from, size, expected.begin() + static_cast<ptrdiff_t>(to));
        ASSERT_EQ(std::memcmp(target->data(), expected.data(), kBytes), 0)
            << "write of " << size << " bytes, " << from << " -> " << to;

        std::copy_n(local->data(), kBytes, expected.begin());
        ASSERT_EQ(RunChain(nodes[0], kSecond,
                           {Operation::Read(local->data() + to, local->local_key(),
                                            target->remote() + 65536 + from, size)}),
                  Fate::kOk);
        std::copy_n(target->data() + 65536 + from, size,
                    expected.begin() + static_cast<ptrdiff_t>(to));
        ASSERT_EQ(std::memcmp(local->data(), expected.data(), kBytes), 0)
            << "read of " << size << " bytes, " << from << " -> " << to;
      }
    }
  }
}

TEST_P(Conformance, MovesSixtyFourMebibytes) {
  Nodes nodes(GetParam(), 2);
  ASSERT_TRUE(nodes.ok());
  constexpr uint32_t kBytes = 64 << 20;
  const auto local = Allocate(nodes[0], kBytes);
  const auto target = Allocate(nodes[1], kBytes);
  for (size_t i = 0; i < kBytes / 8; ++i) Words(*local)[i] = i * 0x9E37'79B9'7F4A'7C15u;
  ASSERT_EQ(
      RunChain(nodes[0], kSecond,
               {Operation::Write(local->data(), local->local_key(), target->remote(), kBytes)}),
      Fate::kOk);
  ASSERT_EQ(std::memcmp(local->data(), target->data(), kBytes), 0);
  std::memset(local->data(), 0, kBytes);
  ASSERT_EQ(
      RunChain(nodes[0], kSecond,
               {Operation::Read(local->data(), local->local_key(), target->remote(), kBytes)}),
      Fate::kOk);
  EXPECT_EQ(std::memcmp(local->data(), target->data(), kBytes), 0);
}

TEST_P(Conformance, AChainOfTheGreatestLengthExecutesInOrder) {
  Nodes nodes(GetParam(), 2);
  ASSERT_TRUE(nodes.ok());
  const uint32_t length = nodes[0].capabilities().max_chain;
  const auto local = Allocate(nodes[0], 8 * (length + 1));
  const auto target = Allocate(nodes[1], 4096);
  uint64_t* const results = Words(*local);
  std::vector<Operation> chain;
  uint64_t value = 0;
  std::vector<uint64_t> expected(length, ~uint64_t{0});
  std::fill_n(results, length, ~uint64_t{0});
  for (uint32_t i = 0; i < length; ++i) {
    uint64_t* const result = results + i;
    switch (i % 4) {
      case 0:
        chain.push_back(Operation::WriteWord(value = 1000 * i, target->remote()));
        break;
      case 1:
        chain.push_back(Operation::FetchAndAdd(target->remote(), 5, result, local->local_key()));
        expected[i] = value;
        value += 5;
        break;
      case 2:
        chain.push_back(Operation::Read(result, local->local_key(), target->remote(), 8));
        expected[i] = value;
        break;
      default:
        chain.push_back(Operation::CompareAndSwap(target->remote(), value, value + 1, result,
                                                  local->local_key()));
        expected[i] = value;
        value += 1;
    }
  }
  ASSERT_EQ(RunChain(nodes[0], kSecond, chain), Fate::kOk);
  for (uint32_t i = 0; i < length; ++i) EXPECT_EQ(results[i], expected[i]) << "operation " << i;
  EXPECT_EQ(AtomicWord(*target).load(), value);
}

TEST_P(Conformance, DirectViewShowsThePeersMemory) {
  Nodes nodes(GetParam(), 2);
  ASSERT_TRUE(nodes.ok());
  const auto target = Allocate(nodes[1], 8192);
  AtomicWord(*target, 512) = 99;
  const std::byte* const view = nodes[0].DirectView(kSecond, target->remote() + 4096, 4096);
  if (!nodes[0].capabilities().direct_access) {
    EXPECT_EQ(view, nullptr);
    return;
  }
  ASSERT_NE(view, nullptr);
  const auto& word = *reinterpret_cast<const std::atomic<uint64_t>*>(view);
  EXPECT_EQ(word.load(), 99u);
  AtomicWord(*target, 512) = 100;
  EXPECT_EQ(word.load(), 100u);
  EXPECT_EQ(nodes[0].DirectView(kSecond, target->remote() + 4096, 4097), nullptr);
  EXPECT_EQ(nodes[0].DirectView(kSecond, RemoteAddress{}, 8), nullptr);
}

// What must not be reached, each on a fresh cluster, for the connection may break.
struct BadCase {
  const char* name;
  std::function<Operation(const Memory& local, const Memory& target, const Memory& foreign)> make;
};

const BadCase kBadCases[] = {
    {"read beyond the end",
     [](const Memory& local, const Memory& target, const Memory&) {
       return Operation::Read(local.data(), local.local_key(), target.remote() + 4090, 7);
     }},
    {"write beyond the end",
     [](const Memory& local, const Memory& target, const Memory&) {
       return Operation::Write(local.data(), local.local_key(), target.remote() + 4090, 7);
     }},
    {"write before the beginning",
     [](const Memory& local, const Memory& target, const Memory&) {
       return Operation::Write(local.data(), local.local_key(), target.remote() + ~uint64_t{7}, 64);
     }},
    {"address that wraps round",
     [](const Memory& local, const Memory& target, const Memory&) {
       RemoteAddress end = target.remote();
       end.address = ~uint64_t{3};
       return Operation::Read(local.data(), local.local_key(), end, 64);
     }},
    {"atomic beyond the end",
     [](const Memory&, const Memory& target, const Memory&) {
       return Operation::FetchAndAdd(target.remote() + 4096, 1, nullptr, {});
     }},
    {"misaligned fetch-and-add",
     [](const Memory&, const Memory& target, const Memory&) {
       return Operation::FetchAndAdd(target.remote() + 4, 1, nullptr, {});
     }},
    {"misaligned compare-and-swap",
     [](const Memory&, const Memory& target, const Memory&) {
       return Operation::CompareAndSwap(target.remote() + 1, 0, 1, nullptr, {});
     }},
    {"misaligned write with immediate",
     [](const Memory&, const Memory& target, const Memory&) {
       return Operation::WriteWordWithImmediate(1, target.remote() + 4);
     }},
    {"write with immediate of 16 bytes",
     [](const Memory& local, const Memory& target, const Memory&) {
       Operation op = Operation::WriteWordWithImmediate(1, target.remote());
       op.length = 16;
       op.local = local.data();
       op.local_key = local.local_key();
       return op;
     }},
    {"write of 16 bytes from nowhere",
     [](const Memory&, const Memory& target, const Memory&) {
       return Operation::Write(nullptr, {}, target.remote(), 16);
     }},
    {"key zero",
     [](const Memory&, const Memory& target, const Memory&) {
       return Operation::WriteWord(1, RemoteAddress{target.remote().address, {}, 0});
     }},
    {"a key that was never given out",
     [](const Memory&, const Memory& target, const Memory&) {
       return Operation::WriteWord(
           1, RemoteAddress{target.remote().address, {~target.remote().key.value}, 0});
     }},
    {"key of another node",
     [](const Memory&, const Memory& target, const Memory& foreign) {
       return Operation::WriteWord(1,
                                   RemoteAddress{target.remote().address, foreign.remote().key, 0});
     }},
};

TEST_P(Conformance, BadAddressesAndKeysReachNothing) {
  for (const BadCase& bad : kBadCases) {
    SCOPED_TRACE(bad.name);
    Nodes nodes(GetParam(), 2);
    ASSERT_TRUE(nodes.ok());
    const auto before = Allocate(nodes[1], 4096);
    const auto target = Allocate(nodes[1], 4096);
    // The second allocation here too: keys that only count would be the same.
    const auto unused = Allocate(nodes[0], 4096);
    const auto local = Allocate(nodes[0], 4096);
    const auto after = Allocate(nodes[1], 4096);
    std::memset(local->data(), 0xEE, 4096);
    EXPECT_EQ(RunChain(nodes[0], kSecond, {bad.make(*local, *target, *local)}), Fate::kBadAddress);
    const auto is = [](std::byte value) { return [=](std::byte byte) { return byte == value; }; };
    for (const Memory* memory : {before.get(), target.get(), after.get()}) {
      EXPECT_TRUE(std::all_of(memory->data(), memory->data() + 4096, is(std::byte{0})));
    }
    EXPECT_TRUE(std::all_of(local->data(), local->data() + 4096, is(std::byte{0xEE})));
    // Either nothing else is affected, or the connection broke and says so.
    const Fate next = RunChain(nodes[0], kSecond, {Operation::WriteWord(5, target->remote())});
    EXPECT_TRUE(next == Fate::kOk || next == Fate::kPeerFailed) << FateName(next);
    EXPECT_EQ(next == Fate::kPeerFailed, nodes[0].peer_failed(kSecond));
  }
}

TEST_P(Conformance, AKeyDiesWithItsMemory) {
  Nodes nodes(GetParam(), 2);
  ASSERT_TRUE(nodes.ok());
  auto target = Allocate(nodes[1], 4096);
  const RemoteAddress stale = target->remote();
  ASSERT_EQ(RunChain(nodes[0], kSecond, {Operation::WriteWord(1, stale)}), Fate::kOk);
  target.reset();
  const auto successor = Allocate(nodes[1], 4096);  // perhaps at the same address
  EXPECT_EQ(RunChain(nodes[0], kSecond, {Operation::WriteWord(2, stale)}), Fate::kBadAddress);
  EXPECT_EQ(AtomicWord(*successor).load(), 0u);
}

TEST_P(Conformance, AChainEndsAtItsFirstFailure) {
  Nodes nodes(GetParam(), 2);
  ASSERT_TRUE(nodes.ok());
  const auto target = Allocate(nodes[1], 4096);
  EXPECT_EQ(RunChain(nodes[0], kSecond,
                     {Operation::WriteWord(1, target->remote()),
                      Operation::WriteWord(2, target->remote() + 4096),
                      Operation::WriteWord(3, target->remote() + 8)}),
            Fate::kBadAddress);
  EXPECT_EQ(AtomicWord(*target, 0).load(), 1u);
  EXPECT_EQ(AtomicWord(*target, 1).load(), 0u) << "went on after a failure";
}

TEST_P(Conformance, AnErrorWithoutACompletionShowsAsAFailedPeer) {
  Nodes nodes(GetParam(), 3);
  ASSERT_TRUE(nodes.ok());
  const auto target = Allocate(nodes[1], 4096);
  const auto other = Allocate(nodes[2], 4096);
  const Operation bad = Operation::WriteWord(1, target->remote() + 4096);
  nodes[0].Post(kSecond, {&bad, 1}, nullptr);
  Await("the failure to show", [&] {
    PollOnce(nodes[0]);
    return nodes[0].peer_failed(kSecond);
  });
  EXPECT_NE(nodes[0].failure_reason(kSecond), "");
  EXPECT_EQ(RunChain(nodes[0], kSecond, {Operation::WriteWord(1, target->remote())}),
            Fate::kPeerFailed);
  EXPECT_EQ(nodes[0].Send(kSecond, Message{}), Fate::kPeerFailed);
  EXPECT_FALSE(nodes[0].peer_failed(NodeId(2)));
  EXPECT_EQ(RunChain(nodes[0], NodeId(2), {Operation::WriteWord(1, other->remote())}), Fate::kOk);
}

}  // namespace
}  // namespace farpage::transport

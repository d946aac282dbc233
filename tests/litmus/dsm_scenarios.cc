// What the classic litmus tests miss in a distributed shared memory.
#include <atomic>
#include <cstdint>
#include <mutex>
#include <span>

#include "tests/runtime/scenario.h"

namespace farpage::testing {
namespace {

constexpr size_t kPageWords = 4096 / sizeof(uint64_t);

std::atomic_ref<uint64_t> Atomic(uint64_t& word) { return std::atomic_ref<uint64_t>(word); }

// Reads enough other pages for everything else to be evicted. The cache is small.
void EvictEverything(std::span<uint64_t> other) {
  for (size_t page = 0; page < other.size() / kPageWords; ++page) {
    static_cast<void>(*static_cast<volatile uint64_t*>(&other[page * kPageWords]));
  }
}

std::span<uint64_t> OnNodeZero(Node& node, const char* name, size_t pages) {
  return AllocateOrDie<uint64_t>(node, name, pages * kPageWords,
                                 {.placement = Placement::kOneHome, .home = 0});
}

// All nodes write bytes of the same words, again and again, at the same time.
NODE_SCENARIO(AdjacentBytes) {
  Node node = JoinOrDie();
  std::span<uint64_t> memory = OnNodeZero(node, "bytes", 1);
  auto* bytes = reinterpret_cast<volatile unsigned char*>(memory.data());
  const size_t rounds = Amount("FARPAGE_TEST_ROUNDS", 400);
  for (size_t round = 1; round <= rounds; ++round) {
    REQUIRE_OK(node.Barrier());
    for (size_t byte = node.id(); byte < 64; byte += node.size()) {
      bytes[byte] = static_cast<unsigned char>(round + byte);
    }
    REQUIRE_OK(node.Barrier());
    for (size_t byte = 0; byte < 64; ++byte) {
      REQUIRE(bytes[byte] == static_cast<unsigned char>(round + byte));
    }
  }
  REQUIRE_OK(node.Barrier());
  return 0;
}

// Writes 7, loses the page, writes what was there before: the home must have that, not 7.
NODE_SCENARIO(RewriteAfterEviction) {
  Node node = JoinOrDie();
  std::span<uint64_t> memory = OnNodeZero(node, "memory", 1);
  std::span<uint64_t> other = OnNodeZero(node, "other", 64);
  const size_t rounds = Amount("FARPAGE_TEST_ROUNDS", 40);
  for (size_t round = 0; round < rounds; ++round) {
    if (node.id() == 0) Atomic(memory[round]).store(5);
    REQUIRE_OK(node.Barrier());
    if (node.id() == 1) {
      const Statistics before = node.statistics();
      Atomic(memory[round]).store(7);
      EvictEverything(other);
      REQUIRE(Atomic(memory[round]).load() == 7);
      Atomic(memory[round]).store(5);
      EvictEverything(other);
      REQUIRE((node.statistics() - before)[Counter::evicted_dirty] >= 2);
    }
    REQUIRE_OK(node.Barrier());
    REQUIRE(Atomic(memory[round]).load() == 5);
    REQUIRE_OK(node.Barrier());
  }
  return 0;
}

// Pages are fetched while they are written home: no aligned word is ever half old, half new, and
// the words of one writer are never older than those it wrote before.
NODE_SCENARIO(NoTornWords) {
  Node node = JoinOrDie();
  std::span<uint64_t> memory = OnNodeZero(node, "memory", 1);
  std::span<uint64_t> other = OnNodeZero(node, "other", 40);
  const size_t rounds = Amount("FARPAGE_TEST_ROUNDS", 300);
  std::span<uint64_t> stop = OnNodeZero(node, "stop", 1);
  REQUIRE_OK(node.Barrier());
  if (node.id() == 1) {
    for (uint64_t round = 1; round <= rounds; ++round) {
      for (size_t word = 0; word < kPageWords; ++word) {
        Atomic(memory[word]).store(round * 0x0001'0001'0001'0001);
      }
      if (round % 4 == 0) EvictEverything(other);
    }
    Atomic(stop[0]).store(1);
  } else {
    while (Atomic(stop[0]).load() == 0) {
      uint64_t last = UINT64_MAX;
      for (size_t word = kPageWords; word-- > 0;) {  // against the order of writing
        const uint64_t value = Atomic(memory[word]).load();
        REQUIRE(value == (value & 0xFFFF) * 0x0001'0001'0001'0001);
        REQUIRE(word + 1 == kPageWords || value >= last);
        last = value;
      }
    }
  }
  REQUIRE_OK(node.Barrier());
  return 0;
}

// Atomics of some nodes on a word that others read from their copies: none is lost, none is seen
// to go back. In cached memory, and in an AtomicArray, whose words the fabric changes.
NODE_SCENARIO(AtomicsBesideLoads) {
  Node node = JoinOrDie();
  std::span<uint64_t> memory = OnNodeZero(node, "memory", 1);
  absl::StatusOr<AtomicArray<uint64_t>> array = node.MakeAtomicArray<uint64_t>("array", 2);
  REQUIRE_OK(array.status());
  const uint64_t rounds = Amount("FARPAGE_TEST_ROUNDS", 1000);
  REQUIRE_OK(node.Barrier());
  const bool adds = node.id() % 2 == 1;
  const uint64_t adders = node.size() / 2;
  uint64_t cached = 0;
  uint64_t direct = 0;
  for (uint64_t round = 0; round < rounds; ++round) {
    if (adds) {
      Atomic(memory[1]).fetch_add(1);
      array->fetch_add(1, 1);
    }
    const uint64_t now_cached = Atomic(memory[1]).load();
    const uint64_t now_direct = array->load(1);
    REQUIRE(now_cached >= cached && now_direct >= direct);
    cached = now_cached;
    direct = now_direct;
  }
  REQUIRE_OK(node.Barrier());
  REQUIRE(Atomic(memory[1]).load() == adders * rounds);
  REQUIRE(array->load(1) == adders * rounds);
  REQUIRE_OK(node.Barrier());
  return 0;
}

// All nodes have a copy and write to it at the same time: one wins, the others fetch again.
NODE_SCENARIO(UpgradesAtOnce) {
  Node node = JoinOrDie();
  std::span<uint64_t> memory = OnNodeZero(node, "memory", 1);
  const uint64_t rounds = Amount("FARPAGE_TEST_ROUNDS", 300);
  for (uint64_t round = 1; round <= rounds; ++round) {
    for (size_t other = 0; other < node.size(); ++other) {
      REQUIRE(Atomic(memory[other]).load() == round - 1);
    }
    REQUIRE_OK(node.Barrier());
    Atomic(memory[node.id()]).store(round);
    REQUIRE_OK(node.Barrier());
  }
  absl::StatusOr<Statistics> sum = node.ClusterStatistics();
  REQUIRE_OK(sum.status());
  REQUIRE((*sum)[Counter::upgrade_faults] >= rounds);
  return 0;
}

// What a lock protects is evicted while the lock is handed on.
NODE_SCENARIO(LockHandedOnWhilePageIsEvicted) {
  Node node = JoinOrDie();
  std::span<uint64_t> counter = OnNodeZero(node, "counter", 1);
  std::span<uint64_t> other = OnNodeZero(node, "other", 40);
  absl::StatusOr<Mutex> mutex = node.MakeMutex("m");
  REQUIRE_OK(mutex.status());
  const uint64_t rounds = Amount("FARPAGE_TEST_ROUNDS", 150);
  REQUIRE_OK(node.Barrier());
  for (uint64_t round = 0; round < rounds; ++round) {
    {
      std::lock_guard lock(*mutex);
      volatile uint64_t* value = counter.data();
      *value = *value + 1;
    }
    EvictEverything(other);
  }
  REQUIRE_OK(node.Barrier());
  REQUIRE(counter[0] == rounds * node.size());
  const bool evicted = node.statistics()[Counter::evicted_dirty] > 0;
  REQUIRE(node.id() == 0 || evicted);
  REQUIRE_OK(node.Barrier());
  return 0;
}

}  // namespace
}  // namespace farpage::testing

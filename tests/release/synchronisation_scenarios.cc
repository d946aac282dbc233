// Memory with release consistency, ordered by shared mutexes, semaphores and flags.
#include <cstdint>
#include <mutex>
#include <shared_mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "tests/release/release_memory.h"
#include "tests/runtime/scenario.h"

namespace farpage::testing {
namespace {

// Readers see all that the writer before them wrote, as one; writers see what readers have noted.
// Strict, sequential and release memory alike.
NODE_SCENARIO(ReleasedReadersAndWriters) {
  Node node = JoinOrDie();
  std::vector<std::span<uint64_t>> regions;
  for (const Consistency consistency : {Consistency::kRelease, Consistency::kSequential}) {
    const std::string name = "region " + std::to_string(static_cast<int>(consistency));
    regions.push_back(
        AllocateOrDie<uint64_t>(node, name.c_str(), 4 * kPageWords, {.consistency = consistency}));
  }
  const uint64_t threads = Amount("FARPAGE_TEST_THREADS", 3);
  std::span<uint64_t> notes = Released(node, "notes", 1 + node.size() * threads / kPageWords);
  absl::StatusOr<SharedMutex> mutex = node.MakeSharedMutex("m");
  REQUIRE_OK(mutex.status());
  const uint64_t rounds = Amount("FARPAGE_TEST_ROUNDS", 120);
  REQUIRE_OK(node.Barrier());
  const auto run = [&](uint64_t thread) {
    const uint64_t self = node.id() * threads + thread;
    for (uint64_t round = 0; round < rounds; ++round) {
      if ((round + self) % 4 == 0) {
        std::unique_lock lock(*mutex);
        const uint64_t version = Load(regions[0][0]);
        for (size_t word = 0; word < 4 * kPageWords; word += 101) {
          for (std::span<uint64_t> region : regions) {
            REQUIRE(Load(region[word]) == version);
            Store(region[word], version + 1);
          }
        }
        // No reader is in the midst of its note.
        for (uint64_t other = 0; other < node.size() * threads; ++other) {
          REQUIRE(Load(notes[other]) % 2 == 0);
        }
      } else {
        std::shared_lock lock(*mutex);
        Store(notes[self], Load(notes[self]) + 1);
        const uint64_t version = Load(regions[0][0]);
        for (size_t word = 0; word < 4 * kPageWords; word += 101) {
          for (std::span<uint64_t> region : regions) REQUIRE(Load(region[word]) == version);
        }
        Store(notes[self], Load(notes[self]) + 1);
      }
    }
  };
  std::vector<std::thread> others;
  for (uint64_t thread = 0; thread < threads; ++thread) {
    others.emplace_back([&run, thread] { run(thread); });
  }
  for (std::thread& other : others) other.join();
  REQUIRE_OK(node.Barrier());
  uint64_t done = Load(regions[0][0]);
  for (uint64_t other = 0; other < node.size() * threads; ++other) done += Load(notes[other]) / 2;
  REQUIRE(done == rounds * node.size() * threads);
  REQUIRE_OK(node.Barrier());
  return 0;
}

// A ring of slots between all nodes' threads, each a page: two semaphores say how many are free and
// how many are filled, two mutexes which is next. What is put in must come out, once.
NODE_SCENARIO(ReleasedRingOfSlots) {
  constexpr size_t kSlots = 5;
  Node node = JoinOrDie();
  std::span<uint64_t> slots = Released(node, "slots", kSlots, Placement::kCyclic);
  std::span<uint64_t> next = Released(node, "next", 2);
  absl::StatusOr<Semaphore> empty = node.MakeSemaphore("empty", kSlots);
  REQUIRE_OK(empty.status());
  absl::StatusOr<Semaphore> filled = node.MakeSemaphore("filled", 0);
  REQUIRE_OK(filled.status());
  Mutex mutexes[] = {MutexOrDie(node, "put"), MutexOrDie(node, "take")};
  absl::StatusOr<AtomicArray<uint64_t>> sums = node.MakeAtomicArray<uint64_t>("sums", 2);
  REQUIRE_OK(sums.status());
  const uint64_t rounds = Amount("FARPAGE_TEST_ROUNDS", 120);
  const uint64_t pairs = Amount("FARPAGE_TEST_THREADS", 2);
  REQUIRE_OK(node.Barrier());
  // The next slot of one end of the ring, whose mutex is held.
  const auto slot = [&](size_t end) {
    uint64_t& number = next[end * kPageWords];
    Store(number, Load(number) + 1);
    return slots.subspan((Load(number) - 1) % kSlots * kPageWords, kPageWords);
  };
  const auto put = [&](uint64_t thread) {
    for (uint64_t round = 1; round <= rounds; ++round) {
      REQUIRE_OK(empty->Acquire());
      const uint64_t value = (node.id() * pairs + thread) * rounds + round;
      {
        std::lock_guard lock(mutexes[0]);
        std::span<uint64_t> words = slot(0);
        for (size_t word = 0; word < kPageWords; word += 31) Store(words[word], value);
      }
      sums->fetch_add(0, value);
      REQUIRE_OK(filled->Release());
    }
  };
  const auto take = [&] {
    for (uint64_t round = 1; round <= rounds; ++round) {
      REQUIRE_OK(filled->Acquire());
      {
        std::lock_guard lock(mutexes[1]);
        std::span<uint64_t> words = slot(1);
        sums->fetch_add(1, Load(words[0]));
        for (size_t word = 0; word < kPageWords; word += 31) {
          REQUIRE(Load(words[word]) == Load(words[0]));
        }
      }
      REQUIRE_OK(empty->Release());
    }
  };
  std::vector<std::thread> others;
  for (uint64_t thread = 0; thread < pairs; ++thread) {
    others.emplace_back([&put, thread] { put(thread); });
    others.emplace_back(take);
  }
  for (std::thread& other : others) other.join();
  REQUIRE_OK(node.Barrier());
  REQUIRE(sums->load(0) == sums->load(1));
  REQUIRE(!*filled->TryAcquire());
  REQUIRE_OK(node.Barrier());
  return 0;
}

// Each node writes its page, and tells the next with a flag; the last tells the first. What a node
// has been told of it has seen, and what the one before had been told of too.
NODE_SCENARIO(ReleasedFlagsInARing) {
  Node node = JoinOrDie();
  std::span<uint64_t> memory = Released(node, "memory", node.size(), Placement::kOneHome);
  std::span<uint64_t> other = Released(node, "other", 48, Placement::kCyclic);
  std::vector<Flag> flags;
  for (uint32_t id = 0; id < node.size(); ++id) {
    absl::StatusOr<Flag> flag = node.MakeFlag("flag " + std::to_string(id), id);
    REQUIRE_OK(flag.status());
    flags.push_back(*flag);
  }
  const uint64_t rounds = Amount("FARPAGE_TEST_ROUNDS", 200);
  REQUIRE_OK(node.Barrier());
  for (uint64_t round = 1; round <= rounds; ++round) {
    const uint64_t told = node.id() == 0 ? round - 1 : round;
    REQUIRE_OK(flags[node.id()].WaitUntil(told).status());
    for (uint32_t one = 0; one < node.size(); ++one) {
      const uint64_t written = one < node.id() ? round : round - 1;
      REQUIRE(Load(memory[one * kPageWords + 7]) == written);
    }
    Store(memory[node.id() * kPageWords + 7], round);
    if (round % 16 == 0) EvictEverything(other);
    REQUIRE_OK(flags[(node.id() + 1) % node.size()].Set(round));
  }
  REQUIRE_OK(node.Barrier());
  return 0;
}

// All nodes' threads write words of the same pages and tell node 0, all at once. What it finds in
// the flags, it must find in memory.
NODE_SCENARIO(ReleasedFlagsWithManySetters) {
  Node node = JoinOrDie();
  const uint64_t threads = Amount("FARPAGE_TEST_THREADS", 2);
  const uint64_t setters = node.size() * threads;
  const uint64_t rounds = Amount("FARPAGE_TEST_ROUNDS", 200);
  std::span<uint64_t> memory = Released(node, "memory", rounds * setters / kPageWords + 1);
  // A setter's word of each round lies beside those of the others.
  const auto word = [&](uint64_t round, uint64_t thread, uint64_t id) -> uint64_t& {
    return memory[(round - 1) * setters + thread * node.size() + id];
  };
  std::vector<Flag> flags;
  for (uint64_t thread = 0; thread < threads; ++thread) {
    absl::StatusOr<Flag> flag = node.MakeFlag("flag " + std::to_string(thread), 0);
    REQUIRE_OK(flag.status());
    flags.push_back(*flag);
  }
  REQUIRE_OK(node.Barrier());
  std::vector<std::thread> others;
  for (uint64_t thread = 0; thread < threads; ++thread) {
    others.emplace_back([&, thread] {
      for (uint64_t round = 1; round <= rounds; ++round) {
        Store(word(round, thread, node.id()), round);
        REQUIRE_OK(flags[thread].Set(round * node.size() + node.id()));
      }
    });
    if (node.id() != 0) continue;
    others.emplace_back([&, thread] {
      for (uint64_t found = 0; found < rounds * node.size();) {
        absl::StatusOr<uint64_t> value = flags[thread].WaitUntil(found + 1);
        REQUIRE_OK(value.status());
        REQUIRE(*value > found);
        found = *value;
        for (uint64_t round = found / node.size(); round > 0; --round) {
          REQUIRE(Load(word(round, thread, found % node.size())) == round);
        }
      }
    });
  }
  for (std::thread& other : others) other.join();
  REQUIRE_OK(node.Barrier());
  for (uint64_t at = 0; at < rounds * setters; ++at) REQUIRE(Load(memory[at]) == at / setters + 1);
  REQUIRE_OK(node.Barrier());
  return 0;
}

// No other node's processor takes part.
NODE_SCENARIO(SynchronisedWithoutRemoteProcessors) {
  Node node = JoinOrDie();
  std::span<uint64_t> memory = Released(node, "memory", 4);
  absl::StatusOr<SharedMutex> mutex = node.MakeSharedMutex("m");
  REQUIRE_OK(mutex.status());
  absl::StatusOr<Semaphore> semaphore = node.MakeSemaphore("s", 1);
  REQUIRE_OK(semaphore.status());
  absl::StatusOr<Flag> flag = node.MakeFlag("f", 0);
  REQUIRE_OK(flag.status());
  REQUIRE_OK(node.Barrier());
  const Statistics before = node.statistics();
  for (uint64_t round = 1; round <= 20; ++round) {
    {
      std::unique_lock lock(*mutex);
      Store(memory[0], Load(memory[0]) + 1);
    }
    std::shared_lock lock(*mutex);
    REQUIRE(Load(memory[0]) >= round);
    REQUIRE_OK(semaphore->Acquire());
    Store(memory[kPageWords], Load(memory[kPageWords]) + 1);
    REQUIRE_OK(semaphore->Release());
    REQUIRE_OK(flag->Set(round));
    if (node.id() == 0) REQUIRE_OK(flag->WaitUntil(round).status());
  }
  REQUIRE_OK(node.Barrier());
  REQUIRE(Load(memory[0]) == 20 * node.size() && Load(memory[kPageWords]) == 20 * node.size());
  const Statistics done = node.statistics() - before;
  REQUIRE(done[Counter::messages_sent] == 0 && done[Counter::messages_received] == 0);
  REQUIRE_OK(node.Barrier());
  return 0;
}

}  // namespace
}  // namespace farpage::testing

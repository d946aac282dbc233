// Every node sees what every node wrote, in one order.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "tests/runtime/scenario.h"

namespace farpage::testing {
namespace {

constexpr size_t kPageWords = 4096 / sizeof(uint64_t);

std::atomic_ref<uint64_t> Atomic(uint64_t& word) { return std::atomic_ref<uint64_t>(word); }

// Waits for a value that another node writes, without any help of the library.
void AwaitAtLeast(uint64_t& word, uint64_t value) {
  while (Atomic(word).load() < value) std::this_thread::yield();
}

void CheckPlacement(Node& node, const char* name, size_t words, const AllocateOptions& options) {
  std::span<uint64_t> memory = AllocateOrDie<uint64_t>(node, name, words, options);
  REQUIRE(reinterpret_cast<uintptr_t>(memory.data()) % 4096 == 0);
  for (uint64_t word : memory.subspan(words / 2)) REQUIRE(word == 0);
  REQUIRE_OK(node.Barrier());
  for (uint32_t round = 1; round <= 3; ++round) {
    // Each node writes every size()-th word: all pages are written by all nodes.
    for (size_t index = node.id(); index < words; index += node.size()) {
      memory[index] = index * round;
    }
    REQUIRE_OK(node.Barrier());
    for (size_t index = 0; index < words; ++index) REQUIRE(memory[index] == index * round);
    REQUIRE_OK(node.Barrier());
  }
}

NODE_SCENARIO(Placements) {
  Node node = JoinOrDie();
  const size_t words = 5 * kPageWords + 17;
  CheckPlacement(node, "block", words, {});
  CheckPlacement(node, "strict", words, {.consistency = Consistency::kStrict});
  CheckPlacement(node, "cyclic", words, {.placement = Placement::kCyclic});
  CheckPlacement(node, "cyclic by two", words,
                 {.placement = Placement::kCyclic, .cyclic_block_bytes = 8192});
  CheckPlacement(node, "one home", words,
                 {.placement = Placement::kOneHome, .home = node.size() - 1});
  CheckPlacement(node, "one word", 1, {});
  return 0;
}

NODE_SCENARIO(SameAddress) {
  Node node = JoinOrDie();
  std::span<uint64_t*> addresses = AllocateOrDie<uint64_t*>(node, "addresses", node.size());
  std::span<uint64_t> memory = AllocateOrDie<uint64_t>(node, "memory", kPageWords * 100);
  addresses[node.id()] = memory.data();
  REQUIRE_OK(node.Barrier());
  for (uint64_t* address : addresses) REQUIRE(address == memory.data());
  // A pointer kept in shared memory works everywhere.
  if (node.id() == 0) *addresses[node.size() - 1] = 42;
  REQUIRE_OK(node.Barrier());
  REQUIRE(memory[0] == 42);
  REQUIRE_OK(node.Barrier());
  return 0;
}

// Data written before a flag is there when the flag is seen: message passing, to and fro.
NODE_SCENARIO(MessagePassing) {
  Node node = JoinOrDie();
  const size_t rounds = Amount("FARPAGE_TEST_ROUNDS", 300);
  std::span<uint64_t> data = AllocateOrDie<uint64_t>(node, "data", kPageWords * 4);
  std::span<uint64_t> flags = AllocateOrDie<uint64_t>(
      node, "flags", 2 * kPageWords, {.placement = Placement::kOneHome, .home = node.size() - 1});
  const uint32_t other = 1 - node.id();
  if (node.id() < 2) {
    for (uint64_t round = 1; round <= rounds; ++round) {
      if (round % 2 == node.id()) {
        for (size_t page = 0; page < 4; ++page) data[page * kPageWords + round % 512] = round;
        Atomic(flags[node.id() * kPageWords]).store(round);
      } else {
        AwaitAtLeast(flags[other * kPageWords], round);
        for (size_t page = 0; page < 4; ++page) {
          REQUIRE(data[page * kPageWords + round % 512] == round);
        }
      }
    }
  }
  REQUIRE_OK(node.Barrier());
  return 0;
}

// Store buffering (Dekker): at least one of two nodes sees the other's store.
NODE_SCENARIO(StoreBuffering) {
  Node node = JoinOrDie();
  const size_t rounds = Amount("FARPAGE_TEST_ROUNDS", 200);
  std::span<uint64_t> words = AllocateOrDie<uint64_t>(node, "words", 2 * rounds * kPageWords);
  std::span<uint64_t> seen = AllocateOrDie<uint64_t>(node, "seen", 2 * rounds);
  for (size_t round = 0; round < rounds; ++round) {
    REQUIRE_OK(node.Barrier());
    if (node.id() < 2) {
      volatile uint64_t* mine = &words[(2 * round + node.id()) * kPageWords];
      volatile uint64_t* theirs = &words[(2 * round + 1 - node.id()) * kPageWords];
      if (round % 3 == 0) static_cast<void>(*theirs);  // sometimes a copy is here already
      *mine = 1;
      seen[2 * round + node.id()] = *theirs;
    }
  }
  REQUIRE_OK(node.Barrier());
  for (size_t round = 0; round < rounds; ++round) {
    REQUIRE(seen[2 * round] != 0 || seen[2 * round + 1] != 0);
  }
  REQUIRE_OK(node.Barrier());
  return 0;
}

// Pages that all nodes have copies of are made writable many at once, by Prefetch() or by writing
// in order, while others read them or want to write them too. Each word has one writer.
NODE_SCENARIO(UpgradesOfRuns) {
  Node node = JoinOrDie();
  const size_t pages = Amount("FARPAGE_TEST_PAGES", 160);
  const size_t rounds = std::min<size_t>(Amount("FARPAGE_TEST_ROUNDS", 12), 12);
  std::span<uint64_t> memory = AllocateOrDie<uint64_t>(node, "memory", pages * kPageWords);
  const auto word = [&](size_t page, uint32_t owner) -> uint64_t& {
    return memory[page * kPageWords + owner];
  };
  for (uint64_t round = 1; round <= rounds; ++round) {
    for (size_t page = 0; page < pages; ++page) {
      for (uint32_t owner = 0; owner < node.size(); ++owner) {
        REQUIRE(Atomic(word(page, owner)).load() == round - 1);
      }
    }
    REQUIRE_OK(node.Barrier());  // all have copies of all pages, as far as their caches go
    if (round % 3 != 0 || node.id() == 0) {
      // In two rounds of three all nodes write at once.
      if (round % 2 == 0) {
        REQUIRE_OK(node.Prefetch(memory.data(), memory.size_bytes(), Access::kWrite));
      }
      for (size_t page = 0; page < pages; ++page) Atomic(word(page, node.id())).store(round);
    } else {
      // One writes from first to last, the others look from last to first: what was written before
      // something that has been seen is seen too.
      uint64_t seen = round - 1;
      for (size_t page = pages; page-- > 0;) {
        const uint64_t now = Atomic(word(page, 0)).load();
        REQUIRE(now == round - 1 || now == round);
        REQUIRE(now >= seen);
        seen = now;
      }
      for (size_t page = 0; page < pages; ++page) Atomic(word(page, node.id())).store(round);
    }
    REQUIRE_OK(node.Barrier());
  }
  return 0;
}

// All other nodes are told at once, and hear of every page once.
NODE_SCENARIO(UpgradesOfRunsOverlap) {
  Node node = JoinOrDie();
  const size_t pages = std::min<size_t>(Amount("FARPAGE_TEST_PAGES", 48), 48);
  std::span<uint64_t> memory = AllocateOrDie<uint64_t>(
      node, "memory", pages * kPageWords, {.placement = Placement::kOneHome, .home = 0});
  const uint32_t writer = node.size() - 1;
  for (const bool asks : {true, false}) {
    for (size_t page = 0; page < pages; ++page) {
      REQUIRE(memory[page * kPageWords] == (asks ? 0 : 1));
    }
    REQUIRE_OK(node.Barrier());
    if (node.id() == writer) {
      const Statistics before = node.statistics();
      if (asks) {
        REQUIRE_OK(node.Prefetch(memory.data(), memory.size_bytes(), Access::kWrite));
      }
      for (size_t page = 0; page < pages; ++page) ++memory[page * kPageWords];
      const Statistics counts = node.statistics() - before;
      REQUIRE(counts[Counter::invalidations_sent] == pages * (node.size() - 1));
      REQUIRE(counts[Counter::installed_pages] == 0);  // what is here is not fetched again
      // A chain of at most 30 operations where there is a NIC, and a stream has to be found first.
      REQUIRE(counts[Counter::miss_chains] <= (asks ? 4 : 12));
      if (asks) REQUIRE(counts[Counter::upgrade_faults] == 0);
    }
    REQUIRE_OK(node.Barrier());
  }
  for (size_t page = 0; page < pages; ++page) REQUIRE(memory[page * kPageWords] == 2);
  REQUIRE_OK(node.Barrier());
  return 0;
}

// Processor atomics on shared memory are atomic across nodes: the page is exclusive meanwhile.
NODE_SCENARIO(AtomicIncrements) {
  Node node = JoinOrDie();
  const size_t turns = Amount("FARPAGE_TEST_ROUNDS", 2000);
  constexpr size_t kThreads = 3;
  std::span<uint64_t> counters = AllocateOrDie<uint64_t>(node, "counters", 4 * kPageWords);
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (size_t thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (size_t turn = 0; turn < turns; ++turn) {
        Atomic(counters[(turn + thread) % 4 * kPageWords + turn % 7]).fetch_add(1);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  REQUIRE_OK(node.Barrier());
  uint64_t sum = 0;
  for (uint64_t value : counters) sum += value;
  REQUIRE(sum == turns * kThreads * node.size());
  REQUIRE_OK(node.Barrier());
  return 0;
}

// Each word has one writer, whose versions only grow. Readers must never see one go back, and after
// a barrier everyone sees the last.
NODE_SCENARIO(VersionsOnlyGrow) {
  Node node = JoinOrDie();
  const size_t pages = Amount("FARPAGE_TEST_PAGES", 48);
  const size_t turns = Amount("FARPAGE_TEST_ROUNDS", 20'000);
  const size_t threads_here = Amount("FARPAGE_TEST_THREADS", 3);
  const size_t writers = node.size() * threads_here;
  std::span<uint64_t> words =
      AllocateOrDie<uint64_t>(node, "words", pages * kPageWords, {.placement = Placement::kCyclic});
  std::vector<std::vector<uint64_t>> last(threads_here, std::vector<uint64_t>(pages));
  std::vector<std::thread> threads;
  threads.reserve(threads_here);
  for (size_t thread = 0; thread < threads_here; ++thread) {
    threads.emplace_back([&, thread] {
      const size_t me = node.id() * threads_here + thread;
      std::minstd_rand random(static_cast<uint32_t>(me + 1));
      std::vector<uint64_t> seen(pages * writers);
      std::vector<uint64_t>& written = last[thread];
      for (size_t turn = 0; turn < turns; ++turn) {
        const size_t page = random() % pages;
        if (random() % 4 == 0) {
          Atomic(words[page * kPageWords + me]).store(++written[page]);
        } else {
          const size_t writer = random() % writers;
          const uint64_t value = Atomic(words[page * kPageWords + writer]).load();
          REQUIRE(value >= seen[page * writers + writer]);
          seen[page * writers + writer] = value;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::span<uint64_t> final_versions = AllocateOrDie<uint64_t>(node, "final", writers * pages + 1);
  for (size_t thread = 0; thread < threads_here; ++thread) {
    const size_t me = node.id() * threads_here + thread;
    for (size_t page = 0; page < pages; ++page) {
      final_versions[me * pages + page] = last[thread][page];
    }
  }
  REQUIRE_OK(node.Barrier());
  for (size_t writer = 0; writer < writers; ++writer) {
    for (size_t page = 0; page < pages; ++page) {
      REQUIRE(words[page * kPageWords + writer] == final_versions[writer * pages + page]);
    }
  }
  REQUIRE_OK(node.Barrier());
  return 0;
}

NODE_SCENARIO(ManyThreadsFault) {
  Node node = JoinOrDie();
  constexpr size_t kThreads = 8;
  const size_t pages = Amount("FARPAGE_TEST_PAGES", 512);
  std::span<uint64_t> words = AllocateOrDie<uint64_t>(node, "words", pages * kPageWords);
  if (node.id() == 0) {
    for (size_t page = 0; page < pages; ++page) words[page * kPageWords] = page;
  }
  REQUIRE_OK(node.Barrier());
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (size_t thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      // Half of the threads walk the same pages together, half each go their own way.
      const size_t start = thread % 2 == 0 ? 0 : thread * pages / kThreads;
      for (size_t step = 0; step < pages; ++step) {
        const size_t page = (start + step) % pages;
        REQUIRE(words[page * kPageWords] == page);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  REQUIRE_OK(node.Barrier());
  return 0;
}

// Several threads of every node walk through the same memory, long enough for the agent to fetch
// with them, while each page has a writer that walks too. A version never goes back.
NODE_SCENARIO(StreamsMeetWriters) {
  Node node = JoinOrDie();
  constexpr size_t kThreads = 2;
  const size_t pages = 8 * Amount("FARPAGE_TEST_PAGES", 128);
  const size_t rounds = Amount("FARPAGE_TEST_ROUNDS", 200) / 50;
  std::span<uint64_t> words = AllocateOrDie<uint64_t>(node, "words", pages * kPageWords,
                                                      {.placement = Placement::kOneHome});
  // The pages of a writer lie side by side: its stores are a stream, too.
  const size_t share = pages / node.size();
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (size_t thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&] {
      std::vector<uint64_t> seen(pages);
      for (size_t round = 0; round < rounds; ++round) {
        for (size_t page = 0; page < pages; ++page) {
          const uint64_t version = Atomic(words[page * kPageWords]).load();
          REQUIRE(version >= seen[page] && version <= rounds);
          seen[page] = version;
        }
      }
    });
  }
  threads.emplace_back([&] {
    for (uint64_t version = 1; version <= rounds; ++version) {
      for (size_t page = node.id() * share; page < (node.id() + 1) * share; ++page) {
        Atomic(words[page * kPageWords]).store(version);
      }
    }
  });
  for (std::thread& thread : threads) thread.join();
  REQUIRE_OK(node.Barrier());
  for (size_t page = 0; page < share * node.size(); ++page) {
    REQUIRE(words[page * kPageWords] == rounds);
  }
  REQUIRE_OK(node.Barrier());
  return 0;
}

NODE_SCENARIO(MutexProtects) {
  Node node = JoinOrDie();
  const size_t turns = Amount("FARPAGE_TEST_ROUNDS", 300);
  std::span<uint64_t> counter = AllocateOrDie<uint64_t>(node, "counter", 1);
  absl::StatusOr<Mutex> mutex = node.MakeMutex("m");
  REQUIRE_OK(mutex.status());
  for (size_t turn = 0; turn < turns; ++turn) {
    std::lock_guard lock(*mutex);
    volatile uint64_t* value = counter.data();
    *value = *value + 1;
  }
  REQUIRE_OK(node.Barrier());
  REQUIRE(counter[0] == turns * node.size());
  absl::StatusOr<AtomicArray<int64_t>> tickets = node.MakeAtomicArray<int64_t>("tickets", 100);
  REQUIRE_OK(tickets.status());
  for (size_t turn = 0; turn < turns; ++turn) tickets->fetch_add(turn % 100, 1);
  REQUIRE_OK(node.Barrier());
  int64_t sum = 0;
  for (size_t index = 0; index < tickets->size(); ++index) sum += tickets->load(index);
  REQUIRE(sum == static_cast<int64_t>(turns * node.size()));
  REQUIRE_OK(node.Barrier());
  return 0;
}

}  // namespace
}  // namespace farpage::testing

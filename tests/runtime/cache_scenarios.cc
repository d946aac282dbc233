// The cache, pins, prefetch and the counters.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory_resource>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "tests/runtime/scenario.h"

namespace farpage::testing {
namespace {

constexpr size_t kPageBytes = 4096;

// Of `memory`, what takes up memory here. Not of the whole process: sanitizers keep books on each
// byte that was ever accessed.
size_t ResidentBytes(std::span<const char> memory) {
  const auto begin = reinterpret_cast<uintptr_t>(memory.data());
  std::ifstream maps("/proc/self/smaps");
  bool inside = false;
  size_t kilobytes = 0;
  for (std::string line; std::getline(maps, line);) {
    uintptr_t from = 0;
    uintptr_t to = 0;
    size_t resident = 0;
    if (std::sscanf(line.c_str(), "%" SCNxPTR "-%" SCNxPTR " ", &from, &to) == 2) {
      inside = from < begin + memory.size() && to > begin;
    } else if (inside && std::sscanf(line.c_str(), "Rss: %zu kB", &resident) == 1) {
      kilobytes += resident;
    }
  }
  return kilobytes * 1024;
}

// A working set ten times the cache, written by one node and rewritten by another.
NODE_SCENARIO(TenTimesTheCache) {
  Node node = JoinOrDie();
  const size_t pages = Amount("FARPAGE_TEST_PAGES", 2560);
  std::span<char> memory = AllocateOrDie<char>(node, "memory", pages * kPageBytes,
                                               {.placement = Placement::kOneHome, .home = 0});
  for (uint32_t round = 0; round < 2; ++round) {
    const bool writer = node.id() == 1 - round;
    if (writer) {
      for (size_t page = 0; page < pages; ++page) {
        std::memset(&memory[page * kPageBytes], static_cast<char>(page * 3 + round + 1),
                    kPageBytes);
      }
    }
    REQUIRE_OK(node.Barrier());
    for (size_t page = 0; page < pages; ++page) {
      const char expected = static_cast<char>(page * 3 + round + 1);
      REQUIRE(memory[page * kPageBytes] == expected);
      REQUIRE(memory[page * kPageBytes + 4095] == expected);
    }
    REQUIRE_OK(node.Barrier());
  }
  if (node.id() == 1) {
    const Statistics statistics = node.statistics();
    REQUIRE(statistics[Counter::evicted_clean] > pages / 2);
    REQUIRE(statistics[Counter::evicted_dirty] > pages / 2);
    // The cache holds a tenth. It may be exceeded for as long as threads are in the midst of
    // misses.
    const size_t resident = ResidentBytes(memory);
    REQUIRE(resident > 0 && resident < 2 * pages * kPageBytes / 10);
  }
  REQUIRE_OK(node.Barrier());
  return 0;
}

// One chain a clean miss, no other node's processor, and hits cost nothing.
NODE_SCENARIO(CleanMissesTakeOneChain) {
  Node node = JoinOrDie();
  const size_t pages = Amount("FARPAGE_TEST_PAGES", 200);
  std::span<char> memory = AllocateOrDie<char>(node, "memory", 2 * pages * kPageBytes,
                                               {.placement = Placement::kOneHome, .home = 0});
  REQUIRE_OK(node.Barrier());
  if (node.id() == 1) {
    const Statistics before = node.statistics();
    for (size_t page = 0; page < pages; ++page) REQUIRE(memory[2 * page * kPageBytes] == 0);
    const Statistics reads = node.statistics() - before;
    REQUIRE(reads[Counter::read_faults] == pages);
    REQUIRE(reads[Counter::miss_chains] == pages);
    REQUIRE(reads[Counter::clean_misses] == pages);
    REQUIRE(reads[Counter::clean_miss_chains] == pages);
    REQUIRE(reads[Counter::messages_sent] == 0);
    const Statistics middle = node.statistics();
    for (size_t page = 0; page < pages; ++page) memory[(2 * page + 1) * kPageBytes] = 1;
    const Statistics writes = node.statistics() - middle;
    REQUIRE(writes[Counter::write_faults] == pages);
    REQUIRE(writes[Counter::clean_misses] == pages);
    REQUIRE(writes[Counter::clean_miss_chains] == pages);
    REQUIRE(writes[Counter::messages_sent] == 0);
    const Statistics warm = node.statistics();
    for (size_t page = 0; page < pages; ++page) {
      REQUIRE(memory[2 * page * kPageBytes] == 0);
      ++memory[(2 * page + 1) * kPageBytes];
    }
    const Statistics hits = node.statistics() - warm;
    REQUIRE(hits[Counter::miss_chains] == 0 && hits[Counter::joined_faults] == 0);
  }
  REQUIRE_OK(node.Barrier());
  REQUIRE(memory[kPageBytes] == 2);
  REQUIRE_OK(node.Barrier());
  absl::StatusOr<Statistics> sum = node.ClusterStatistics();
  REQUIRE_OK(sum.status());
  REQUIRE((*sum)[Counter::invalidations_sent] == (*sum)[Counter::invalidations_received]);
  REQUIRE((*sum)[Counter::fetches_sent] == (*sum)[Counter::fetches_received]);
  return 0;
}

NODE_SCENARIO(StreamsAndPrefetch) {
  Node node = JoinOrDie();
  const size_t pages = Amount("FARPAGE_TEST_PAGES", 1024);
  std::span<char> memory = AllocateOrDie<char>(node, "memory", pages * kPageBytes,
                                               {.placement = Placement::kOneHome, .home = 0});
  if (node.id() == 0) {
    for (size_t page = 0; page < pages; ++page) memory[page * kPageBytes] = static_cast<char>(page);
  }
  REQUIRE_OK(node.Barrier());
  if (node.id() == 1) {
    REQUIRE_OK(node.Prefetch(memory.data(), pages / 2 * kPageBytes));
    for (size_t page = 0; page < pages; ++page) {
      REQUIRE(memory[page * kPageBytes] == static_cast<char>(page));
    }
    const Statistics statistics = node.statistics();
    REQUIRE(statistics[Counter::prefetched_pages] > pages / 2);
    REQUIRE(statistics[Counter::miss_chains] < 3 * pages);
    REQUIRE(!node.Prefetch(&node, 1).ok());
  }
  REQUIRE_OK(node.Barrier());
  return 0;
}

// System calls work on pinned memory, and a node that wants a pinned page gets it afterwards.
NODE_SCENARIO(PinForSystemCalls) {
  Node node = JoinOrDie();
  const size_t bytes = 3 * kPageBytes + 100;
  std::span<char> memory = AllocateOrDie<char>(node, "memory", bytes + kPageBytes,
                                               {.placement = Placement::kOneHome, .home = 0});
  const int file = memfd_create("file", MFD_CLOEXEC);
  REQUIRE(file >= 0);
  if (node.id() == 1) {
    REQUIRE(write(file, memory.data() + bytes, 1) == -1 && errno == EFAULT);
    {
      absl::StatusOr<Pinned> pinned = node.Pin(memory.data() + 10, bytes, Access::kWrite);
      REQUIRE_OK(pinned.status());
      std::memset(memory.data(), 'x', bytes);
      REQUIRE(pwrite(file, memory.data() + 10, bytes - 10, 0) == static_cast<ssize_t>(bytes - 10));
      REQUIRE(pread(file, memory.data() + 20, 100, 0) == 100);
      REQUIRE(memory[20] == 'x');
      REQUIRE_OK(node.Barrier());  // now node 0 wants the pages
      usleep(50'000);
      std::memset(memory.data(), 'y', bytes);
      REQUIRE(pwrite(file, memory.data(), bytes, 0) == static_cast<ssize_t>(bytes));
    }
    REQUIRE(!node.Pin(&node, 8, Access::kRead).ok());
  } else {
    REQUIRE_OK(node.Barrier());
    if (node.id() == 0) {
      for (size_t index = 0; index < bytes; ++index) REQUIRE(memory[index] == 'y');
    }
  }
  REQUIRE_OK(node.Barrier());
  close(file);
  return 0;
}

// Containers built on one node, read and changed on another, freed on a third.
NODE_SCENARIO(Containers) {
  Node node = JoinOrDie();
  using Vector = std::pmr::vector<uint64_t>;
  using Map = std::pmr::unordered_map<uint64_t, std::pmr::string>;
  absl::StatusOr<std::pmr::memory_resource*> resource =
      node.MakeMemoryResource("heap", size_t{16} << 20);
  REQUIRE_OK(resource.status());
  struct Root {
    Vector* vector;
    Map* map;
  };
  std::span<Root> root = AllocateOrDie<Root>(node, "root", 1);
  std::pmr::polymorphic_allocator<> allocator(*resource);
  const size_t count = Amount("FARPAGE_TEST_ROUNDS", 2000);
  if (node.id() == 0) {
    root[0].vector = allocator.new_object<Vector>();
    root[0].map = allocator.new_object<Map>();
    for (size_t index = 0; index < count; ++index) {
      root[0].vector->push_back(index * index);
      root[0].map->emplace(index, "a string too long to be kept inside: " + std::to_string(index));
    }
  }
  for (uint32_t turn = 1; turn <= node.size(); ++turn) {
    REQUIRE_OK(node.Barrier());
    if (node.id() != turn % node.size()) continue;
    for (size_t index = 0; index < count; ++index) {
      REQUIRE((*root[0].vector)[index] == index * index);
      REQUIRE(root[0].map->at(index).ends_with(": " + std::to_string(index)));
    }
    REQUIRE(root[0].map->size() == count + turn - 1);
    (*root[0].map)[1'000'000 + turn] = "added by another node, again not inside";
    root[0].vector->resize(root[0].vector->size() + 1000);
  }
  REQUIRE_OK(node.Barrier());
  if (node.id() == node.size() - 1) {
    allocator.delete_object(root[0].map);
    allocator.delete_object(root[0].vector);
  }
  REQUIRE_OK(node.Barrier());
  return 0;
}

}  // namespace
}  // namespace farpage::testing

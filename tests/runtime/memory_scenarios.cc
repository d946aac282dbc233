// What the runtime needs of memory for itself.
#include <cstdio>
#include <fstream>
#include <string>

#include "tests/runtime/scenario.h"

namespace farpage::testing {
namespace {

constexpr size_t kBytesPerPage = 4096;
constexpr size_t kMiB = size_t{1} << 20;

// Of this process. What processes share counts by its part, so that the sum over all nodes has
// everything once.
size_t ProportionalBytes() {
  std::ifstream file("/proc/self/smaps_rollup");
  for (std::string word; file >> word;) {
    size_t kibibytes = 0;
    if (word == "Pss:" && file >> kibibytes) return kibibytes * 1024;
  }
  return 0;
}

// Every page is written at home, then read by everybody, then written by somebody else.
NODE_SCENARIO(NeedsLittleMemory) {
  Node node = JoinOrDie();
  const size_t pages = Amount("FARPAGE_TEST_PAGES", 0);
  const size_t cache_bytes = Amount("FARPAGE_TEST_CACHE_BYTES", 0);
  REQUIRE_OK(node.Barrier());
  std::span<size_t> used = AllocateOrDie<size_t>(node, "used", node.size());
  size_t region_bytes = 0;
  for (const Consistency consistency : {Consistency::kSequential, Consistency::kRelease}) {
    const bool release = consistency == Consistency::kRelease;
    const std::span<char> memory =
        AllocateOrDie<char>(node, release ? "release" : "sequential", pages * kBytesPerPage,
                            {.consistency = consistency});
    region_bytes += memory.size();
    for (size_t turn = 0; turn < 2; ++turn) {
      const size_t part = (node.id() + turn) % node.size();
      for (size_t page = part * pages / node.size(); page < (part + 1) * pages / node.size();
           ++page) {
        memory[page * kBytesPerPage] = static_cast<char>(page + turn);
      }
      REQUIRE_OK(node.Barrier());
      for (size_t page = 0; page < pages; ++page) {
        REQUIRE(memory[page * kBytesPerPage] == static_cast<char>(page + turn));
      }
      REQUIRE_OK(node.Barrier());
    }
  }
  used[node.id()] = ProportionalBytes();
  REQUIRE_OK(node.Barrier());
  size_t all = 0;
  for (const size_t bytes : used) all += bytes;
  const size_t accounted = region_bytes + node.size() * cache_bytes;
  const size_t allowed = node.size() * (64 * kMiB + region_bytes / 100);
  if (node.id() == 0) {
    std::printf("%zu MiB of regions, %zu MiB in caches at most, %.1f MiB more a node\n",
                region_bytes / kMiB, node.size() * cache_bytes / kMiB,
                (static_cast<double>(all) - static_cast<double>(accounted)) / kMiB / node.size());
  }
  REQUIRE(all > region_bytes);
  REQUIRE(all <= accounted + allowed);
  REQUIRE_OK(node.Barrier());
  return 0;
}

}  // namespace
}  // namespace farpage::testing

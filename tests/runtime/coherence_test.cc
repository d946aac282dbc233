#include <cstdio>

#include "gtest/gtest.h"
#include "tests/runtime/node_processes.h"

namespace farpage::testing {
namespace {

// Nodes, pager, and whether streams are fetched ahead.
struct Setting {
  uint32_t nodes;
  const char* pager;
  const char* prefetch;
};

class Coherence : public ::testing::TestWithParam<Setting> {
 protected:
  void Passes(const std::string& scenario, Environment environment = {}) {
    environment.emplace_back("FARPAGE_PAGER", GetParam().pager);
    environment.emplace_back("FARPAGE_PREFETCH", GetParam().prefetch);
    if (Emulated()) {
      environment.emplace_back("FARPAGE_TEST_ROUNDS", "50");
      environment.emplace_back("FARPAGE_TEST_PAGES", "32");
    }
    const Outcome outcome = RunNodes(scenario, GetParam().nodes, environment);
    EXPECT_EQ(outcome.result.exit_status, 0) << outcome.result.failure << "\n" << outcome.output;
  }
};

TEST_P(Coherence, Placements) { Passes("Placements"); }
TEST_P(Coherence, SameAddress) { Passes("SameAddress"); }
TEST_P(Coherence, MessagePassing) { Passes("MessagePassing"); }
TEST_P(Coherence, StoreBuffering) { Passes("StoreBuffering"); }
TEST_P(Coherence, AtomicIncrements) { Passes("AtomicIncrements"); }
TEST_P(Coherence, VersionsOnlyGrow) { Passes("VersionsOnlyGrow"); }
TEST_P(Coherence, VersionsOnlyGrowWithEvictions) {
  // 24 pages of room for 48: everything is evicted all the time, also while others fetch it.
  Passes("VersionsOnlyGrow", {{"FARPAGE_CACHE_BYTES", "96K"}, {"FARPAGE_TEST_THREADS", "2"}});
}
TEST_P(Coherence, ManyThreadsFault) { Passes("ManyThreadsFault"); }
TEST_P(Coherence, MutexProtects) { Passes("MutexProtects"); }
TEST_P(Coherence, TenTimesTheCache) {
  if (Emulated()) {
    Passes("TenTimesTheCache", {{"FARPAGE_CACHE_BYTES", "64K"}, {"FARPAGE_TEST_PAGES", "160"}});
  } else {
    Passes("TenTimesTheCache", {{"FARPAGE_CACHE_BYTES", "1M"}});
  }
}
TEST_P(Coherence, StreamsAndPrefetch) {
  if (std::string(GetParam().prefetch) == "1") Passes("StreamsAndPrefetch");
}
TEST_P(Coherence, StreamsMeetWriters) { Passes("StreamsMeetWriters"); }
TEST_P(Coherence, StreamsMeetWritersWithEvictions) {
  Passes("StreamsMeetWriters", {{"FARPAGE_CACHE_BYTES", "1280K"}});
}
TEST_P(Coherence, UpgradesOfRuns) { Passes("UpgradesOfRuns"); }
TEST_P(Coherence, UpgradesOfRunsWithEvictions) {
  Passes("UpgradesOfRuns", {{"FARPAGE_CACHE_BYTES", "128K"}});
}
TEST_P(Coherence, UpgradesOfRunsOverlap) {
  if (std::string(GetParam().prefetch) == "1") Passes("UpgradesOfRunsOverlap");
}
TEST_P(Coherence, CleanMissesTakeOneChain) { Passes("CleanMissesTakeOneChain"); }
TEST_P(Coherence, PinForSystemCalls) { Passes("PinForSystemCalls"); }
TEST_P(Coherence, Containers) { Passes("Containers"); }

INSTANTIATE_TEST_SUITE_P(Settings, Coherence,
                         ::testing::Values(Setting{2, "userfaultfd", "1"},
                                           Setting{2, "userfaultfd", "0"},
                                           Setting{4, "userfaultfd", "1"},
                                           Setting{2, "mprotect", "1"},
                                           Setting{3, "mprotect", "0"}),
                         [](const auto& setting) {
                           return std::to_string(setting.param.nodes) + "_" + setting.param.pager +
                                  "_" +
                                  (std::string(setting.param.prefetch) == "1" ? "ahead" : "single");
                         });

// Beyond home pages and the cache: 64 MiB a node and a hundredth of the regions.
TEST(Memory, NeedsLittleBesidesPages) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "sanitizers keep books of their own on all memory";
#endif
  if (Emulated()) GTEST_SKIP() << "takes half a gigabyte";
  constexpr const char* kCacheBytes = "33554432";
  const Outcome outcome = RunNodes("NeedsLittleMemory", 2,
                                   {{"FARPAGE_CACHE_BYTES", kCacheBytes},
                                    {"FARPAGE_TEST_CACHE_BYTES", kCacheBytes},
                                    {"FARPAGE_TEST_PAGES", "65536"}});
  EXPECT_EQ(outcome.result.exit_status, 0) << outcome.result.failure << "\n" << outcome.output;
  std::fputs(outcome.output.c_str(), stdout);
}

TEST(OneNode, NeedsNoLauncher) {
  const std::string command =
      std::string("env -u FARPAGE_RANK ") + SCENARIOS + " AloneWithoutLauncher";
  EXPECT_EQ(std::system(command.c_str()), 0);
}

}  // namespace
}  // namespace farpage::testing

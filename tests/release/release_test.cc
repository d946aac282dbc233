// Memory with release consistency, on real nodes.
#include <algorithm>
#include "gtest/gtest.h"
#include "tests/runtime/node_processes.h"

namespace farpage::testing {
namespace {

struct Setting {
  const char* pager;
  const char* prefetch;
};

class Release : public ::testing::TestWithParam<Setting> {
 protected:
  static void Passes(const std::string& scenario, uint32_t nodes, Environment environment = {}) {
    environment.emplace_back("FARPAGE_PAGER", GetParam().pager);
    environment.emplace_back("FARPAGE_PREFETCH", GetParam().prefetch);
    if (Emulated()) environment.emplace_back("FARPAGE_TEST_ROUNDS", "20");
    const Outcome outcome = RunNodes(scenario, nodes, environment);
    EXPECT_EQ(outcome.result.exit_status, 0) << outcome.result.failure << "\n" << outcome.output;
  }
};

TEST_P(Release, Placements) { Passes("ReleasedPlacements", 3); }
TEST_P(Release, PlacementsWithEvictions) {
  Passes("ReleasedPlacements", 4, {{"FARPAGE_CACHE_BYTES", "64K"}});
}
TEST_P(Release, OneNode) { Passes("ReleasedPlacements", 1); }
TEST_P(Release, AdjacentBytes) { Passes("ReleasedAdjacentBytes", 3); }
TEST_P(Release, RewriteAfterEviction) {
  Passes("ReleasedRewriteAfterEviction", 2, {{"FARPAGE_CACHE_BYTES", "64K"}});
}
TEST_P(Release, WithoutRemoteProcessors) { Passes("ReleasedWithoutRemoteProcessors", 3); }
TEST_P(Release, MixedConsistencies) { Passes("MixedConsistencies", 3); }
TEST_P(Release, MixedConsistenciesWithEvictions) {
  Passes("MixedConsistencies", 4, {{"FARPAGE_CACHE_BYTES", "64K"}});
}
TEST_P(Release, RandomPrograms) {
  for (const char* seed : {"1", "2", "3"}) {
    Passes("RandomReleasedProgram", 3, {{"FARPAGE_TEST_SEED", seed}});
  }
}
TEST_P(Release, RandomProgramsWithThreadsAndEvictions) {
  for (const char* seed : {"4", "5"}) {
    Passes("RandomReleasedProgram", 4,
           {{"FARPAGE_TEST_SEED", seed},
            {"FARPAGE_TEST_THREADS", "3"},
            {"FARPAGE_CACHE_BYTES", "128K"}});
  }
}
TEST_P(Release, ReaderFallsBehind) {
  Passes("ReaderFallsBehind", 3, {{"FARPAGE_NOTICE_LOG_BYTES", "4K"}});
}

TEST_P(Release, BesideAnotherWriter) {
  if (Emulated()) GTEST_SKIP() << "writes to 16,384 pages, about a kernel that is newer";
  Passes("ReleasedBesideAnotherWriter", 2);
}

TEST_P(Release, ReadersAndWriters) { Passes("ReleasedReadersAndWriters", 3); }
TEST_P(Release, ReadersAndWritersWithEvictions) {
  Passes("ReleasedReadersAndWriters", 4, {{"FARPAGE_CACHE_BYTES", "64K"}});
}
TEST_P(Release, RingOfSlots) { Passes("ReleasedRingOfSlots", 3); }
TEST_P(Release, RingOfSlotsWithShortLogs) {
  Passes("ReleasedRingOfSlots", 4,
         {{"FARPAGE_CACHE_BYTES", "64K"}, {"FARPAGE_NOTICE_LOG_BYTES", "4K"}});
}
TEST_P(Release, FlagsInARing) {
  Passes("ReleasedFlagsInARing", 4, {{"FARPAGE_CACHE_BYTES", "64K"}});
}
TEST_P(Release, FlagsWithManySetters) { Passes("ReleasedFlagsWithManySetters", 3); }
TEST_P(Release, SynchronisedWithoutRemoteProcessors) {
  Passes("SynchronisedWithoutRemoteProcessors", 3);
}

INSTANTIATE_TEST_SUITE_P(Settings, Release,
                         ::testing::Values(Setting{"userfaultfd", "1"}, Setting{"userfaultfd", "0"},
                                           Setting{"userfaultfd-sync", "1"},
                                           Setting{"mprotect", "1"}),
                         [](const auto& setting) {
                           std::string pager = setting.param.pager;
                           std::replace(pager.begin(), pager.end(), '-', '_');
                           return pager + (std::string(setting.param.prefetch) == "1" ? "_ahead"
                                                                                      : "_single");
                         });

}  // namespace
}  // namespace farpage::testing

// The cases that only a distributed shared memory has, on real nodes.
#include "gtest/gtest.h"
#include "tests/runtime/node_processes.h"

namespace farpage::testing {
namespace {

class SharedMemory : public ::testing::TestWithParam<const char*> {
 protected:
  static void Passes(const std::string& scenario, uint32_t nodes) {
    Environment environment = {
        {"FARPAGE_PAGER", GetParam()}, {"FARPAGE_CACHE_BYTES", "64K"}, {"FARPAGE_PREFETCH", "0"}};
    if (Emulated()) environment.emplace_back("FARPAGE_TEST_ROUNDS", "10");
    const Outcome outcome = RunNodes(scenario, nodes, environment);
    EXPECT_EQ(outcome.result.exit_status, 0) << outcome.result.failure << "\n" << outcome.output;
  }
};

TEST_P(SharedMemory, AdjacentBytes) { Passes("AdjacentBytes", 3); }
TEST_P(SharedMemory, RewriteAfterEviction) { Passes("RewriteAfterEviction", 2); }
TEST_P(SharedMemory, NoTornWords) { Passes("NoTornWords", 3); }
TEST_P(SharedMemory, AtomicsBesideLoads) { Passes("AtomicsBesideLoads", 4); }
TEST_P(SharedMemory, UpgradesAtOnce) { Passes("UpgradesAtOnce", 3); }
TEST_P(SharedMemory, LockHandedOnWhilePageIsEvicted) {
  Passes("LockHandedOnWhilePageIsEvicted", 3);
}

INSTANTIATE_TEST_SUITE_P(Pagers, SharedMemory, ::testing::Values("userfaultfd", "mprotect"),
                         [](const auto& setting) { return std::string(setting.param); });

}  // namespace
}  // namespace farpage::testing

#include <sys/wait.h>

#include <csignal>
#include <cstdlib>

#include "gtest/gtest.h"
#include "tests/runtime/node_processes.h"

namespace farpage::testing {
namespace {

class Failures : public ::testing::TestWithParam<const char*> {
 protected:
  Outcome Run(const std::string& scenario, uint32_t nodes = 3, Environment environment = {}) {
    environment.emplace_back("FARPAGE_PAGER", GetParam());
    environment.emplace_back("FARPAGE_TIMEOUT_MS", "20000");
    environment.emplace_back("FARPAGE_FETCH_TIMEOUT_MS", "10000");
    Outcome outcome = RunNodes(scenario, nodes, environment);
    RecordProperty("output", outcome.output);
    return outcome;
  }
  // The launcher names the node that died first and takes over its fate.
  static void ExpectNodeOneKilled(const Outcome& outcome) {
    EXPECT_EQ(outcome.result.exit_status, 128 + SIGKILL) << outcome.output;
    EXPECT_EQ(outcome.result.first_failed, NodeId(1)) << outcome.output;
  }
};

// What nobody serves kills. With sanitizers too: their own handlers, which were there first, would
// report it and exit.
Environment KilledBySignals() {
  constexpr const char* kNoHandlers = "handle_segv=0:handle_sigbus=0";
  return {{"ASAN_OPTIONS", kNoHandlers}, {"TSAN_OPTIONS", kNoHandlers}};
}

#define EXPECT_SAYS(outcome, text) EXPECT_TRUE((outcome).Says(text)) << (outcome).output

TEST_P(Failures, DifferentSizesAreNamed) {
  const Outcome outcome = Run("DifferentSizes");
  EXPECT_EQ(outcome.result.exit_status, 0) << outcome.output;
  EXPECT_SAYS(outcome, "4096 bytes");
  EXPECT_SAYS(outcome, "8192 bytes");
}

TEST_P(Failures, TooMuchIsRefusedWithTheNumbers) {
  const Outcome outcome = Run("TooMuch");
  EXPECT_EQ(outcome.result.exit_status, 0) << outcome.output;
  EXPECT_SAYS(outcome, "549755813888 bytes");
}

TEST_P(Failures, WhatOneNodeCannotAllocateEndsAll) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "sanitizers need addresses of their own";
#endif
  const Outcome outcome = Run("OneNodeCannotAllocate");
  EXPECT_EQ(outcome.result.exit_status, 0) << outcome.output;
  EXPECT_SAYS(outcome, "failed on node 1: ");
}

TEST_P(Failures, JoinTwice) {
  const Outcome outcome = Run("JoinTwice", 1);
  EXPECT_EQ(outcome.result.exit_status, 0) << outcome.output;
}

TEST_P(Failures, DeathInBarrier) {
  const Outcome outcome = Run("DeathInBarrier");
  ExpectNodeOneKilled(outcome);
  EXPECT_SAYS(outcome, "barrier: UNAVAILABLE");
  EXPECT_SAYS(outcome, "node 1");
}

TEST_P(Failures, DeathOfLockHolder) {
  const Outcome outcome = Run("DeathOfLockHolder");
  ExpectNodeOneKilled(outcome);
  EXPECT_SAYS(outcome, "lock: UNAVAILABLE");
}

TEST_P(Failures, LostPageKills) {
  Environment environment = KilledBySignals();
  // A stream of writes would fetch pages ahead, and those would be lost too.
  environment.emplace_back("FARPAGE_PREFETCH", "0");
  const Outcome outcome = Run("LostPageKills", 2, environment);
  ExpectNodeOneKilled(outcome);
  EXPECT_SAYS(outcome, "pin: UNAVAILABLE");
  EXPECT_SAYS(outcome, "page 0 of region 'held'");
  EXPECT_SAYS(outcome, "is lost: node 1 has failed");
  const int signal = std::string(GetParam()) == "mprotect" ? SIGSEGV : SIGBUS;
  EXPECT_EQ(outcome.result.ends[0].exit_status(), 128 + signal) << outcome.output;
}

TEST_P(Failures, LostPageGoesToUserHandler) {
  const Outcome outcome = Run("LostPageGoesToUserHandler", 2);
  ExpectNodeOneKilled(outcome);
  EXPECT_SAYS(outcome, "the handler was called");
}

TEST_P(Failures, DeathDuringFaults) {
  const Outcome outcome = Run("DeathDuringFaults", 3);
  ExpectNodeOneKilled(outcome);
  // Whoever touches a lost page directly dies of it; whoever pins is told.
  EXPECT_TRUE(outcome.Says("pin: UNAVAILABLE") || outcome.Says("is lost: node 1 has failed") ||
              outcome.Says("node 1 held nothing when it died"))
      << outcome.output;
}

TEST_P(Failures, PastTheEnd) {
  const Outcome outcome = Run("PastTheEnd", 1, KilledBySignals());
  EXPECT_EQ(outcome.result.exit_status, 128 + SIGSEGV) << outcome.output;
  EXPECT_SAYS(outcome, "in no region");
}

TEST_P(Failures, ForeignSigbusKills) {
  const Outcome outcome = Run("ForeignSigbusKills", 1, KilledBySignals());
  EXPECT_EQ(outcome.result.exit_status, 128 + SIGBUS) << outcome.output;
}

TEST_P(Failures, ForeignSigbusGoesToUserHandler) {
  const Outcome outcome = Run("ForeignSigbusGoesToUserHandler", 2);
  EXPECT_EQ(outcome.result.exit_status, 0) << outcome.output;
}

TEST_P(Failures, ExceptionInUserCode) {
  const Outcome outcome = Run("ExceptionInUserCode");
  EXPECT_EQ(outcome.result.exit_status, 128 + SIGABRT) << outcome.output;
  EXPECT_EQ(outcome.result.first_failed, NodeId(1));
}

TEST_P(Failures, ExitInUserCode) {
  const Outcome outcome = Run("ExitInUserCode");
  EXPECT_EQ(outcome.result.exit_status, 7) << outcome.output;
  EXPECT_SAYS(outcome, "barrier: UNAVAILABLE");
}

TEST_P(Failures, ForkAndSmallStacks) {
  const Outcome outcome = Run("ForkAndSmallStacks", 2);
  EXPECT_EQ(outcome.result.exit_status, 0) << outcome.output;
}

TEST_P(Failures, MissingNodeIsNamed) {
  const Outcome outcome = Run("OneNodeDoesNotJoin", 3, {{"FARPAGE_JOIN_TIMEOUT_MS", "1500"}});
  EXPECT_EQ(outcome.result.exit_status, 0) << outcome.output;
  EXPECT_SAYS(outcome, "node 1");
}

TEST_P(Failures, MalformedEnvironment) {
  const Outcome outcome = Run("AloneWithoutLauncher", 1, {{"FARPAGE_CACHE_BYTES", "lots"}});
  EXPECT_EQ(outcome.result.exit_status, 1) << outcome.output;
  EXPECT_SAYS(outcome, "FARPAGE_CACHE_BYTES");
}

INSTANTIATE_TEST_SUITE_P(Pagers, Failures, ::testing::Values("userfaultfd", "mprotect"),
                         [](const auto& setting) { return std::string(setting.param); });

}  // namespace
}  // namespace farpage::testing

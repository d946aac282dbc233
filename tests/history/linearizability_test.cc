#include "tests/history/linearizability.h"

#include <algorithm>

#include "gtest/gtest.h"
#include "tests/history/small_histories.h"

namespace farpage::history {
namespace {

#define EXPECT_REJECTED(history, text)                                             \
  do {                                                                             \
    const LinearizabilityReport report = CheckLinearizability(history);            \
    EXPECT_FALSE(report.linearizable);                                             \
    EXPECT_NE(report.violation.find(text), std::string::npos) << report.violation; \
  } while (false)

void ExpectAccepted(const History& history) {
  const LinearizabilityReport report = CheckLinearizability(history);
  EXPECT_TRUE(report.linearizable) << report.violation;
}

TEST(Linearizability, GoodHistories) {
  ExpectAccepted(History());
  ExpectAccepted(History({{Write(0, 1, 0, 1)}, {Read(0, 1, 2, 3)}}));
  // Concurrent with the write: old or new, and two readers in either order of invocation.
  ExpectAccepted(History({{Write(0, 1, 0, 10)}, {Read(0, 0, 2, 3)}, {Read(0, 1, 4, 5)}}));
  ExpectAccepted(History({{Write(0, 1, 0, 10)}, {Read(0, 1, 2, 9)}, {Read(0, 0, 4, 8)}}));
  // Other locations do not matter.
  ExpectAccepted(History({{Write(0, 1, 0, 1)}, {Read(1, 0, 2, 3)}}));
  // A write that never responded was seen, or was not.
  ExpectAccepted(History({{Write(0, 1, 0, kNever)}, {Read(0, 1, 5, 6)}, {Read(0, 0, 3, 4)}}));
  ExpectAccepted(History({{Write(0, 1, 0, kNever)}, {Read(0, 0, 5, 6)}}));
}

TEST(Linearizability, StaleRead) {
  EXPECT_REJECTED(History({{Write(0, 1, 0, 1)}, {Read(0, 0, 2, 3)}}),
                  "thread 1 #0: x0 = 0 is read");
  EXPECT_REJECTED(History({{Write(0, 1, 0, 1), Write(0, 2, 2, 3)}, {Read(0, 1, 4, 5)}}),
                  "thread 0 #1: x0 = 2 is written in [2, 3]");
}

TEST(Linearizability, TouchingIntervalsAreConcurrent) {
  ExpectAccepted(History({{Write(0, 1, 0, 2)}, {Read(0, 0, 2, 3)}}));
}

TEST(Linearizability, NewOldInversion) {
  EXPECT_REJECTED(History({{Write(0, 1, 0, 10)}, {Read(0, 1, 2, 3)}, {Read(0, 0, 4, 5)}}),
                  "x0 is not linearizable");
}

TEST(Linearizability, ReadsFromTheFutureOrFromNobody) {
  EXPECT_REJECTED(History({{Read(0, 1, 0, 1)}, {Write(0, 1, 2, 3)}}), "but only later");
  EXPECT_REJECTED(History({{Read(0, 9, 0, 1)}}), "nobody wrote this");
}

// Two writes at the same time can be in either order, but only in one.
TEST(Linearizability, ReadersAgreeOnConcurrentWrites) {
  const Operation one = Write(0, 1, 0, 10);
  const Operation two = Write(0, 2, 0, 10);
  ExpectAccepted(History({{one}, {two}, {Read(0, 1, 11, 12)}}));
  ExpectAccepted(History({{one}, {two}, {Read(0, 2, 11, 12)}}));
  EXPECT_REJECTED(History({{one}, {two}, {Read(0, 1, 11, 12)}, {Read(0, 2, 13, 14)}}), "x0");
  EXPECT_REJECTED(History({{one},
                           {two},
                           {Read(0, 1, 1, 2), Read(0, 2, 3, 4)},
                           {Read(0, 2, 5, 6), Read(0, 1, 7, 8)}}),
                  "x0");
}

TEST(Linearizability, Exchanges) {
  ExpectAccepted(History({{Exchange(0, 0, 1, 0, 5)}, {Exchange(0, 1, 2, 1, 6)}}));
  EXPECT_REJECTED(History({{Exchange(0, 0, 1, 0, 5)}, {Exchange(0, 0, 2, 0, 5)}}),
                  "replaced twice");
  EXPECT_REJECTED(History({{Exchange(0, 2, 1, 0, 5)}, {Exchange(0, 1, 2, 0, 5)}}), "in a circle");
  EXPECT_REJECTED(History({{Exchange(0, 1, 2, 0, 1)}, {Exchange(0, 0, 1, 2, 3)}}),
                  "exchanges say otherwise");
  EXPECT_REJECTED(History({{Exchange(0, 7, 2, 0, 1)}}), "nobody wrote what was replaced");
  // Between an exchange and what it replaced there is no room for a write.
  EXPECT_REJECTED(History({{Write(0, 1, 0, 1)}, {Write(0, 2, 2, 3)}, {Exchange(0, 1, 3, 4, 5)}}),
                  "x0");
}

// Against every order, for many small histories; most of the random ones are wrong.
TEST(Linearizability, AgreesWithEveryOrder) {
  std::minstd_rand random(1);
  int good = 0;
  for (int turn = 0; turn < 60'000; ++turn) {
    const History history = RandomHistory(
        {.threads = 3, .locations = 1, .operations = 3, .exchanges = turn % 2 == 0}, random);
    ASSERT_TRUE(history.CheckWellFormed().ok());
    const LinearizabilityReport report = CheckLinearizability(history);
    ASSERT_EQ(report.linearizable, HasSequentialOrder(history, true)) << turn << report.violation;
    good += report.linearizable;
  }
  EXPECT_GT(good, 5'000);
  EXPECT_LT(good, 55'000);
}

// A million operations; then one read returns what was there before.
TEST(Linearizability, LongHistories) {
  constexpr int kOperations = 1'000'000;
  constexpr uint32_t kThreads = 8;
  constexpr uint32_t kLocations = 64;
  std::minstd_rand random(2);
  std::vector<std::vector<Operation>> threads(kThreads);
  std::vector<uint64_t> memory(kLocations, 0);
  // Operation k takes effect at 10 k; the operations of different threads overlap.
  for (int64_t turn = 0; turn < kOperations; ++turn) {
    const uint32_t location = static_cast<uint32_t>(random() % kLocations);
    Operation operation{
        .invoked_ns = 10 * turn - 30, .responded_ns = 10 * turn + 30, .location = location};
    if (random() % 3 == 0) {
      operation.kind = Kind::kWrite;
      memory[location] = static_cast<uint64_t>(turn) + 1;
    }
    operation.value = memory[location];
    threads[static_cast<size_t>(turn) % kThreads].push_back(operation);
  }
  ExpectAccepted(History(threads));

  std::vector<Operation>& victim = threads[3];
  const auto read = std::find_if(victim.begin() + 60'000, victim.end(), [](const Operation& one) {
    return one.kind == Kind::kRead && one.location == 5;
  });
  ASSERT_NE(read, victim.end());
  read->value = 0;
  EXPECT_REJECTED(History(threads), "x5 is not linearizable");
}

}  // namespace
}  // namespace farpage::history

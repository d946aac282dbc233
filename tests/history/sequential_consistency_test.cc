#include "tests/history/sequential_consistency.h"

#include "gtest/gtest.h"
#include "tests/history/linearizability.h"
#include "tests/history/small_histories.h"
#include "tests/litmus/shape.h"

namespace farpage::history {
namespace {

// Every outcome of every litmus test, forbidden or allowed.
TEST(SequentialConsistency, DecidesEveryLitmusOutcome) {
  size_t forbidden = 0;
  size_t allowed = 0;
  for (const litmus::Shape& shape : litmus::Shapes()) {
    for (const litmus::Values& outcome : litmus::AllOutcomes(shape.program)) {
      const History history = OfOutcome(shape.program, outcome);
      const bool allows = litmus::Allows(litmus::Model::kSequential, shape.program, outcome);
      const ConsistencyReport report = CheckSequentialConsistency(history);
      EXPECT_EQ(report.verdict, allows ? Verdict::kConsistent : Verdict::kViolated)
          << shape.name << ": " << shape.text << "\n"
          << report.violation;
      (allows ? allowed : forbidden) += 1;
    }
  }
  EXPECT_GT(forbidden, 100u);
  EXPECT_GT(allowed, 100u);
}

TEST(SequentialConsistency, NamesTheShortestCycle) {
  const litmus::Shape* shape = litmus::FindShape("SB");
  const ConsistencyReport report =
      CheckSequentialConsistency(OfOutcome(shape->program, shape->outcome));
  EXPECT_EQ(report.verdict, Verdict::kViolated);
  EXPECT_EQ(report.cycle.size(), 4u);
  EXPECT_EQ(report.violation,
            "no sequential order explains this cycle:\n"
            "  thread 0 #1: x1 = 0 is read in [10, 15]\n"
            "    before (from read)\n"
            "  thread 1 #0: x1 = 1 is written in [0, 5]\n"
            "    before (program order)\n"
            "  thread 1 #1: x0 = 0 is read in [10, 15]\n"
            "    before (from read)\n"
            "  thread 0 #0: x0 = 1 is written in [0, 5]\n"
            "    before (program order)\n"
            "  the first again\n");
}

// Real time does not count: a stale read is sequentially consistent.
TEST(SequentialConsistency, RealTimeDoesNotCount) {
  const History history({{Write(0, 1, 0, 1)}, {Read(0, 0, 2, 3)}});
  EXPECT_EQ(CheckSequentialConsistency(history).verdict, Verdict::kConsistent);
}

TEST(SequentialConsistency, ValuesOutOfThinAir) {
  const ConsistencyReport report = CheckSequentialConsistency(History({{Read(0, 9, 0, 1)}}));
  EXPECT_EQ(report.verdict, Verdict::kViolated);
  EXPECT_NE(report.violation.find("nobody wrote"), std::string::npos);
}

TEST(SequentialConsistency, Exchanges) {
  EXPECT_EQ(
      CheckSequentialConsistency(History({{Exchange(0, 0, 1, 0, 1)}, {Exchange(0, 0, 2, 0, 1)}}))
          .verdict,
      Verdict::kViolated);
  EXPECT_EQ(
      CheckSequentialConsistency(History({{Exchange(0, 0, 1, 0, 1)}, {Exchange(0, 1, 2, 0, 1)}}))
          .verdict,
      Verdict::kConsistent);
  // Nothing comes between an exchange and what it replaced.
  EXPECT_EQ(CheckSequentialConsistency(History({{Write(0, 1, 0, 1), Write(0, 2, 2, 3)},
                                                {Exchange(0, 1, 3, 0, 1)},
                                                {Read(0, 2, 0, 1), Read(0, 3, 2, 3)}}))
                .verdict,
            Verdict::kViolated);
}

// A path over other locations orders two writes; nobody read them both.
TEST(SequentialConsistency, InfersOrderFromPaths) {
  // x = 1, then y = 1 | y = 1 is seen, then x = 2 | x = 2 is seen, then y = 1; a fourth thread sees
  // x = 1 after a flag that the second set when x was 2 already.
  const History history({{Write(0, 1, 0, 1), Write(1, 1, 2, 3)},
                         {Read(1, 1, 0, 1), Write(0, 2, 2, 3), Write(2, 1, 4, 5)},
                         {Read(2, 1, 0, 1), Read(0, 1, 2, 3)}});
  EXPECT_EQ(CheckSequentialConsistency(history).verdict, Verdict::kViolated);
}

// Against every order. Nothing good is ever called bad, and hardly anything stays undecided.
TEST(SequentialConsistency, AgreesWithEveryOrder) {
  std::minstd_rand random(3);
  int good = 0;
  int bad = 0;
  int undecided = 0;
  for (int turn = 0; turn < 40'000; ++turn) {
    const History history = RandomHistory(
        {.threads = 3, .locations = 2, .operations = 4, .exchanges = turn % 2 == 0}, random);
    const ConsistencyReport report = CheckSequentialConsistency(history);
    const bool possible = HasSequentialOrder(history, false);
    if (report.verdict == Verdict::kUndecided) {
      ++undecided;
      continue;
    }
    ASSERT_EQ(report.verdict == Verdict::kConsistent, possible) << turn << "\n" << report.violation;
    (possible ? good : bad) += 1;
  }
  EXPECT_GT(good, 3'000);
  EXPECT_GT(bad, 3'000);
  EXPECT_LT(undecided, 400) << "of 40,000";
}

// What is linearizable is decided with the help of real time.
TEST(SequentialConsistency, LinearizableHistoriesAreDecided) {
  std::minstd_rand random(4);
  int checked = 0;
  for (int turn = 0; turn < 40'000; ++turn) {
    const History history = RandomHistory({.threads = 3, .locations = 2, .operations = 4}, random);
    const LinearizabilityReport linearizability = CheckLinearizability(history);
    if (!linearizability.linearizable) continue;
    const ConsistencyReport report =
        CheckSequentialConsistency(history, linearizability.write_orders);
    ASSERT_EQ(report.verdict, Verdict::kConsistent) << turn << "\n" << report.violation;
    ++checked;
  }
  EXPECT_GT(checked, 3'000);
}

// Locations with one writer, with several that store, and with several that exchange, in turn.
std::vector<std::vector<Operation>> LongThreads(int64_t operations) {
  constexpr uint32_t kThreads = 8;
  constexpr uint32_t kLocations = 60;
  std::minstd_rand random(5);
  std::vector<std::vector<Operation>> threads(kThreads);
  std::vector<uint64_t> memory(kLocations, 0);
  for (int64_t turn = 0; turn < operations; ++turn) {
    const uint32_t thread = static_cast<uint32_t>(random() % kThreads);
    const uint32_t location = static_cast<uint32_t>(random() % kLocations);
    Operation operation{
        .invoked_ns = 10 * turn, .responded_ns = 10 * turn + 5, .location = location};
    const bool may_write = location % 3 != 0 || thread == location % kThreads;
    if (may_write && random() % 3 == 0) {
      operation.kind = location % 3 == 2 ? Kind::kExchange : Kind::kWrite;
      if (operation.kind == Kind::kExchange) operation.replaced = memory[location];
      memory[location] = static_cast<uint64_t>(turn) + 1;
    }
    operation.value = memory[location];
    threads[thread].push_back(operation);
  }
  return threads;
}

TEST(SequentialConsistency, LongHistories) {
  const History history(LongThreads(1'000'000));
  const LinearizabilityReport linearizability = CheckLinearizability(history);
  ASSERT_TRUE(linearizability.linearizable) << linearizability.violation;
  const ConsistencyReport report =
      CheckSequentialConsistency(history, linearizability.write_orders);
  EXPECT_EQ(report.verdict, Verdict::kConsistent) << report.violation;
}

// One read sees what was there before; without the help of real time.
TEST(SequentialConsistency, OneStaleReadInALongHistory) {
  for (uint32_t kind = 0; kind < 3; ++kind) {
    std::vector<std::vector<Operation>> threads = LongThreads(100'000);
    EXPECT_NE(CheckSequentialConsistency(History(threads)).verdict, Verdict::kViolated);
    for (size_t place = threads[6].size() / 2; place < threads[6].size(); ++place) {
      Operation& operation = threads[6][place];
      if (operation.kind != Kind::kRead || operation.location % 3 != kind) continue;
      operation.value = 0;
      break;
    }
    const ConsistencyReport report = CheckSequentialConsistency(History(threads));
    EXPECT_EQ(report.verdict, Verdict::kViolated) << kind;
    EXPECT_LE(report.cycle.size(), 4u) << report.violation;
  }
}

}  // namespace
}  // namespace farpage::history

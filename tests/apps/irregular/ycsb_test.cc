#include "bench/apps/problems/ycsb.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <vector>

namespace farpage::apps {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(ZipfianRanks, AreAsLikelyAsTheLawSays) {
  constexpr uint64_t kRanks = 1000;
  constexpr int kDraws = 200'000;
  const ZipfianRanks ranks(kRanks);
  CounterRandom random(1);
  std::vector<double> drawn(kRanks);
  for (int draw = 0; draw < kDraws; ++draw) drawn.at(ranks.Draw(random)) += 1.0 / kDraws;
  double zeta = 0;
  for (uint64_t rank = 1; rank <= kRanks; ++rank) {
    zeta += std::pow(static_cast<double>(rank), -0.99);
  }
  // The first two are exact; the others come from a continuous law that is near.
  EXPECT_NEAR(drawn[0], 1 / zeta, 0.004);
  EXPECT_NEAR(drawn[1], std::pow(2, -0.99) / zeta, 0.004);
  double first_hundred = 0;
  double expected = 0;
  for (size_t rank = 0; rank < 100; ++rank) {
    first_hundred += drawn[rank];
    expected += std::pow(static_cast<double>(rank + 1), -0.99) / zeta;
  }
  EXPECT_NEAR(first_hundred, expected, 0.02);
}

TEST(ZipfianRanks, WorkForFewRecords) {
  CounterRandom random(1);
  for (const uint64_t count : {1u, 2u, 3u}) {
    const ZipfianRanks ranks(count);
    std::set<uint64_t> seen;
    for (int draw = 0; draw < 1000; ++draw) seen.insert(ranks.Draw(random));
    EXPECT_EQ(seen.size(), count);
    EXPECT_LT(*seen.rbegin(), count);
  }
}

TEST(Requests, HaveTheMixAndDifferBetweenClients) {
  const ZipfianRanks ranks(500);
  for (const auto& [mix, fraction] :
       {std::pair(Mix::kA, 0.5), std::pair(Mix::kB, 0.05), std::pair(Mix::kC, 0.0)}) {
    Requests requests(ranks, 500, mix, 7, 0);
    double updates = 0;
    for (int at = 0; at < 20'000; ++at) {
      const Request request = requests.Next();
      ASSERT_LT(request.record, 500u);
      if (request.operation == Operation::kUpdate) updates += 1.0 / 20'000;
    }
    EXPECT_NEAR(updates, fraction, 0.02);
    EXPECT_EQ(UpdateFraction(mix), fraction);
  }
  Requests a(ranks, 500, Mix::kA, 7, 0);
  Requests again(ranks, 500, Mix::kA, 7, 0);
  Requests b(ranks, 500, Mix::kA, 7, 1);
  int same = 0;
  for (int at = 0; at < 1000; ++at) {
    const uint64_t record = a.Next().record;
    EXPECT_EQ(record, again.Next().record);
    if (record == b.Next().record) ++same;
  }
  EXPECT_LT(same, 200);
}

TEST(Latencies, PercentilesAreWithinAClass) {
  Latencies low;
  Latencies high;
  for (uint64_t ns = 1; ns <= 5000; ++ns) low.Add(ns);
  for (uint64_t ns = 5001; ns <= 10'000; ++ns) high.Add(ns);
  low += high;
  EXPECT_EQ(low.count, 10'000u);
  EXPECT_EQ(low.sum_ns, 50'005'000u);
  EXPECT_EQ(low.least_ns, 1u);
  EXPECT_EQ(low.most_ns, 10'000u);
  for (const double fraction : {0.001, 0.5, 0.95, 0.99, 1.0}) {
    const double exact = fraction * 10'000;
    const auto found = static_cast<double>(low.PercentileNs(fraction));
    EXPECT_GE(found, exact);
    EXPECT_LE(found, exact * 17 / 16 + 1);
  }
  Latencies huge;
  huge.Add(~uint64_t{0} >> 1);
  EXPECT_EQ(huge.PercentileNs(0.99), ~uint64_t{0} >> 1);
}

TEST(YcsbLines, AreThoseOfYcsb) {
  std::array<Latencies, kOperations> latencies;
  latencies[0].Add(2000);
  latencies[0].Add(4000);
  const std::string lines = YcsbLines(0.5, latencies);
  EXPECT_THAT(lines, HasSubstr("[OVERALL], RunTime(ms), 500\n"));
  EXPECT_THAT(lines, HasSubstr("[OVERALL], Throughput(ops/sec), 4.0\n"));
  EXPECT_THAT(lines, HasSubstr("[READ], Operations, 2\n"));
  EXPECT_THAT(lines, HasSubstr("[READ], AverageLatency(us), 3.000\n"));
  EXPECT_THAT(lines, HasSubstr("[READ], MinLatency(us), 2.000\n"));
  EXPECT_THAT(lines, HasSubstr("[READ], MaxLatency(us), 4.000\n"));
  EXPECT_THAT(lines, HasSubstr("[READ], 99thPercentileLatency(us), 4.000\n"));
  EXPECT_THAT(lines, HasSubstr("[READ], Return=OK, 2\n"));
  EXPECT_THAT(lines, Not(HasSubstr("UPDATE")));
}

}  // namespace
}  // namespace farpage::apps

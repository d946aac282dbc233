#include "tests/litmus/tally.h"

#include <algorithm>

#include "gtest/gtest.h"

namespace farpage::litmus {
namespace {

TEST(Tally, CountsByConsistency) {
  const Shape& shape = *FindShape("SB");
  Tally tally("shm");
  tally.Add(shape, Consistency::kStrict, {0, 1});
  tally.Add(shape, Consistency::kStrict, {0, 1}, 2);
  tally.Add(shape, Consistency::kSequential, {1, 1});
  EXPECT_EQ(tally.Runs(shape, Consistency::kStrict), 3u);
  EXPECT_EQ(tally.Seen(shape, Consistency::kStrict, {0, 1}), 3u);
  EXPECT_EQ(tally.Seen(shape, {1, 1}), 1u);
  EXPECT_EQ(tally.Seen(shape, {0, 0}), 0u);
}

// A stale read is forbidden to strict memory only.
TEST(Tally, WhatIsForbiddenDependsOnTheConsistency) {
  Tally tally("shm");
  tally.Add(*FindShape("stale-read"), Consistency::kSequential, {0});
  tally.Add(*FindShape("MP"), Consistency::kSequential, {1, 1});
  EXPECT_TRUE(tally.Violations().empty());
  tally.Add(*FindShape("stale-read"), Consistency::kStrict, {0});
  EXPECT_EQ(tally.Violations().size(), 1u);
  tally.Add(*FindShape("MP"), Consistency::kSequential, {1, 0});
  ASSERT_EQ(tally.Violations().size(), 2u);
  EXPECT_NE(tally.Violations()[0].find("MP"), std::string::npos);
}

TEST(Tally, NamesWhatWasNeverSeen) {
  Tally tally("shm");
  const auto misses = [&tally](const std::string& what) {
    const std::vector<std::string> missing = tally.NeverSeen();
    return std::find(missing.begin(), missing.end(), what) != missing.end();
  };
  EXPECT_TRUE(misses("SB: 0,1"));
  EXPECT_FALSE(misses("SB: 0,0")) << "forbidden";
  tally.Add(*FindShape("SB"), Consistency::kStrict, {0, 1});
  EXPECT_FALSE(misses("SB: 0,1"));
}

TEST(Tally, SurvivesTheFile) {
  Tally tally("verbs");
  tally.Add(*FindShape("IRIW"), Consistency::kStrict, {1, 0, 1, 1}, 7);
  tally.Add(*FindShape("2+2W"), Consistency::kSequential, {1, 2, 0, 1});
  const Tally again = Tally::FromJson(tally.ToJson());
  EXPECT_EQ(again.back_end(), "verbs");
  EXPECT_EQ(again.Seen(*FindShape("IRIW"), Consistency::kStrict, {1, 0, 1, 1}), 7u);
  EXPECT_EQ(again.ToJson(), tally.ToJson());
}

TEST(Tally, TablesShowEveryTestAndBackEnd) {
  Tally tally("shm");
  tally.Add(*FindShape("SB"), Consistency::kStrict, {0, 1}, 5);
  const std::string text = MarkdownTables({tally, Tally("verbs")});
  EXPECT_NE(text.find("| SB | Wx1;Ry=0 ‖ Wy1;Rx=0 | F | F | a | a | a | 0 of 5 | 0 of 0 |"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("| SB | 0,1 | 5 | 0 |"), std::string::npos) << text;
  EXPECT_EQ(text.find("| SB | 0,0 |"), std::string::npos) << text;
}

}  // namespace
}  // namespace farpage::litmus

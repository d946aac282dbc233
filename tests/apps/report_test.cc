// Results as JSON and as a table.
#include "bench/apps/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "bench/apps/frame/format.h"

namespace farpage::apps {
namespace {

using testing::HasSubstr;

Result SomeResult(uint32_t nodes) {
  Result result;
  result.nodes = nodes;
  result.packages = 63'666;
  result.dependencies = 276'341;
  result.tolerance = 1e-10;
  result.iterations = 10;
  result.plain_iterations = 10;
  result.seconds = 0.05 * nodes;
  result.plain_seconds = 0.025;
  result.statistics.values[static_cast<size_t>(Counter::read_faults)] = 12'345;
  result.statistics.values[static_cast<size_t>(Counter::read_bytes)] = 4096 * 1000;
  result.statistics.values[static_cast<size_t>(Counter::write_bytes)] = 4096 * 234;
  result.top = {{"libc6", 0.15}, {"perl", 0.1 / 3}};
  result.rank_difference = 4e-16;
  return result;
}

TEST(Result, SurvivesJson) {
  const Result result = SomeResult(4);
  const Result copy = ResultFromJson(ToJson(result)).value();
  EXPECT_EQ(ToJson(copy), ToJson(result));
  EXPECT_EQ(copy.nodes, 4u);
  EXPECT_EQ(copy.top, result.top);
  EXPECT_EQ(copy.statistics.values, result.statistics.values);
  EXPECT_EQ(copy.moved_pages(), 1234u);
}

TEST(Result, OfSomethingElseIsAnError) {
  for (const char* text : {"", "{", "{}", "[]", R"({"nodes": "two"})"}) {
    EXPECT_EQ(ResultFromJson(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(Result, AgreesOnlyIfEverythingDoes) {
  EXPECT_TRUE(SomeResult(2).agrees());
  Result other = SomeResult(2);
  other.rank_difference = 2e-12;
  EXPECT_FALSE(other.agrees());
  other = SomeResult(2);
  other.rank_difference = std::numeric_limits<double>::quiet_NaN();
  EXPECT_FALSE(other.agrees());
  other = SomeResult(2);
  other.change_difference = 1e-10;
  EXPECT_FALSE(other.agrees());
  other = SomeResult(2);
  other.plain_iterations = 11;
  EXPECT_FALSE(other.agrees());
}

TEST(Report, IsATable) {
  const std::vector<Result> results = {SomeResult(1), SomeResult(2)};
  const std::string report = FormatReport(results);
  EXPECT_THAT(report, HasSubstr("63,666 Debian packages and 276,341 dependencies"));
  EXPECT_THAT(report, HasSubstr("  1 node    50.0 ms     1.00 x   0.50 x  12,345"));
  EXPECT_THAT(report, HasSubstr("  2 nodes  100.0 ms     0.50 x   0.25 x  12,345"));
  EXPECT_THAT(report, HasSubstr("1,234        123  5.1 MB"));
  EXPECT_THAT(report, HasSubstr("  libc6    0.150000  15.00 %\n"));
  EXPECT_THAT(report, HasSubstr("plain run: 4.0e-16\n"));
  EXPECT_TRUE(CheckResults(results).ok());
}

TEST(Report, NamesTheRunThatIsWrong) {
  std::vector<Result> results = {SomeResult(1), SomeResult(4)};
  results[1].rank_difference = 1;
  EXPECT_THAT(std::string(CheckResults(results).message()), HasSubstr("4 nodes differs"));
  results[1] = SomeResult(4);
  results[1].top[1].name = "ruby";
  EXPECT_FALSE(CheckResults(results).ok());
  results[1] = SomeResult(4);
  --results[1].dependencies;
  EXPECT_FALSE(CheckResults(results).ok());
}

TEST(Report, WritesNumbersForPeople) {
  EXPECT_EQ(WithSeparators(0), "0");
  EXPECT_EQ(WithSeparators(999), "999");
  EXPECT_EQ(WithSeparators(1'000), "1,000");
  EXPECT_EQ(WithSeparators(1'234'567), "1,234,567");
  EXPECT_EQ(FormatBytes(999), "999 B");
  EXPECT_EQ(FormatBytes(1'000), "1.0 kB");
  EXPECT_EQ(FormatBytes(999'999), "1.0 MB");
  EXPECT_EQ(FormatBytes(63'900'000), "63.9 MB");
}

}  // namespace
}  // namespace farpage::apps

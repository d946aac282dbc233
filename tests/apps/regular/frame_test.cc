// What the applications share, as far as it needs no nodes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>
#include <vector>

#include "bench/apps/frame/compare.h"
#include "bench/apps/frame/measurement.h"
#include "bench/apps/frame/process_usage.h"
#include "bench/apps/frame/range.h"
#include "bench/apps/frame/report.h"

namespace farpage::apps {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(BlockOf, PartsFollowEachOtherInWholeGranules) {
  for (const size_t count : {0u, 1u, 511u, 512u, 513u, 14'000u}) {
    for (const size_t parts : {1u, 2u, 3u, 4u, 7u}) {
      for (const size_t granule : {1u, 64u, 512u}) {
        size_t next = 0;
        for (size_t part = 0; part < parts; ++part) {
          const Range range = BlockOf(count, parts, part, granule);
          EXPECT_EQ(range.begin, next);
          EXPECT_TRUE(range.begin % granule == 0 || range.empty());
          EXPECT_LE(range.begin, range.end);
          next = range.end;
        }
        EXPECT_EQ(next, count);
      }
    }
  }
}

TEST(BlockOf, GranulesAreWholePages) {
  EXPECT_EQ(ItemsPerWholePages(sizeof(double)), 512u);
  EXPECT_EQ(ItemsPerWholePages(4096 * sizeof(double)), 1u);
  EXPECT_EQ(ItemsPerWholePages(1000 * sizeof(double)), 64u);
  EXPECT_EQ(ItemsPerWholePages(1), 4096u);
}

TEST(Measurement, MedianIsOneOfThem) {
  const auto of = [](std::initializer_list<double> times) {
    std::vector<Measurement> measurements;
    for (const double seconds : times) {
      Measurement& one = measurements.emplace_back();
      one.seconds = seconds;
      one.cpu_seconds = 10 * seconds;
    }
    return measurements;
  };
  EXPECT_EQ(Median(of({3, 1, 2})).seconds, 2);
  EXPECT_EQ(Median(of({3, 1, 2})).cpu_seconds, 20);
  EXPECT_EQ(Median(of({4, 3, 1, 2})).seconds, 2);
  EXPECT_EQ(Median(of({7})).seconds, 7);
  EXPECT_EQ(Fastest(of({3, 1, 2})), 1);
  EXPECT_EQ(Slowest(of({3, 1, 2})), 3);
}

TEST(Compare, NamesTheFirstDifference) {
  const std::vector<double> right = {1, 2, 3};
  EXPECT_TRUE(CompareExactly<double>(right, right).ok());
  EXPECT_THAT(std::string(CompareExactly<double>(std::vector{1.0, 2.5, 4.0}, right).message()),
              HasSubstr("value 1 is 2.5 instead of 2"));
  EXPECT_THAT(std::string(CompareExactly<double>(std::vector{1.0}, right).message()),
              HasSubstr("there are 1 values instead of 3"));
  EXPECT_TRUE(CompareNearly(std::vector{1.0, 2.0, 3.0001}, right, 1e-4).ok());
  EXPECT_FALSE(CompareNearly(std::vector{1.0, 2.0, 3.001}, right, 1e-4).ok());
  const std::vector<double> none = {1, std::nan(""), 3};
  EXPECT_FALSE(CompareExactly<double>(none, none).ok());
  EXPECT_FALSE(CompareNearly(none, right, 1).ok());
}

TEST(ProcessUsage, CountsWhatIsUsed) {
  const double cpu_before = CpuSeconds();
  const uint64_t resident_before = ResidentBytes();
  std::vector<double> touched(4 << 20, 1.0);  // 32 MiB
  double sum = 0;
  for (int round = 0; round < 20; ++round) {
    for (double& value : touched) sum += value *= 0.5;
  }
  EXPECT_GT(sum, 0);
  EXPECT_GT(CpuSeconds(), cpu_before);
  EXPECT_GT(ResidentBytes(), resident_before + (16 << 20));
}

class Reports : public testing::Test {
 protected:
  Reports() {
    report_.application = "sum";
    report_.version = "farpage";
    report_.nodes = 2;
    report_.threads = 3;
    report_.figures = {{"size", 4096}};
    for (const double seconds : {0.5, 2.0, 1.0}) {
      Measurement& one = report_.measurements.emplace_back();
      one.seconds = seconds;
      one.cpu_seconds = 2 * seconds;
      one.fault_share = 0.25;
      one.statistics.emplace();
      one.statistics->values[static_cast<size_t>(Counter::read_faults)] = 1200;
      one.statistics->values[static_cast<size_t>(Counter::upgrade_faults)] = 34;
      one.statistics->values[static_cast<size_t>(Counter::read_bytes)] = 5'000'000;
      report_.plain.emplace_back().seconds = 2 * seconds;
    }
  }

  std::string Printed() const {
    std::ostringstream out;
    Print(report_, out);
    return out.str();
  }

  Report report_;
};

TEST_F(Reports, HaveALineForPeople) {
  EXPECT_THAT(Printed(), HasSubstr("sum/nodes:2/threads:3: 1 s (0.5 … 2), processor 2 s; "
                                   "sequential 2 s: 2.00 times; 1,234 misses, 5.0 MB moved, "
                                   "25.0 % in faults"));
  EXPECT_THAT(Printed(), HasSubstr("size 4096; verified\n"));
  report_.verified = absl::DataLossError("value 3 is 4 instead of 5");
  EXPECT_THAT(Printed(), HasSubstr("NOT VERIFIED: value 3 is 4 instead of 5\n"));
  EXPECT_THAT(Printed(), Not(HasSubstr("; verified")));
}

TEST_F(Reports, HaveTheSchemaOfGoogleBenchmark) {
  const nlohmann::json json = nlohmann::json::parse(ToJson(report_));
  EXPECT_TRUE(json["context"].contains("date"));
  EXPECT_TRUE(json["context"].contains("num_cpus"));
  ASSERT_EQ(json["benchmarks"].size(), 1u);
  const nlohmann::json& one = json["benchmarks"][0];
  EXPECT_EQ(one["name"], "sum/nodes:2/threads:3");
  EXPECT_EQ(one["run_type"], "iteration");
  EXPECT_EQ(one["iterations"], 3);
  EXPECT_EQ(one["real_time"], 1.0);
  EXPECT_EQ(one["cpu_time"], 2.0);
  EXPECT_EQ(one["time_unit"], "s");
  EXPECT_EQ(one["plain_seconds"], 2.0);
  EXPECT_EQ(one["speedup"], 2.0);
  EXPECT_EQ(one["misses"], 1234);
  EXPECT_EQ(one["moved_bytes"], 5'000'000);
  EXPECT_EQ(one["read_faults"], 1200);
  EXPECT_EQ(one["size"], 4096.0);
  EXPECT_EQ(one["verified"], 1);
}

TEST_F(Reports, OfOtherVersionsNameTheVersion) {
  report_.version = "mpi";
  for (Measurement& one : report_.measurements) one.statistics.reset();
  const nlohmann::json json = nlohmann::json::parse(ToJson(report_));
  EXPECT_EQ(json["benchmarks"][0]["name"], "sum/mpi/nodes:2/threads:3");
  EXPECT_FALSE(json["benchmarks"][0].contains("misses"));
  EXPECT_THAT(Printed(), Not(HasSubstr("misses")));
}

}  // namespace
}  // namespace farpage::apps

// pagerank under `farpage run`, on a graph of its own and on bad input.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "bench/apps/result.h"
#include "tests/cli/started_program.h"

namespace farpage::apps {
namespace {

using cli::StartedProgram;
using testing::HasSubstr;

// Four pages of doubles and a bit, so that four nodes have unequal parts.
constexpr int kPackages = 2100;

class PageRank : public testing::Test {
 protected:
  PageRank() {
    std::filesystem::create_directories(directory_);
    std::ofstream file(packages_);
    std::mt19937 random(1);
    for (int package = 0; package < kPackages; ++package) {
      file << "Package: p" << package << "\nDepends: everything";
      for (int edge = static_cast<int>(random() % 4); edge > 0 && package % 7 != 0; --edge) {
        // Low numbers are popular, wherever they are depended on.
        file << ", p" << random() % (random() % kPackages + 1);
      }
      file << "\n\n";
    }
  }
  ~PageRank() override { std::filesystem::remove_all(directory_); }

  // Runs it on so many nodes. `status` is the exit status that is expected.
  std::string Run(int nodes, const std::string& file, int status,
                  const std::vector<std::string>& options = {}) {
    std::vector<std::string> command = {FARPAGE, "run",    "-n", absl::StrCat(nodes),
                                        "--",    PAGERANK, file};
    command.insert(command.end(), options.begin(), options.end());
    StartedProgram program(command);
    EXPECT_EQ(program.Wait(), status) << program.out << program.err;
    return program.err;
  }

  Result ResultOn(int nodes) {
    const std::string path = absl::StrCat(directory_.string(), "/", nodes, ".json");
    Run(nodes, packages_, 0, {"--json", path});
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    Result result = ResultFromJson(text.str()).value_or(Result());
    EXPECT_EQ(result.nodes, static_cast<uint32_t>(nodes)) << text.str();
    EXPECT_EQ(result.packages, static_cast<uint64_t>(kPackages));
    EXPECT_TRUE(result.agrees()) << text.str();
    EXPECT_EQ(result.top.size(), 10u);
    EXPECT_GT(result.iterations, 10u);
    return result;
  }

  const std::filesystem::path directory_ =
      std::filesystem::path(testing::TempDir()) / absl::StrCat("pagerank_test.", getpid());
  const std::string packages_ = directory_ / "packages";
};

TEST_F(PageRank, EqualsThePlainRunOnOneNode) { EXPECT_EQ(ResultOn(1).moved_bytes(), 0u); }

TEST_F(PageRank, EqualsThePlainRunOnTwoNodes) {
  const Result result = ResultOn(2);
  // Each iteration brings every page of shares to the node that is not its home.
  EXPECT_GE(result.moved_pages(), 5u * result.iterations);
  EXPECT_GE(result.statistics[Counter::named_pages], 5u * (result.iterations - 2));
}

TEST_F(PageRank, EqualsThePlainRunOnFourNodes) { ResultOn(4); }

TEST_F(PageRank, WorksWithMoreNodesThanPages) { ResultOn(6); }

TEST_F(PageRank, BadInputEndsAllNodes) {
  EXPECT_THAT(Run(2, "no/such/file", 1), HasSubstr("cannot open no/such/file"));
  EXPECT_THAT(Run(2, "/", 1), HasSubstr("cannot read /"));
  std::ofstream(directory_ / "empty").close();
  EXPECT_THAT(Run(3, directory_ / "empty", 1), HasSubstr("no package"));
  EXPECT_THAT(Run(1, PAGERANK, 1), HasSubstr("no package"));
  EXPECT_THAT(Run(2, packages_, 2, {"--tolerance", "much"}), HasSubstr("--tolerance"));
  EXPECT_THAT(Run(2, packages_, 2, {"--iterations", "0"}), HasSubstr("--iterations"));
  EXPECT_THAT(Run(2, packages_, 1, {"--json", "no/such/directory/json"}),
              HasSubstr("cannot write no/such/directory/json"));
}

TEST_F(PageRank, ReportComparesRuns) {
  const std::string ends[] = {directory_ / "1.json", directory_ / "2.json"};
  ResultOn(1);
  ResultOn(2);
  StartedProgram good({PAGERANK_REPORT, ends[0], ends[1]});
  EXPECT_EQ(good.Wait(), 0) << good.err;
  EXPECT_THAT(good.out, HasSubstr("2 nodes"));
  StartedProgram missing({PAGERANK_REPORT, ends[0], packages_});
  EXPECT_EQ(missing.Wait(), 1);
  EXPECT_THAT(missing.err, HasSubstr("not a result of pagerank"));
}

}  // namespace
}  // namespace farpage::apps

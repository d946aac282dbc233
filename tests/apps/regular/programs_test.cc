// The regular applications under `farpage run`, at small sizes, and on bad arguments. Each judges
// its own result and says so with its exit status.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/cli/started_program.h"

namespace farpage::apps {
namespace {

using cli::StartedProgram;
using testing::HasSubstr;

using Command = std::vector<std::string>;

class RegularPrograms : public testing::Test {
 protected:
  RegularPrograms() { std::filesystem::create_directories(directory_); }
  ~RegularPrograms() override { std::filesystem::remove_all(directory_); }

  static std::string Path(const std::string& program) {
    return absl::StrCat(APPLICATIONS, "/", program);
  }

  // Runs an application with `launcher` before it and gives its report.
  nlohmann::json Report(Command launcher, Command command) {
    const std::string json = directory_ / "report.json";
    command[0] = Path(command[0]);
    launcher.insert(launcher.end(), command.begin(), command.end());
    launcher.insert(launcher.end(), {"--repeat", "2", "--json", json});
    StartedProgram started(launcher);
    EXPECT_EQ(started.Wait(), 0) << started.out << started.err;
    const nlohmann::json report = nlohmann::json::parse(std::ifstream(json), nullptr, false);
    if (!report.contains("benchmarks")) return {};
    EXPECT_EQ(report["benchmarks"][0]["verified"], 1);
    EXPECT_GT(report["benchmarks"][0]["real_time"], 0);
    return report["benchmarks"][0];
  }

  void Run(int nodes, const Command& command) {
    const nlohmann::json one = Report({FARPAGE, "run", "-n", absl::StrCat(nodes), "--"}, command);
    EXPECT_THAT(one.value("name", ""),
                HasSubstr(absl::StrCat(command[0], "/nodes:", nodes, "/threads:")));
    if (nodes > 1) {
      EXPECT_GT(one.value("moved_bytes", 0), 4096) << command[0];
    }
  }

  void RunAll(int nodes, const Command& options = {}) {
    for (Command command : std::vector<Command>{{"stencil", "--side", "203", "--steps", "9"},
                                                {"sor", "--side", "202", "--steps", "6"},
                                                {"matmul", "--order", "203"},
                                                {"lu", "--order", "328"},
                                                {"radix_sort", "--keys-log2", "16"},
                                                {"is", "--class", "S"},
                                                {"cg", "--class", "S"}}) {
      command.insert(command.end(), options.begin(), options.end());
      Run(nodes, command);
    }
  }

  // What a program prints on standard error when it ends with `status`.
  static std::string Refused(Command command, int status = 2) {
    command[0] = Path(command[0]);
    StartedProgram started(command);
    EXPECT_EQ(started.Wait(), status) << started.out;
    return started.err;
  }

  const std::filesystem::path directory_ =
      std::filesystem::path(testing::TempDir()) / absl::StrCat("regular_test.", getpid());
};

// For machines that are emulated.
TEST_F(RegularPrograms, AreVerifiedAtTinySizes) {
  Run(2, {"stencil", "--side", "101", "--steps", "3"});
  Run(2, {"sor", "--side", "100", "--steps", "2"});
  Run(2, {"matmul", "--order", "96"});
  Run(2, {"lu", "--order", "136"});
  Run(2, {"radix_sort", "--keys-log2", "13"});
  Run(2, {"is", "--class", "S"});
  Run(2, {"cg", "--class", "S"});
}

TEST_F(RegularPrograms, AreVerifiedOnOneNode) { RunAll(1); }
TEST_F(RegularPrograms, AreVerifiedOnTwoNodes) { RunAll(2); }
TEST_F(RegularPrograms, AreVerifiedOnFourNodes) { RunAll(4); }
TEST_F(RegularPrograms, AreVerifiedWithTwoThreadsPerNode) { RunAll(3, {"--threads", "2"}); }
TEST_F(RegularPrograms, AreVerifiedWithTheOtherConsistency) {
  RunAll(2, {"--consistency", "sequential"});
  RunAll(2, {"--consistency", "release"});
}

TEST_F(RegularPrograms, AreVerifiedWithOpenMp) {
  if (!std::filesystem::exists(Path("cg_openmp"))) GTEST_SKIP() << "built without OpenMP";
  for (const Command& command : {Command{"stencil_openmp", "--side", "203"},
                                 {"matmul_openmp", "--order", "203"},
                                 {"radix_sort_openmp", "--keys-log2", "16"},
                                 {"cg_openmp", "--class", "S"}}) {
    Command with_threads = command;
    with_threads.insert(with_threads.end(), {"--threads", "2"});
    EXPECT_THAT(Report({}, with_threads).value("name", ""), HasSubstr("/openmp/nodes:1/threads:2"));
  }
}

TEST_F(RegularPrograms, AreVerifiedWithMpi) {
  if (!std::filesystem::exists(Path("cg_mpi"))) GTEST_SKIP() << "built without MPI";
  for (const Command& command : {Command{"stencil_mpi", "--side", "203"},
                                 {"radix_sort_mpi", "--keys-log2", "16"},
                                 {"cg_mpi", "--class", "S"}}) {
    EXPECT_THAT(
        Report({"/usr/bin/env", "OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1",
                "OMPI_MCA_rmaps_base_oversubscribe=1", "mpirun", "-n", "3"},
               command)
            .value("name", ""),
        HasSubstr("/mpi/nodes:3/threads:1"));
  }
  EXPECT_THAT(Refused({"radix_sort_mpi", "--keys-log2", "31"}),
              HasSubstr("--keys-log2: 2147483648"));
}

TEST_F(RegularPrograms, RefuseBadArguments) {
  EXPECT_THAT(Refused({"stencil", "--side", "2"}), HasSubstr("--side"));
  EXPECT_THAT(Refused({"stencil", "--threads", "0"}), HasSubstr("--threads"));
  EXPECT_THAT(Refused({"stencil", "--repeat", "0"}), HasSubstr("--repeat"));
  EXPECT_THAT(Refused({"sor", "--side", "33"}), HasSubstr("--side: 33 is not even"));
  EXPECT_THAT(Refused({"matmul", "--order", "much"}), HasSubstr("--order"));
  EXPECT_THAT(Refused({"lu", "--order", "100"}), HasSubstr("--order: 100 is no multiple of 8"));
  EXPECT_THAT(Refused({"radix_sort", "--keys-log2", "9"}), HasSubstr("--keys-log2"));
  EXPECT_THAT(Refused({"is", "--class", "B"}), HasSubstr("--class"));
  EXPECT_THAT(Refused({"cg", "--consistency", "strict"}), HasSubstr("--consistency"));
  EXPECT_THAT(Refused({"cg", "A"}), HasSubstr("A"));
  EXPECT_THAT(Refused({"cg", "--class", "S", "--json", "no/such/directory/json"}, 1),
              HasSubstr("no/such/directory/json"));
}

}  // namespace
}  // namespace farpage::apps

// The irregular applications under `farpage run`, at small sizes, and on bad arguments. Each judges
// its own result and says so with its exit status.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "tests/cli/started_program.h"

namespace farpage::apps {
namespace {

using cli::StartedProgram;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

using Command = std::vector<std::string>;

std::string Path(const std::string& program) { return absl::StrCat(APPLICATIONS, "/", program); }

class IrregularPrograms : public testing::Test {
 protected:
  IrregularPrograms() { std::filesystem::create_directories(directory_); }
  ~IrregularPrograms() override { std::filesystem::remove_all(directory_); }

  // The report of `command`, whose first word is an application, run by `launcher`.
  nlohmann::json Report(const Command& launcher, Command command) {
    const std::string json = directory_ / "report.json";
    command[0] = Path(command[0]);
    Command words = launcher;
    words.insert(words.end(), command.begin(), command.end());
    words.insert(words.end(), {"--repeat", "2", "--json", json});
    StartedProgram started(words);
    EXPECT_EQ(started.Wait(), 0) << started.out << started.err;
    output_ = started.out;
    nlohmann::json report = nlohmann::json::parse(std::ifstream(json))["benchmarks"][0];
    EXPECT_EQ(report["verified"], 1);
    EXPECT_GT(report["real_time"], 0);
    return report;
  }

  // The same on so many nodes. Returns what was printed.
  std::string Run(int nodes, const Command& command) {
    const nlohmann::json report =
        Report({FARPAGE, "run", "-n", absl::StrCat(nodes), "--"}, command);
    EXPECT_THAT(std::string(report["name"]),
                HasSubstr(absl::StrCat(command[0], "/nodes:", nodes, "/threads:")));
    if (nodes > 1) {
      EXPECT_GT(report["moved_bytes"], 4096);
    }
    return output_;
  }

  void RunAll(int nodes) {
    Run(nodes, {"gups", "--words-log2", "12"});
    Run(nodes, {"gups_locked", "--words-log2", "11"});
    Run(nodes, {"nbody", "--cells", "8", "--steps", "22"});
    Run(nodes, {"kv", "--records", "300", "--operations", "1000"});
    Run(nodes, {"kv", "--records", "300", "--operations", "1000", "--workload", "b"});
    EXPECT_THAT(Run(nodes, {"bfs", "--scale", "12", "--trials", "3"}),
                AllOf(HasSubstr("Graph has 4096 nodes and"), HasSubstr("Trial Time:"),
                      HasSubstr("Verification:           PASS"), HasSubstr("Average Time:"),
                      Not(HasSubstr("FAIL"))));
    EXPECT_THAT(Run(nodes, {"kronecker_pagerank", "--scale", "12"}),
                AllOf(HasSubstr("Trial Time:"), HasSubstr("PASS")));
  }

  // What a program prints on standard error when it ends with `status`.
  static std::string Refused(Command command, int status = 2) {
    command[0] = Path(command[0]);
    StartedProgram started(command);
    EXPECT_EQ(started.Wait(), status) << started.out;
    return started.err;
  }

  std::string output_;  // of the last program
  const std::filesystem::path directory_ = std::filesystem::path(testing::TempDir()) /
                                           absl::StrCat("irregular_programs_test.", getpid());
};

// For machines that are emulated.
TEST_F(IrregularPrograms, AreVerifiedAtTinySizes) {
  Run(2, {"gups", "--words-log2", "11"});
  Run(2, {"gups_locked", "--words-log2", "9"});
  Run(2, {"nbody", "--cells", "6", "--steps", "2"});
  Run(2, {"kv", "--records", "50", "--operations", "100", "--clients", "2"});
  Run(2, {"bfs", "--scale", "11", "--trials", "1", "--edge-factor", "4"});
  Run(2, {"kronecker_pagerank", "--scale", "11", "--iterations", "3", "--edge-factor", "4"});
}

TEST_F(IrregularPrograms, AreVerifiedOnOneNode) { RunAll(1); }
TEST_F(IrregularPrograms, AreVerifiedOnTwoNodes) { RunAll(2); }
TEST_F(IrregularPrograms, AreVerifiedOnFourNodes) { RunAll(4); }

TEST_F(IrregularPrograms, AreVerifiedOnThreeNodesWithTwoThreadsEach) {
  Run(3, {"gups", "--words-log2", "13", "--threads", "2"});
  Run(3, {"gups_locked", "--words-log2", "11", "--threads", "2"});
  Run(3, {"nbody", "--cells", "8", "--steps", "22", "--threads", "2"});
  Run(3, {"kv", "--records", "500", "--operations", "2000", "--threads", "2"});
  Run(3, {"bfs", "--scale", "12", "--trials", "2", "--threads", "2"});
  Run(3, {"kronecker_pagerank", "--scale", "12", "--threads", "2"});
}

TEST_F(IrregularPrograms, BfsIsVerifiedWhereThereAreMoreWorkersThanWords) {
  Run(3, {"bfs", "--scale", "4", "--trials", "4"});
  if (!std::filesystem::exists(Path("bfs_openmp"))) return;
  Report({}, {"bfs_openmp", "--scale", "4", "--trials", "4", "--threads", "3"});
}

TEST_F(IrregularPrograms, AreVerifiedWithSequentialConsistency) {
  for (const char* program : {"gups", "gups_locked"}) {
    Run(2, {program, "--words-log2", "11", "--consistency", "sequential"});
  }
  Run(2, {"nbody", "--cells", "8", "--steps", "22", "--consistency", "sequential"});
  Run(2, {"kv", "--records", "300", "--operations", "1000", "--consistency", "sequential"});
  Run(2, {"bfs", "--scale", "12", "--trials", "2", "--consistency", "sequential"});
  Run(2, {"kronecker_pagerank", "--scale", "12", "--consistency", "sequential"});
}

TEST_F(IrregularPrograms, AreVerifiedWithOpenMp) {
  if (!std::filesystem::exists(Path("kv_openmp"))) GTEST_SKIP() << "built without OpenMP";
  for (const Command& command :
       {Command{"gups_openmp", "--words-log2", "12"}, Command{"bfs_openmp", "--scale", "11"},
        Command{"kronecker_pagerank_openmp", "--scale", "11"},
        Command{"nbody_openmp", "--cells", "7", "--steps", "21"},
        Command{"kv_openmp", "--records", "300", "--operations", "1000"}}) {
    Command with_threads = command;
    with_threads.insert(with_threads.end(), {"--threads", "2"});
    EXPECT_THAT(std::string(Report({}, with_threads)["name"]),
                HasSubstr("/openmp/nodes:1/threads:2"));
  }
}

TEST_F(IrregularPrograms, AreVerifiedWithMpi) {
  if (!std::filesystem::exists(Path("gups_mpi"))) GTEST_SKIP() << "built without MPI";
  const nlohmann::json report =
      Report({"/usr/bin/env", "OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1",
              "OMPI_MCA_rmaps_base_oversubscribe=1", "mpirun", "-n", "3"},
             {"gups_mpi", "--words-log2", "11"});
  EXPECT_EQ(std::string(report["name"]), "gups/mpi/nodes:3/threads:1");
  EXPECT_THAT(Refused({"gups_mpi", "--words-log2", "31"}), HasSubstr("--words-log2: 2147483648"));
}

TEST_F(IrregularPrograms, KvPrintsTheLinesOfYcsb) {
  EXPECT_THAT(Run(2, {"kv", "--records", "100", "--operations", "3000", "--workload", "a"}),
              AllOf(HasSubstr("[OVERALL], RunTime(ms), "), HasSubstr("[READ], Operations, "),
                    HasSubstr("[UPDATE], Operations, "), HasSubstr("[UPDATE], Return=OK, ")));
  EXPECT_THAT(Run(1, {"kv", "--records", "100", "--operations", "3000", "--workload", "c"}),
              AllOf(HasSubstr("[READ], Return=OK, 3000\n"), Not(HasSubstr("[UPDATE]"))));
}

TEST_F(IrregularPrograms, RefuseBadArguments) {
  EXPECT_THAT(Refused({"gups", "--words-log2", "8"}), HasSubstr("--words-log2"));
  EXPECT_THAT(Refused({"gups_locked", "--threads", "0"}), HasSubstr("--threads"));
  EXPECT_THAT(Refused({"nbody", "--cells", "5"}), HasSubstr("--cells"));
  EXPECT_THAT(Refused({"nbody", "--steps", "many"}), HasSubstr("--steps"));
  EXPECT_THAT(Refused({"kv", "--workload", "d"}), HasSubstr("--workload"));
  EXPECT_THAT(Refused({"kv", "--records", "0"}), HasSubstr("--records"));
  EXPECT_THAT(Refused({"bfs", "--scale", "27"}), HasSubstr("--scale"));
  EXPECT_THAT(Refused({"bfs", "--consistency", "none"}), HasSubstr("--consistency"));
  EXPECT_THAT(Refused({"kronecker_pagerank", "--tolerance", "2"}), HasSubstr("--tolerance"));
  EXPECT_THAT(Refused({"kronecker_pagerank", "graph"}), HasSubstr("graph"));
  EXPECT_THAT(Refused({"kv", "--json", "no/such/directory/json"}, 1),
              HasSubstr("no/such/directory/json"));
}

}  // namespace
}  // namespace farpage::apps

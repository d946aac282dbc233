#include "runtime/bootstrap/launcher.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "runtime/bootstrap/preflight.h"
#include "tests/bootstrap/process_table.h"

namespace farpage::bootstrap {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

// A launch whose output is kept by node.
struct Job {
  explicit Job(uint32_t nodes, std::string program, std::vector<std::string> arguments = {}) {
    options.nodes = nodes;
    options.program = std::move(program);
    options.arguments = std::move(arguments);
    const std::vector<std::string> parts = absl::StrSplit(marker, absl::MaxSplits('=', 1));
    options.environment = {{parts[0], parts[1]}};
    options.on_output = [this](NodeId node, OutputStream stream, std::string_view lines) {
      EXPECT_TRUE(!lines.empty() && lines.back() == '\n');
      std::string& text = !node.valid()                     ? launcher
                          : stream == OutputStream::kStdout ? out[node.value()]
                                                            : err[node.value()];
      text.append(lines);
    };
  }

  LaunchResult Run() {
    absl::StatusOr<LaunchResult> result = Launch(options);
    EXPECT_TRUE(result.ok()) << result.status();
    EXPECT_THAT(WaitUntilGone(marker), IsEmpty());
    return result.ok() ? *std::move(result) : LaunchResult{};
  }

  const std::string marker = UniqueVariable();
  LaunchOptions options;
  std::map<uint32_t, std::string> out;
  std::map<uint32_t, std::string> err;
  std::string launcher;
};

Job Shell(uint32_t nodes, const std::string& script) { return Job(nodes, "sh", {"-c", script}); }

size_t OpenDescriptors() {
  return static_cast<size_t>(std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                                           std::filesystem::directory_iterator()));
}

TEST(Launch, RunsAProgramThatKnowsNothingOfFarpage) {
  Job job = Shell(3, "echo I am $FARPAGE_RANK of $FARPAGE_SIZE; echo aside >&2; printf unfinished");
  const LaunchResult result = job.Run();
  EXPECT_EQ(result.exit_status, 0);
  EXPECT_FALSE(result.first_failed.valid());
  EXPECT_EQ(result.ends.size(), 3u);
  for (uint32_t i = 0; i < 3; ++i) {
    EXPECT_EQ(job.out[i], absl::StrCat("I am ", i, " of 3\nunfinished\n"));
    EXPECT_EQ(job.err[i], "aside\n");
  }
  EXPECT_EQ(job.launcher, "");
}

TEST(Launch, LeavesNoChildAndNoDescriptor) {
  const size_t before = OpenDescriptors();
  Shell(4, "exit 0").Run();
  Shell(4, "exit 1").Run();
  EXPECT_EQ(OpenDescriptors(), before);
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST(Launch, AddsToTheEnvironmentAndReplacesInIt) {
  setenv("FARPAGE_TEST_A", "outer", 1);
  setenv("FARPAGE_TEST_B", "outer", 1);
  setenv("FARPAGE_RANK", "77", 1);
  Job job = Shell(1,
                  "echo $FARPAGE_TEST_A $FARPAGE_TEST_B $FARPAGE_RANK $FARPAGE_TRANSPORT; "
                  "env | grep -c ^FARPAGE_RANK=");
  job.options.environment.emplace_back("FARPAGE_TEST_B", "inner");
  job.options.transport = "shm";
  job.Run();
  EXPECT_EQ(job.out[0], "outer inner 0 shm\n1\n");
  for (const char* name : {"FARPAGE_TEST_A", "FARPAGE_TEST_B", "FARPAGE_RANK"}) unsetenv(name);
}

TEST(Launch, TheFirstFailureCountsAndIsNamed) {
  Job job = Shell(3, "if [ $FARPAGE_RANK = 1 ]; then echo last words; exit 7; fi; sleep 1000");
  const LaunchResult result = job.Run();
  EXPECT_EQ(result.exit_status, 7);
  EXPECT_EQ(result.first_failed, NodeId(1));
  EXPECT_EQ(result.failure, "node 1 exited with status 7");
  EXPECT_EQ(job.launcher, "farpage: node 1 exited with status 7; ending the others\n");
  EXPECT_EQ(job.out[1], "last words\n");
  EXPECT_EQ(result.ends.at(0).kind, ProcessEnd::Kind::kKilled);
  EXPECT_EQ(result.ends.at(0).code, SIGTERM);
  // Node 1 may have failed before node 2 was started.
  if (result.ends.at(2).kind != ProcessEnd::Kind::kNotStarted) {
    EXPECT_EQ(result.ends.at(2).kind, ProcessEnd::Kind::kKilled);
    EXPECT_EQ(result.ends.at(2).code, SIGTERM);
  }
}

TEST(Launch, AFailureWhileNodesAreStartedStopsTheStarting) {
  Job job = Shell(400, "exit 6");
  const LaunchResult result = job.Run();
  EXPECT_EQ(result.exit_status, 6);
  ASSERT_EQ(result.ends.size(), 400u);
  EXPECT_EQ(result.ends.back().kind, ProcessEnd::Kind::kNotStarted);
}

TEST(Launch, ADeathBySignalIsNamed) {
  Job job = Shell(2, "if [ $FARPAGE_RANK = 1 ]; then kill -SEGV $$; fi; sleep 1000");
  const LaunchResult result = job.Run();
  EXPECT_EQ(result.exit_status, 128 + SIGSEGV);
  EXPECT_EQ(result.failure, "node 1 was killed by signal 11 (Segmentation fault)");
}

TEST(Launch, WhoeverIgnoresSigtermIsKilled) {
  Job job = Shell(2,
                  "trap '' TERM; [ $FARPAGE_RANK = 1 ] && exit 1; "
                  "while true; do sleep 1000; done");
  const LaunchResult result = job.Run();
  EXPECT_EQ(result.exit_status, 1);
  EXPECT_EQ(result.ends.at(0).code, SIGKILL);
}

TEST(Launch, GrandchildrenGoWithTheirNode) {
  Job job = Shell(2,
                  "(trap '' TERM; sleep 1000 & sleep 1000) & sleep 1000 >&- 2>&- & "
                  "[ $FARPAGE_RANK = 1 ] && exit 1; wait");
  EXPECT_EQ(job.Run().exit_status, 1);  // Run() checks that nothing runs any more
}

TEST(Launch, WhatANodeLeavesBehindIsEndedWhenItExits) {
  Job job = Shell(2, "sleep 1000 & sleep 1000 >&- 2>&- & exit 0");
  EXPECT_EQ(job.Run().exit_status, 0);
}

TEST(Launch, OutputWrittenAfterTheNodeItselfEndedIsKept) {
  Job job = Shell(1, "(sleep 0.1; echo late) & exit 0");
  EXPECT_EQ(job.Run().exit_status, 0);
  EXPECT_EQ(job.out[0], "late\n");
}

TEST(Launch, OnlyNodeZeroReadsStdin) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  ASSERT_EQ(write(ends[1], "given\n", 6), 6);
  close(ends[1]);
  const int before = dup(STDIN_FILENO);
  dup2(ends[0], STDIN_FILENO);
  Job job(2, "cat");
  job.Run();
  dup2(before, STDIN_FILENO);
  EXPECT_EQ(job.out[0], "given\n");
  EXPECT_EQ(job.out[1], "");
}

TEST(Launch, MuchOutputOfManyArrivesWholeAndInOrder) {
  constexpr int kLines = 4000;
  Job job(4, TEST_NODE, {"talk", absl::StrCat(kLines)});
  EXPECT_EQ(job.Run().exit_status, 0);
  for (uint32_t node = 0; node < 4; ++node) {
    for (int stream = 0; stream < 2; ++stream) {
      std::string expected;
      for (int i = stream; i < kLines; i += 2) {
        absl::StrAppend(&expected, "line ", i, " ", std::string(static_cast<size_t>(i % 97), 'x'),
                        " end\n");
      }
      EXPECT_EQ(stream == 0 ? job.out[node] : job.err[node], expected);
    }
  }
}

TEST(Launch, NodesMeet) {
  Job job(5, TEST_NODE, {"gather"});
  EXPECT_EQ(job.Run().exit_status, 0);
  for (uint32_t i = 0; i < 5; ++i) EXPECT_EQ(job.out[i], "told 0 1 2 3 4\n");
}

TEST(Launch, AKilledNodeIsNamedToThoseWhoWait) {
  Job job(3, TEST_NODE, {"lose-one", "kill"});
  const LaunchResult result = job.Run();
  EXPECT_EQ(result.exit_status, 137);
  EXPECT_EQ(result.failure, "node 1 was killed by signal 9 (Killed)");
  for (uint32_t i : {0u, 2u}) {
    EXPECT_THAT(job.out[i], HasSubstr("UNAVAILABLE: node 1 was killed by signal 9 (Killed)\n"));
    EXPECT_EQ(result.ends.at(i).code, 5) << "they had the time to report";
  }
}

TEST(Launch, ANodeThatExitsInTheMiddleIsNamed) {
  Job job(3, TEST_NODE, {"lose-one", "exit-3"});
  EXPECT_EQ(job.Run().exit_status, 3);
  EXPECT_THAT(job.out[0], HasSubstr("node 1 exited with status 3 without leaving the cluster"));
}

TEST(Launch, EvenOneThatExitsWithStatusZero) {
  Job job(3, TEST_NODE, {"lose-one", "exit-0"});
  const LaunchResult result = job.Run();
  EXPECT_EQ(result.exit_status, 5) << "the first that fails is one that waited";
  EXPECT_NE(result.first_failed, NodeId(1));
  EXPECT_THAT(job.out[0], HasSubstr("node 1 exited with status 0 without leaving the cluster"));
}

TEST(Launch, ANodeThatNeverJoinsIsNamed) {
  Job job =
      Shell(2, absl::StrCat("[ $FARPAGE_RANK = 1 ] && exit 0; exec '", TEST_NODE, "' gather"));
  EXPECT_EQ(job.Run().exit_status, 21);
  EXPECT_THAT(job.out[0], HasSubstr("UNAVAILABLE: node 1 exited with status 0 before it joined"));
}

TEST(Launch, SeveralAtOnceDoNotMeet) {
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([] {
      Job job(2, TEST_NODE, {"gather"});
      EXPECT_EQ(job.Run().exit_status, 0);
      EXPECT_EQ(job.out[1], "told 0 1\n");
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(Launch, RefusesWhatCannotRun) {
  const auto launch = [](uint32_t nodes, const std::string& program, const std::string& transport) {
    Job job(nodes, program);
    job.options.transport = transport;
    return Launch(job.options).status();
  };
  EXPECT_TRUE(absl::IsInvalidArgument(launch(0, "true", "")));
  EXPECT_TRUE(absl::IsInvalidArgument(launch(1025, "true", "")));
  EXPECT_TRUE(absl::IsInvalidArgument(launch(1, "true", "tcp")));
  EXPECT_TRUE(absl::IsNotFound(launch(1, "no-such-program-anywhere", "")));
}

// A file of the test's own.
struct File {
  File(const std::string& contents, mode_t mode)
      : path(testing::TempDir() + absl::StrCat("farpage-test-", getpid())) {
    std::ofstream(path) << contents;
    chmod(path.c_str(), mode);
  }
  ~File() { std::filesystem::remove(path); }
  const std::string path;
};

TEST(Launch, AFileThatIsNoProgramIsToldApart) {
  const File file("no program", 0755);
  const absl::Status status = Launch(Job(2, file.path).options).status();
  EXPECT_TRUE(absl::IsPermissionDenied(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("node 0 of 2 could not be started"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("Exec format error"));
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
}

TEST(Preflight, FindsProgramsAsAShellDoes) {
  EXPECT_THAT(*FindProgram("sh"), HasSubstr("/sh"));
  EXPECT_EQ(*FindProgram("/bin/sh"), "/bin/sh");
  EXPECT_TRUE(absl::IsNotFound(FindProgram("no-such-program-anywhere").status()));
  EXPECT_TRUE(absl::IsNotFound(FindProgram("./no-such-program-anywhere").status()));
  EXPECT_TRUE(absl::IsNotFound(FindProgram("").status()));
  EXPECT_THAT(FindProgram("/").status().ToString(), HasSubstr("is a directory"));
  const File file("text", 0644);
  EXPECT_THAT(FindProgram(file.path).status().ToString(), HasSubstr("not executable"));
}

TEST(Preflight, TransportsAreKnownAndPossible) {
  EXPECT_TRUE(CheckTransport("shm").ok());
  const absl::Status unknown = CheckTransport("carrier pigeon");
  EXPECT_TRUE(absl::IsInvalidArgument(unknown));
  EXPECT_THAT(std::string(unknown.message()), HasSubstr("one of shm, verbs"));
  const absl::Status none = CheckTransport("verbs", "/nonexistent");
  EXPECT_TRUE(absl::IsFailedPrecondition(none));
  EXPECT_THAT(std::string(none.message()), HasSubstr("soft-roce/"));
  EXPECT_TRUE(CheckTransport("verbs", "/proc").ok()) << "any folder with something in it";
}

}  // namespace
}  // namespace farpage::bootstrap

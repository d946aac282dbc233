// farpage run, as people and scripts use it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <map>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/bootstrap/process_table.h"
#include "tests/cli/started_program.h"

namespace farpage::cli {
namespace {

using bootstrap::RunningWith;
using bootstrap::UniqueVariable;
using bootstrap::WaitUntilGone;
using bootstrap::WaitUntilIdle;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> Farpage(std::vector<std::string> words) {
  words.insert(words.begin(), FARPAGE);
  return words;
}

// `farpage run -n NODES sh -c SCRIPT`, everything of which can be found by its environment.
struct Job {
  Job(int nodes, const std::string& script,
      StartedProgram::Streams streams = StartedProgram::Streams::kApart)
      : program(Farpage({"run", "-n", absl::StrCat(nodes), "--", "sh", "-c", script}), {marker},
                streams) {}

  // Waits for it to end and for nothing of it to be left.
  int End() {
    const int status = program.Wait();
    EXPECT_THAT(WaitUntilGone(marker), IsEmpty());
    return status;
  }

  const std::string marker = UniqueVariable();
  StartedProgram program;
};

TEST(Run, PrefixesLinesWithTheirNode) {
  Job job(2, "echo text; echo aside >&2; printf unfinished");
  EXPECT_EQ(job.End(), 0);
  for (const char* node : {"[0] ", "[1] "}) {
    // In this order, but lines of the other node may stand between them.
    const size_t text = job.program.out.find(absl::StrCat(node, "text\n"));
    ASSERT_NE(text, std::string::npos) << job.program.out;
    EXPECT_NE(job.program.out.find(absl::StrCat(node, "unfinished\n"), text), std::string::npos)
        << job.program.out;
    EXPECT_THAT(job.program.err, HasSubstr(absl::StrCat(node, "aside\n")));
  }
}

TEST(Run, PrefixesCanBeLeftOut) {
  StartedProgram program(Farpage({"run", "--no-prefix", "-n", "1", "echo", "text"}));
  EXPECT_EQ(program.Wait(), 0);
  EXPECT_EQ(program.out, "text\n");
}

TEST(Run, WhatFollowsTheProgramIsTheProgramsOwn) {
  StartedProgram program(Farpage({"run", "-n", "1", "--no-prefix", "echo", "-n", "9", "--", "run",
                                  "--transport", "--help", "doctor"}));
  EXPECT_EQ(program.Wait(), 0);
  EXPECT_EQ(program.out, "9 -- run --transport --help doctor\n");
}

TEST(Run, LinesOfManyNodesAndStreamsNeverMix) {
  constexpr int kLines = 3000;
  StartedProgram program(Farpage({"run", "-n", "4", TEST_NODE, "talk", absl::StrCat(kLines)}), {},
                         StartedProgram::Streams::kTogether);
  EXPECT_EQ(program.Wait(), 0);
  std::map<std::pair<char, int>, int> next;  // by node and stream
  std::vector<std::string> lines = absl::StrSplit(program.out, '\n');
  ASSERT_EQ(lines.back(), "");
  lines.pop_back();
  EXPECT_EQ(lines.size(), 4u * kLines);
  for (const std::string& line : lines) {
    const std::vector<std::string> words = absl::StrSplit(line, ' ');
    int number = -1;
    ASSERT_TRUE(words.size() == 5 && words[1] == "line" && words[4] == "end" &&
                absl::SimpleAtoi(words[2], &number))
        << line;
    EXPECT_EQ(words[3], std::string(static_cast<size_t>(number % 97), 'x'));
    int& expected = next.try_emplace({line[1], number % 2}, number % 2).first->second;
    EXPECT_EQ(number, expected) << line;
    expected += 2;
  }
}

TEST(Run, ExitsAsTheFirstThatFails) {
  Job job(3, "[ $FARPAGE_RANK = 2 ] && exit 42; sleep 1000");
  EXPECT_EQ(job.End(), 42);
  EXPECT_EQ(job.program.err, "farpage: node 2 exited with status 42; ending the others\n");
}

TEST(Run, NamesTheSignalThatKilled) {
  Job job(2, "[ $FARPAGE_RANK = 1 ] && kill -KILL $$; sleep 1000");
  EXPECT_EQ(job.End(), 137);
  EXPECT_THAT(job.program.err, HasSubstr("node 1 was killed by signal 9 (Killed)"));
}

// Each node and a child of it are there once their lines are.
constexpr char kLinger[] = "sleep 1000 & echo up; wait";
constexpr char kLingerStubbornly[] =
    "trap '' INT TERM HUP; sleep 1000 & echo up; while true; do sleep 1000; done";

class TellingItToEnd : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Signals, TellingItToEnd, testing::Values(SIGINT, SIGTERM, SIGHUP));

TEST_P(TellingItToEnd, EndsEverything) {
  Job job(2, kLinger);
  job.program.ReadLines(2);
  job.program.Signal(GetParam());
  EXPECT_EQ(job.End(), 128 + GetParam());
  EXPECT_EQ(job.program.err, "") << "nobody failed";
}

TEST(TellingItToEnd, EndsTheStubbornToo) {
  Job job(2, kLingerStubbornly);
  job.program.ReadLines(2);
  job.program.Signal(SIGINT);
  EXPECT_EQ(job.End(), 130);
}

TEST(TellingItToEnd, TwiceEndsAtOnce) {
  Job job(2, kLingerStubbornly);
  job.program.ReadLines(2);
  job.program.Signal(SIGINT);
  job.program.Signal(SIGTERM);  // another one, so that the two cannot become one
  EXPECT_EQ(job.End(), 130);
}

TEST(TellingItToEnd, NodesThatTidyUpAreHeard) {
  Job job(2, "trap 'echo bye; exit 0' INT; echo up; while true; do sleep 0.01; done");
  job.program.ReadLines(2);
  job.program.Signal(SIGINT);
  EXPECT_EQ(job.End(), 130);
  EXPECT_THAT(job.program.out, HasSubstr("[0] bye\n"));
  EXPECT_THAT(job.program.out, HasSubstr("[1] bye\n"));
}

TEST(Killed, TheLauncherTakesEverythingWithIt) {
  for (const char* script : {kLinger, kLingerStubbornly}) {
    Job job(3, script);
    job.program.ReadLines(3);
    EXPECT_GE(RunningWith(job.marker).size(), 3u + 3u + 2u) << "nodes, sleeps, launcher, keeper";
    job.program.Signal(SIGKILL);
    EXPECT_EQ(job.End(), 137);
  }
}

TEST(Killed, EvenWhatHasLeftItsNodesGroupGoesWithTheJob) {
  Job job(1, "setsid sleep 1000 & setsid sh -c 'sleep 1000 & sleep 1000' & echo up; sleep 0.1");
  EXPECT_EQ(job.End(), 0);
}

TEST(Readers, OneWhoLeavesEndsTheJob) {
  Job job(2, "yes");
  job.program.ReadLines(10);
  job.program.CloseOutput();
  EXPECT_EQ(job.End(), 128 + SIGPIPE);
}

TEST(Readers, OneWhoDoesNotReadHoldsNodesUpAndNobodyElse) {
  Job job(2, "yes");
  job.program.ReadLines(1);
  ASSERT_TRUE(WaitUntilIdle(job.marker)) << "all that can hold output is full";
  job.program.Signal(SIGTERM);
  EXPECT_EQ(job.End(), 143);
  // What had been taken from the nodes is not lost, nor are lines torn.
  std::vector<std::string> lines = absl::StrSplit(job.program.out, '\n');
  EXPECT_EQ(lines.back(), "");
  lines.pop_back();
  for (const std::string& line : lines) ASSERT_TRUE(line == "[0] y" || line == "[1] y") << line;
}

struct BadUse {
  std::vector<std::string> words;
  int status;
  const char* message;
};

TEST(BadInput, IsAnsweredClearly) {
  const BadUse uses[] = {
      {{"run", "-n", "0", "true"}, 2, "0 nodes cannot be started: a cluster has from 1 to 1024"},
      {{"run", "-n", "100000", "true"}, 2, "from 1 to 1024"},
      {{"run", "-n", "-3", "true"}, 2, "from 1 to 1024"},
      {{"run", "-n", "x", "true"}, 2, "-n takes a whole number from 1 to 1024, not 'x'"},
      {{"run", "-n", "2.5", "true"}, 2, "not '2.5'"},
      {{"run", "-n", "", "true"}, 2, "-n"},
      {{"run", "-n"}, 2, "--nodes"},
      {{"run", "true"}, 2, "how many nodes?"},
      {{"run"}, 2, "how many nodes?"},
      {{"run", "-n", "2"}, 2, "which program?"},
      {{"run", "-n", "2", "--"}, 2, "which program?"},
      {{"run", "-n", "2", "no-such-program"}, 127, "'no-such-program' was not found in PATH"},
      {{"run", "-n", "2", "./no-such-program"}, 127, "'./no-such-program' was not found"},
      {{"run", "-n", "2", "/etc"}, 126, "'/etc' is a directory"},
      {{"run", "-n", "2", "/etc/passwd"}, 126, "'/etc/passwd' is not executable"},
      {{"run", "-n", "2", "--transport", "tcp", "true"}, 2, "'tcp': it can be one of shm, verbs"},
      {{"run", "-n", "2", "--nonsense", "true"}, 2, "--nonsense"},
      {{"walk"}, 2, "there is no subcommand 'walk'"},
      {{}, 2, "which subcommand?"},
      {{"doctor", "--nonsense"}, 2, "--nonsense"},
  };
  for (const BadUse& use : uses) {
    StartedProgram program(Farpage(use.words));
    EXPECT_EQ(program.Wait(), use.status) << use.message;
    EXPECT_THAT(program.err, HasSubstr(use.message));
    EXPECT_EQ(program.out, "");
  }
}

TEST(BadInput, VerbsWithoutADeviceSaysWhatToDo) {
  StartedProgram devices({"/bin/sh", "-c", "ls /sys/class/infiniband/* 2>&1"});
  if (devices.Wait() == 0) GTEST_SKIP() << "there is a device here";
  StartedProgram program(Farpage({"run", "-n", "2", "--transport", "verbs", "true"}));
  EXPECT_EQ(program.Wait(), 1);
  EXPECT_THAT(program.err, HasSubstr("needs an RDMA device"));
  EXPECT_THAT(program.err, HasSubstr("soft-roce/"));
}

TEST(BadInput, AMalformedEnvironmentIsToldOnceAndBeforeAnythingRuns) {
  const std::pair<const char*, const char*> cases[] = {
      {"FARPAGE_TIMEOUT_MS=soon", "FARPAGE_TIMEOUT_MS is 'soon'"},
      {"FARPAGE_TIMOUT_MS=5", "did you mean FARPAGE_TIMEOUT_MS?"},
      {"FARPAGE_TRANSPORT=tcp", "FARPAGE_TRANSPORT is 'tcp'"},
  };
  for (const auto& [variable, message] : cases) {
    StartedProgram program(Farpage({"run", "-n", "4", "echo", "ran"}), {variable});
    EXPECT_EQ(program.Wait(), 2);
    EXPECT_THAT(program.err, HasSubstr(message));
    EXPECT_EQ(std::count(program.err.begin(), program.err.end(), '\n'), 1);
    EXPECT_EQ(program.out, "");
  }
}

TEST(Help, IsThere) {
  const std::pair<std::vector<std::string>, const char*> cases[] = {
      {{"--help"}, "doctor"},
      {{"--version"}, "farpage "},
      {{"run", "--help"}, "--transport"},
      {{"run", "--help-environment"}, "FARPAGE_CACHE_BYTES"},
      {{"doctor", "--help"}, "this machine"},
  };
  for (const auto& [words, text] : cases) {
    StartedProgram program(Farpage(words));
    EXPECT_EQ(program.Wait(), 0);
    EXPECT_THAT(program.out, HasSubstr(text));
    EXPECT_EQ(program.err, "");
  }
}

}  // namespace
}  // namespace farpage::cli

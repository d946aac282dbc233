// farpage perf: every case over shared memory with few iterations, what it prints and writes, and
// wrong usage. Nothing is said of times.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/cli/started_program.h"

namespace farpage::cli {
namespace {

using nlohmann::json;

using testing::HasSubstr;
using testing::IsEmpty;

constexpr size_t kColumns = 12;  // name, bytes, iterations, 7 times, floor, ratio

std::vector<std::string> Farpage(std::vector<std::string> words) {
  words.insert(words.begin(), {FARPAGE, "perf"});
  return words;
}

// A name for a file that goes with its owner.
struct ResultFile {
  ~ResultFile() { std::filesystem::remove(path); }
  json Parse() const {
    std::ifstream in(path);
    return json::parse(in, nullptr, /*allow_exceptions=*/false);
  }
  const std::string path = absl::StrCat(testing::TempDir(), "/farpage-perf-", getpid(), ".json");
};

// The words of each line that has the columns of a result.
std::vector<std::vector<std::string>> Rows(const std::string& out) {
  std::vector<std::vector<std::string>> rows;
  for (absl::string_view line : absl::StrSplit(out, '\n')) {
    std::vector<std::string> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
    int64_t bytes = 0;
    if (words.size() == kColumns && absl::SimpleAtoi(words[1], &bytes)) {
      rows.push_back(std::move(words));
    }
  }
  return rows;
}

double Number(const std::string& text) {
  double number = -1;
  EXPECT_TRUE(absl::SimpleAtod(text, &number)) << text;
  return number;
}

struct Smoke {
  std::string name;
  std::vector<std::string> options;
  std::vector<std::string> rows;
};

std::ostream& operator<<(std::ostream& out, const Smoke& smoke) { return out << smoke.name; }

class PerfCase : public testing::TestWithParam<Smoke> {};

TEST_P(PerfCase, PrintsAndWritesItsRows) {
  const Smoke& smoke = GetParam();
  const ResultFile file;
  std::vector<std::string> words = {smoke.name, "--json", file.path};
  words.insert(words.end(), smoke.options.begin(), smoke.options.end());
  StartedProgram program(Farpage(words), {"FARPAGE_TRANSPORT=shm"});
  ASSERT_EQ(program.Wait(), 0) << program.err;
  EXPECT_EQ(program.err, "");
  for (const char* what : {"farpage ", "transport", "page_size", "kernel", "pager", "device"}) {
    EXPECT_THAT(program.out, HasSubstr(what));
  }

  const std::vector<std::vector<std::string>> rows = Rows(program.out);
  const json results = file.Parse();
  ASSERT_TRUE(results.contains("context"));
  EXPECT_EQ(results["context"]["transport"], "shm");
  ASSERT_EQ(results["benchmarks"].size(), smoke.rows.size());
  ASSERT_EQ(rows.size(), smoke.rows.size()) << program.out;
  for (size_t index = 0; index < rows.size(); ++index) {
    const std::vector<std::string>& row = rows[index];
    EXPECT_EQ(row[0], smoke.rows[index]);
    const double least = Number(row[3]);
    const double most = Number(row[4]);
    const double typical = Number(row[5]);
    EXPECT_LE(least, typical);
    EXPECT_LE(typical, most);
    EXPECT_LE(typical, Number(row[8]));

    const json& one = results["benchmarks"][index];
    EXPECT_EQ(one["name"], row[0]);
    EXPECT_EQ(one["run_type"], "iteration");
    EXPECT_EQ(one["time_unit"], "ns");
    EXPECT_EQ(absl::StrCat(one["iterations"].get<int64_t>()), row[2]);
    for (const char* key : {"real_time", "cpu_time", "p50_ns", "p99_ns", "floor_ns"}) {
      EXPECT_TRUE(one[key].is_number()) << key;
    }
    EXPECT_NEAR(one["p50_ns"].get<double>(), typical * 1000, 1);
    // Without a floor, which a tiny run may find to be nothing, there is no ratio.
    if (one["floor_ns"].is_number()) {
      EXPECT_NEAR(one["ratio"].get<double>() * one["floor_ns"].get<double>(),
                  one["p50_ns"].get<double>(), 0.01 * one["p50_ns"].get<double>() + 0.01);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Perf, PerfCase,
    testing::Values(
        Smoke{"fabric_read", {"-n", "20", "-s", "64K"}, {"fabric_read/65536"}},
        Smoke{"fabric_write", {"-n", "20", "-s", "4096"}, {"fabric_write/4096"}},
        Smoke{"fabric_faa", {"-n", "20"}, {"fabric_faa"}},
        Smoke{"fabric_chain", {"-n", "20"}, {"fabric_chain"}},
        Smoke{"fabric_message", {"-n", "20"}, {"fabric_message"}},
        Smoke{"read_miss", {"-n", "40"}, {"read_miss"}},
        Smoke{"write_miss", {"-n", "40"}, {"write_miss"}},
        Smoke{"upgrade", {"-n", "20", "--sharers", "2"}, {"upgrade/sharers:2"}},
        Smoke{"ping_pong", {"-n", "10"}, {"ping_pong"}},
        Smoke{"false_sharing", {"-n", "2000"}, {"false_sharing"}},
        Smoke{"scan", {"-n", "2", "-s", "1M"}, {"scan/clean/1048576", "scan/rewritten/1048576"}},
        Smoke{"hit", {"-n", "5", "-s", "64K"}, {"hit/read/65536", "hit/write/65536"}},
        Smoke{"barrier", {"-n", "20", "--nodes", "3"}, {"barrier/nodes:3"}},
        Smoke{"mutex", {"-n", "50"}, {"mutex/uncontended", "mutex/contended"}},
        Smoke{"release_miss", {"-n", "60"}, {"release_miss/4096", "release_miss/home_computes"}},
        Smoke{"first_write", {"-n", "60"}, {"first_write/copy", "first_write/home"}},
        Smoke{"release", {"-n", "2"}, {"release/8_bytes", "release/alternate_bytes"}},
        Smoke{"acquire",
              {"-n", "2", "-s", "512K"},
              {"acquire/changed:0", "acquire/changed:1", "acquire/changed:10",
               "acquire/changed:100"}},
        Smoke{"release_barrier",
              {"-n", "20", "-s", "64K", "--nodes", "3"},
              {"release_barrier/nodes:3"}},
        Smoke{"release_false_sharing", {"-n", "3"}, {"release_false_sharing"}},
        Smoke{"atomic", {"-n", "50"}, {"atomic/fetch_add"}}),
    [](const auto& tested) { return tested.param.name; });

// Its rows depend on what the kernel can do.
TEST(Perf, FaultFloorHasACopyAndItsFloor) {
  StartedProgram program(Farpage({"fault_floor", "-n", "40"}));
  ASSERT_EQ(program.Wait(), 0) << program.err;
  const std::vector<std::vector<std::string>> rows = Rows(program.out);
  ASSERT_GE(rows.size(), 3u) << program.out;
  EXPECT_EQ(rows[0][0], "fault_floor/copy");
  EXPECT_GT(Number(rows[0][10]), 0);
}

// Most have no floor: they are what floors are made of.
TEST(Perf, PartsAreMeasuredOneByOne) {
  StartedProgram program(Farpage({"parts", "-n", "20"}));
  ASSERT_EQ(program.Wait(), 0) << program.err;
  const std::vector<std::string> names = {
      "fault_copy", "fault_unprotect", "zap",  "chain_page", "chain_entry", "atomic", "post",
      "send",       "receive",         "look", "clock"};
  const std::vector<std::vector<std::string>> rows = Rows(program.out);
  ASSERT_EQ(rows.size(), names.size()) << program.out;
  for (size_t index = 0; index < names.size(); ++index) {
    EXPECT_EQ(rows[index][0], absl::StrCat("parts/", names[index]));
  }
  EXPECT_GT(Number(rows[0][10]), 0);  // the fault's floor is the installing
}

// Where there is one processor, there is one row.
TEST(Perf, WakeUpsAreMeasuredOnOneProcessorFirst) {
  for (const char* name : {"wake", "fabric_event"}) {
    StartedProgram program(Farpage({name, "-n", "10"}));
    ASSERT_EQ(program.Wait(), 0) << program.err;
    const std::vector<std::vector<std::string>> rows = Rows(program.out);
    ASSERT_GE(rows.size(), 1u) << program.out;
    EXPECT_EQ(rows[0][0], absl::StrCat(name, "/one_processor"));
    EXPECT_GT(Number(rows[0][5]), 0);
  }
}

// What the protocol promises, from its own counters.
TEST(Perf, CleanMissesTakeOneChainAndWakeNobody) {
  for (const char* name : {"read_miss", "write_miss"}) {
    const ResultFile file;
    StartedProgram program(Farpage({name, "-n", "200", "--json", file.path}));
    ASSERT_EQ(program.Wait(), 0) << program.err;
    const json row = file.Parse()["benchmarks"][0];
    EXPECT_EQ(row["clean_misses"], 200) << name;
    EXPECT_EQ(row["chains_per_clean_miss"], 1) << name;
    EXPECT_EQ(row["remote_wakeups"], 0) << name;
    EXPECT_EQ(row["messages_to_home"], 0) << name;
  }
}

TEST(Perf, SweepsAllSizes) {
  StartedProgram program(Farpage({"fabric_write", "-a", "-n", "2"}));
  ASSERT_EQ(program.Wait(), 0) << program.err;
  const std::vector<std::vector<std::string>> rows = Rows(program.out);
  ASSERT_EQ(rows.size(), 18u) << program.out;
  EXPECT_EQ(rows.front()[1], "8");
  EXPECT_EQ(rows.back()[1], "1048576");
}

TEST(Perf, WithoutACaseListsThem) {
  StartedProgram program(Farpage({}));
  EXPECT_EQ(program.Wait(), 0);
  for (const char* name : {"fabric_read", "read_miss", "mutex", "all"}) {
    EXPECT_THAT(program.out, HasSubstr(absl::StrCat("  ", name, " ")));
  }
}

struct Mistake {
  std::vector<std::string> words;
  std::string message;
};

TEST(Perf, WrongUsageSaysWhatWouldBeRight) {
  const std::vector<Mistake> mistakes = {
      {{"read_mist"}, "there is no case 'read_mist'. The cases are:\n  fabric_read"},
      {{"fabric_read", "-s", "0"}, "-s takes 1 to 67108864 bytes, not 0"},
      {{"fabric_read", "-s", "many"}, "-s takes a size such as 4096 or 64K, not 'many'"},
      {{"fabric_read", "-s", "-4"}, "-s"},
      {{"fabric_faa", "-s", "16"}, "takes no -s: an operation is about 8 bytes"},
      {{"barrier", "-s", "16"}, "takes no -s: it moves no data"},
      {{"scan", "-s", "5000"}, "a multiple of 4096"},
      {{"read_miss", "-a"}, "takes no -a"},
      {{"fabric_read", "-a", "-s", "8"}, "-a and -s exclude each other"},
      {{"read_miss", "-n", "0"}, "-n takes 1 to 65536, not 0"},
      {{"read_miss", "-n", "1000000"}, "-n takes 1 to 65536, not 1000000"},
      {{"read_miss", "-n", "ten"}, "-n takes a whole number, not 'ten'"},
      {{"upgrade", "--sharers", "4"}, "--sharers takes 0 to 3, not 4"},
      {{"read_miss", "--sharers", "1"}, "takes no --sharers"},
      {{"barrier", "--nodes", "1"}, "--nodes takes 2 to 16, not 1"},
      {{"read_miss", "--nodes", "4"}, "takes no --nodes"},
      {{"fabric_faa", "--transport", "pigeon"}, "pigeon"},
      {{"fabric_faa", "more"}, "more"},
      {{"fabric_faa", "--json", "/nowhere/at/all.json"}, "cannot write '/nowhere/at/all.json'"},
      {{"fabric_faa", "--role"}, "--role is for the 2 nodes"},
  };
  for (const Mistake& mistake : mistakes) {
    StartedProgram program(Farpage(mistake.words));
    EXPECT_EQ(program.Wait(), 2) << mistake.message;
    EXPECT_THAT(program.err, HasSubstr(mistake.message));
    EXPECT_THAT(Rows(program.out), IsEmpty());
  }
}

TEST(Perf, AFailedRunLeavesTheResultFileAsItWas) {
  const ResultFile file;
  const std::vector<std::string> words = Farpage({"read_miss", "-n", "5", "--json", file.path});
  const Environment too_small = {"FARPAGE_ADDRESS_SPACE_BYTES=2M"};
  StartedProgram fresh(words, too_small);
  EXPECT_EQ(fresh.Wait(), 1);
  EXPECT_THAT(fresh.err, HasSubstr("FARPAGE_ADDRESS_SPACE_BYTES"));
  EXPECT_FALSE(std::filesystem::exists(file.path));

  std::ofstream(file.path) << "precious";
  StartedProgram again(words, too_small);
  EXPECT_EQ(again.Wait(), 1);
  std::string content;
  std::ifstream(file.path) >> content;
  EXPECT_EQ(content, "precious");
}

TEST(Perf, AFullDiskIsAnError) {
  StartedProgram program(Farpage({"fabric_faa", "-n", "5", "--json", "/dev/full"}));
  EXPECT_EQ(program.Wait(), 1);
  EXPECT_THAT(program.err, HasSubstr("cannot write '/dev/full'"));
}

}  // namespace
}  // namespace farpage::cli

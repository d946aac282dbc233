#include "runtime/bootstrap/options_table.h"

#include <gtest/gtest.h>

#include <limits>
#include <set>

#include "runtime/bootstrap/option_value.h"

namespace farpage::bootstrap {
namespace {

std::string Message(const absl::Status& status) { return std::string(status.message()); }

TEST(OptionValue, ByteSizes) {
  EXPECT_EQ(ParseByteSize("0"), 0);
  EXPECT_EQ(ParseByteSize("4096"), 4096);
  EXPECT_EQ(ParseByteSize("4096B"), 4096);
  EXPECT_EQ(ParseByteSize("64K"), 65536);
  EXPECT_EQ(ParseByteSize("64k"), 65536);
  EXPECT_EQ(ParseByteSize("64KiB"), 65536);
  EXPECT_EQ(ParseByteSize("3M"), 3 << 20);
  EXPECT_EQ(ParseByteSize("1g"), 1 << 30);
  EXPECT_EQ(ParseByteSize("2TiB"), int64_t{2} << 40);
  EXPECT_EQ(ParseByteSize("8388607T"), int64_t{8388607} << 40);
  for (const char* bad : {"", "K", "-1", "+1", " 1", "1 ", "1KB", "1KK", "1.5G", "0x10", "8388608T",
                          "9223372036854775808", "1P", "1Ki"}) {
    EXPECT_EQ(ParseByteSize(bad), std::nullopt) << bad;
  }
}

TEST(OptionValue, SizesAreWrittenExactly) {
  for (int64_t bytes : {int64_t{0}, int64_t{1}, int64_t{1023}, int64_t{65536}, int64_t{65537},
                        int64_t{3} << 30, int64_t{5} << 50}) {
    EXPECT_EQ(ParseByteSize(FormatByteSize(bytes)), bytes);
  }
  EXPECT_EQ(FormatByteSize(65536), "64K");
}

TEST(OptionValue, WholeNumbers) {
  EXPECT_EQ(ParseWholeNumber("-5"), -5);
  EXPECT_EQ(ParseWholeNumber("9223372036854775807"), std::numeric_limits<int64_t>::max());
  for (const char* bad : {"", "x", "1x", "1 ", " 1", "+1", "1e3", "9223372036854775808"}) {
    EXPECT_EQ(ParseWholeNumber(bad), std::nullopt) << bad;
  }
}

TEST(OptionValue, EditDistanceCountsEdits) {
  EXPECT_EQ(EditDistance("", "abc"), 3u);
  EXPECT_EQ(EditDistance("kitten", "sitting"), 3u);
  EXPECT_EQ(EditDistance("same", "same"), 0u);
}

TEST(OptionsTable, NothingSetGivesTheDefaultsOfTheHeader) {
  const absl::StatusOr<Options> options = OptionsFromList({{"PATH", "/bin"}});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->cluster.transport, "shm");
  EXPECT_EQ(options->cluster.timeout_ms, ClusterOptions{}.timeout_ms);
  EXPECT_EQ(options->node.cache_bytes, NodeOptions{}.cache_bytes);
  EXPECT_EQ(options->node.size, 1u);
}

TEST(OptionsTable, EveryRowTakesItsOwnDefaultAndDiffersFromAllOthers) {
  std::set<std::string> names;
  for (const OptionRow& row : OptionRows()) {
    Options options;
    EXPECT_TRUE(row.variable.starts_with("FARPAGE_"));
    EXPECT_TRUE(names.insert(std::string(row.variable)).second) << row.variable;
    EXPECT_TRUE(SetOption(row, DefaultText(row), options).ok()) << row.variable;
    EXPECT_FALSE(row.meaning.empty());
  }
}

TEST(OptionsTable, EveryMemberIsReached) {
  const absl::StatusOr<Options> options = OptionsFromList({
      {"FARPAGE_TRANSPORT", "verbs"},
      {"FARPAGE_ADDRESS_SPACE_BYTES", "2T"},
      {"FARPAGE_TIMEOUT_MS", "1"},
      {"FARPAGE_JOIN_TIMEOUT_MS", "2"},
      {"FARPAGE_FETCH_TIMEOUT_MS", "10"},
      {"FARPAGE_RANK", "3"},
      {"FARPAGE_SIZE", "4"},
      {"FARPAGE_RENDEZVOUS", "unix-abstract:x"},
      {"FARPAGE_JOB_SECRET", "s"},
      {"FARPAGE_CACHE_BYTES", "5M"},
      {"FARPAGE_NOTICE_LOG_BYTES", "64K"},
      {"FARPAGE_PAGER", "mprotect"},
      {"FARPAGE_PREFETCH", "off"},
      {"FARPAGE_MINIMUM_HOLD_NS", "6"},
      {"FARPAGE_SPIN_NS", "7"},
      {"FARPAGE_STATS", "1"},
      {"FARPAGE_VERBS_DEVICE", "rxe0"},
      {"FARPAGE_VERBS_PORT", "8"},
      {"FARPAGE_VERBS_GID_INDEX", "9"},
      {"FARPAGE_VERBS_MTU_BYTES", "1024"},
      {"FARPAGE_TEST_ANYTHING", "is skipped"},
  });
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->cluster.transport, "verbs");
  EXPECT_EQ(options->cluster.address_space_bytes, uint64_t{2} << 40);
  EXPECT_EQ(options->cluster.timeout_ms, 1);
  EXPECT_EQ(options->cluster.join_timeout_ms, 2);
  EXPECT_EQ(options->cluster.fetch_timeout_ms, 10);
  EXPECT_EQ(options->node.rank, 3u);
  EXPECT_EQ(options->node.size, 4u);
  EXPECT_EQ(options->node.rendezvous, "unix-abstract:x");
  EXPECT_EQ(options->node.job_secret, "s");
  EXPECT_EQ(options->node.cache_bytes, uint64_t{5} << 20);
  EXPECT_EQ(options->cluster.notice_log_bytes, uint64_t{64} << 10);
  EXPECT_EQ(options->node.pager, "mprotect");
  EXPECT_FALSE(options->node.prefetch);
  EXPECT_EQ(options->node.minimum_hold_ns, 6);
  EXPECT_EQ(options->node.spin_ns, 7);
  EXPECT_TRUE(options->node.print_statistics);
  EXPECT_EQ(options->node.verbs_device, "rxe0");
  EXPECT_EQ(options->node.verbs_port, 8);
  EXPECT_EQ(options->node.verbs_gid_index, 9);
  EXPECT_EQ(options->node.verbs_mtu_bytes, 1024);
  EXPECT_EQ(OptionRows().size(), 20u) << "a row was added: set its member here too";
}

struct BadCase {
  const char* variable;
  const char* value;
  const char* expected;
};

TEST(OptionsTable, MalformedValuesNameVariableValueAndExpectation) {
  const BadCase cases[] = {
      {"FARPAGE_JOIN_TIMEOUT_MS", "abc", "a whole number of ms from 1 to 3600000"},
      {"FARPAGE_JOIN_TIMEOUT_MS", "0", "a whole number of ms from 1 to 3600000"},
      {"FARPAGE_JOIN_TIMEOUT_MS", "3600001", "from 1 to 3600000"},
      {"FARPAGE_JOIN_TIMEOUT_MS", "", "from 1 to 3600000"},
      {"FARPAGE_CACHE_BYTES", "1K", "a size from 64K to 16T"},
      {"FARPAGE_CACHE_BYTES", "17T", "a size from 64K to 16T"},
      {"FARPAGE_CACHE_BYTES", "auto", "a size from 64K to 16T"},
      {"FARPAGE_TRANSPORT", "tcp", "one of shm, verbs"},
      {"FARPAGE_PAGER", "Auto", "one of auto, userfaultfd, userfaultfd-sync, mprotect"},
      {"FARPAGE_PREFETCH", "maybe", "1 or 0"},
      {"FARPAGE_VERBS_PORT", "0", "auto or a whole number from 1 to 255"},
      {"FARPAGE_VERBS_MTU_BYTES", "1500", "one of auto, 256"},
      {"FARPAGE_RANK", "-1", "from 0 to 1023"},
      {"FARPAGE_SIZE", "4294967297", "from 1 to 1024"},
  };
  for (const BadCase& bad : cases) {
    const absl::Status status = OptionsFromList({{bad.variable, bad.value}}).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << bad.variable << "=" << bad.value;
    EXPECT_NE(Message(status).find(bad.variable), std::string::npos) << status;
    EXPECT_NE(Message(status).find("'" + std::string(bad.value) + "'"), std::string::npos);
    EXPECT_NE(Message(status).find(bad.expected), std::string::npos) << status;
  }
}

TEST(OptionsTable, AutoStandsForChosen) {
  const absl::StatusOr<Options> options =
      OptionsFromList({{"FARPAGE_VERBS_PORT", "auto"}, {"FARPAGE_VERBS_MTU_BYTES", "auto"}});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_LT(options->node.verbs_port, 0);
  EXPECT_LT(options->node.verbs_mtu_bytes, 0);
}

TEST(OptionsTable, UnknownVariablesGetTheNearestKnownName) {
  const absl::Status status = OptionsFromList({{"FARPAGE_TIMOUT_MS", "5"}}).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_NE(Message(status).find("FARPAGE_TIMOUT_MS"), std::string::npos);
  EXPECT_NE(Message(status).find("did you mean FARPAGE_TIMEOUT_MS"), std::string::npos) << status;
}

TEST(OptionsTable, TheSecretIsNeverShown) {
  const std::string secret(300, 'x');
  const absl::Status status = OptionsFromList({{"FARPAGE_JOB_SECRET", secret}}).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_EQ(Message(status).find("xxx"), std::string::npos);
}

TEST(OptionsTable, RankSizeAndRendezvousMustFitTogether) {
  EXPECT_TRUE(absl::IsInvalidArgument(OptionsFromList({{"FARPAGE_RANK", "1"}}).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(OptionsFromList({{"FARPAGE_SIZE", "2"}}).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(
      OptionsFromList({{"FARPAGE_SIZE", "2"}, {"FARPAGE_RENDEZVOUS", "unix-abstract:x"}})
          .status()));
}

TEST(OptionsTable, HelpNamesEveryVariable) {
  const std::string help = EnvironmentHelp();
  for (const OptionRow& row : OptionRows()) {
    EXPECT_NE(help.find("  " + std::string(row.variable) + " "), std::string::npos) << row.variable;
  }
}

TEST(OptionsTable, ADifferenceBetweenNodesNamesOptionNodesAndValues) {
  ClusterOptions a;
  ClusterOptions b;
  EXPECT_TRUE(
      CompareClusterOptions(NodeId(0), ClusterOptionsText(a), NodeId(3), ClusterOptionsText(b))
          .ok());
  b.timeout_ms = 77;
  const absl::Status status =
      CompareClusterOptions(NodeId(0), ClusterOptionsText(a), NodeId(3), ClusterOptionsText(b));
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_NE(Message(status).find("node 0 has FARPAGE_TIMEOUT_MS=3600000"), std::string::npos)
      << status;
  EXPECT_NE(Message(status).find("node 3 has FARPAGE_TIMEOUT_MS=77"), std::string::npos) << status;
  // A node of another release may know other options.
  EXPECT_FALSE(CompareClusterOptions(NodeId(0), ClusterOptionsText(a), NodeId(1), "garbage").ok());
  EXPECT_FALSE(CompareClusterOptions(NodeId(0), ClusterOptionsText(a), NodeId(1), "").ok());
}

TEST(OptionsTable, ClusterTextHasClusterOptionsOnly) {
  const std::string text = ClusterOptionsText({});
  for (const OptionRow& row : OptionRows()) {
    const bool there = text.find(std::string(row.variable) + "=") != std::string::npos;
    EXPECT_EQ(there, row.scope == OptionScope::kCluster) << row.variable;
  }
}

}  // namespace
}  // namespace farpage::bootstrap

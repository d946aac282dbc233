#include "runtime/bootstrap/options_table.h"

#include <algorithm>
#include <optional>
#include <type_traits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "runtime/bootstrap/option_value.h"

namespace farpage::bootstrap {
namespace {

template <auto kPart, auto kMember>
auto& Field(Options& options) {
  return (options.*kPart).*kMember;
}

template <auto kMember>
constexpr auto kClusterField = &Field<&Options::cluster, kMember>;
template <auto kMember>
constexpr auto kNodeField = &Field<&Options::node, kMember>;

constexpr int64_t kHourMs = 3'600'000;
constexpr int64_t kSecondNs = 1'000'000'000;
constexpr int64_t kMaxText = 255;
constexpr std::string_view kAutomatic = "auto";  // how a negative number is written
constexpr std::string_view kSecretVariable = "FARPAGE_JOB_SECRET";

using enum OptionScope;
const OptionRow kRows[] = {
    {"FARPAGE_TRANSPORT", kCluster, kClusterField<&ClusterOptions::transport>, "", 0, 0,
     "shm verbs", "what carries bytes between nodes: shared memory of one host, or RDMA"},
    {"FARPAGE_ADDRESS_SPACE_BYTES", kCluster, kClusterField<&ClusterOptions::address_space_bytes>,
     "bytes", 1 << 20, int64_t{64} << 40, "", "virtual addresses for all regions together"},
    {"FARPAGE_NOTICE_LOG_BYTES", kCluster, kClusterField<&ClusterOptions::notice_log_bytes>,
     "bytes", 4096, int64_t{1} << 30, "",
     "release consistency: each node's log of pages written; rounded up to a power of two"},
    {"FARPAGE_TIMEOUT_MS", kCluster, kClusterField<&ClusterOptions::timeout_ms>, "ms", 1,
     7 * 24 * kHourMs, "", "bound on waiting for other nodes in barriers, mutexes and allocations"},
    {"FARPAGE_FETCH_TIMEOUT_MS", kCluster, kClusterField<&ClusterOptions::fetch_timeout_ms>, "ms",
     1, kHourMs, "", "bound on waiting for a page or a one-sided operation"},
    {"FARPAGE_JOIN_TIMEOUT_MS", kCluster, kClusterField<&ClusterOptions::join_timeout_ms>, "ms", 1,
     kHourMs, "", "bound on waiting for all nodes to join"},

    {"FARPAGE_CACHE_BYTES", kNode, kNodeField<&NodeOptions::cache_bytes>, "bytes", 64 << 10,
     int64_t{16} << 40, "", "memory for pages whose home is another node"},
    {"FARPAGE_PAGER", kNode, kNodeField<&NodeOptions::pager>, "", 0, 0,
     "auto userfaultfd userfaultfd-sync mprotect", "how accesses to absent pages are caught"},
    {"FARPAGE_PREFETCH", kNode, kNodeField<&NodeOptions::prefetch>, "", 0, 0, "",
     "detect sequential streams and fetch ahead"},
    {"FARPAGE_MINIMUM_HOLD_NS", kNode, kNodeField<&NodeOptions::minimum_hold_ns>, "ns", 0,
     kSecondNs, "", "a page just fetched stays at least so long; 0: measured at start"},
    {"FARPAGE_SPIN_NS", kNode, kNodeField<&NodeOptions::spin_ns>, "ns", 0, kSecondNs, "",
     "a wait spins so long before it sleeps; auto: 20000, or 0 with more nodes than processors"},
    {"FARPAGE_STATS", kNode, kNodeField<&NodeOptions::print_statistics>, "", 0, 0, "",
     "print each node's statistics when it leaves"},
    {"FARPAGE_VERBS_DEVICE", kNode, kNodeField<&NodeOptions::verbs_device>, "", 0, kMaxText, "",
     "RDMA device, for example mlx5_0 or rxe0; empty: chosen"},
    {"FARPAGE_VERBS_PORT", kNode, kNodeField<&NodeOptions::verbs_port>, "", 1, 255, "",
     "port of the RDMA device"},
    {"FARPAGE_VERBS_GID_INDEX", kNode, kNodeField<&NodeOptions::verbs_gid_index>, "", 0, 255, "",
     "entry of the port's table of addresses"},
    {"FARPAGE_VERBS_MTU_BYTES", kNode, kNodeField<&NodeOptions::verbs_mtu_bytes>, "bytes", 256,
     4096, "auto 256 512 1024 2048 4096", "largest packet payload"},

    {"FARPAGE_RANK", kLauncher, kNodeField<&NodeOptions::rank>, "", 0, kMaxNodes - 1, "",
     "this node's id"},
    {"FARPAGE_SIZE", kLauncher, kNodeField<&NodeOptions::size>, "", 1, kMaxNodes, "",
     "number of nodes"},
    {"FARPAGE_RENDEZVOUS", kLauncher, kNodeField<&NodeOptions::rendezvous>, "", 0, kMaxText, "",
     "where the launcher listens"},
    {kSecretVariable, kLauncher, kNodeField<&NodeOptions::job_secret>, "", 0, kMaxText, "",
     "proves that a node belongs to the job"},
};

template <typename T>
constexpr bool kIsNumber = std::is_integral_v<T> && !std::is_same_v<T, bool>;

// Calls `use` with the row's member.
template <typename Use>
auto VisitField(const OptionRow& row, Options& options, Use use) {
  return std::visit([&](auto field) { return use(field(options)); }, row.field);
}

std::string ValueText(const OptionRow& row, Options& options) {
  return VisitField(row, options, [&](const auto& value) -> std::string {
    using T = std::remove_cvref_t<decltype(value)>;
    if constexpr (std::is_same_v<T, std::string>) {
      return value;
    } else if constexpr (kIsNumber<T>) {
      const int64_t number = static_cast<int64_t>(value);
      if (number < 0) return std::string(kAutomatic);
      return row.unit == "bytes" ? FormatByteSize(number) : absl::StrCat(number);
    } else {
      return value ? "1" : "0";
    }
  });
}

bool IsChoice(const OptionRow& row, std::string_view text) {
  const std::vector<std::string> choices = absl::StrSplit(std::string(row.choices), ' ');
  return row.choices.empty() || std::find(choices.begin(), choices.end(), text) != choices.end();
}

std::optional<int64_t> ParseNumber(const OptionRow& row, std::string_view text) {
  if (text == kAutomatic && DefaultText(row) == kAutomatic) return -1;
  const std::optional<int64_t> number =
      row.unit == "bytes" ? ParseByteSize(text) : ParseWholeNumber(text);
  if (!number || *number < row.lower || *number > row.upper) {
    return std::nullopt;
  }
  return number;
}

}  // namespace

std::span<const OptionRow> OptionRows() { return kRows; }

std::string DefaultText(const OptionRow& row) {
  Options defaults;
  return ValueText(row, defaults);
}

std::string Expectation(const OptionRow& row) {
  if (!row.choices.empty()) {
    return absl::StrCat("one of ", absl::StrReplaceAll(std::string(row.choices), {{" ", ", "}}));
  }
  Options defaults;
  return VisitField(row, defaults, [&](const auto& value) -> std::string {
    using T = std::remove_cvref_t<decltype(value)>;
    if constexpr (std::is_same_v<T, std::string>) {
      return absl::StrFormat("at most %d characters", row.upper);
    } else if constexpr (!kIsNumber<T>) {
      return "1 or 0";
    } else if (row.unit == "bytes") {
      return absl::StrFormat("a size from %s to %s (bytes, or with K, M, G, T)",
                             FormatByteSize(row.lower), FormatByteSize(row.upper));
    } else {
      const std::string of = row.unit.empty() ? "" : absl::StrFormat(" of %s", row.unit);
      return absl::StrFormat("%sa whole number%s from %d to %d",
                             std::cmp_less(value, 0) ? "auto or " : "", of, row.lower, row.upper);
    }
  });
}

absl::Status SetOption(const OptionRow& row, std::string_view text, Options& options) {
  const bool ok = VisitField(row, options, [&](auto& member) {
    using T = std::remove_cvref_t<decltype(member)>;
    if constexpr (std::is_same_v<T, std::string>) {
      const bool fits = IsChoice(row, text) &&
                        (!row.choices.empty() || std::cmp_less_equal(text.size(), row.upper));
      if (fits) member = text;
      return fits;
    } else if constexpr (kIsNumber<T>) {
      const std::optional<int64_t> number = ParseNumber(row, text);
      if (!number || !IsChoice(row, text)) return false;
      member = static_cast<T>(*number);
      return true;
    } else {
      const std::optional<bool> on = ParseSwitch(text);
      if (on) member = *on;
      return on.has_value();
    }
  });
  if (ok) return absl::OkStatus();
  const std::string shown = row.variable == kSecretVariable ? "(not shown)" : std::string(text);
  return absl::InvalidArgumentError(absl::StrFormat("%s is '%s', but should be %s (default %s)",
                                                    row.variable, shown, Expectation(row),
                                                    DefaultText(row)));
}

std::string EnvironmentHelp() {
  const auto section = [](OptionScope scope, std::string_view title) {
    std::string text = absl::StrFormat("%s\n", title);
    for (const OptionRow& row : kRows) {
      if (row.scope != scope) continue;
      const std::string value = DefaultText(row);
      absl::StrAppendFormat(&text, "  %-28s %s\n  %-28s   default %s; %s\n", row.variable,
                            row.meaning, "", value.empty() ? "empty" : value, Expectation(row));
    }
    return text;
  };
  return absl::StrCat(section(kCluster, "The same on every node (compared when nodes join):"), "\n",
                      section(kNode, "Each node's own:"), "\n",
                      section(kLauncher, "Written by farpage run:"));
}

std::string ClusterOptionsText(const ClusterOptions& options) {
  Options all;
  all.cluster = options;
  std::string text;
  for (const OptionRow& row : kRows) {
    if (row.scope != kCluster) continue;
    absl::StrAppendFormat(&text, "%s=%s\n", row.variable, ValueText(row, all));
  }
  return text;
}

absl::Status CompareClusterOptions(NodeId a, std::string_view text_a, NodeId b,
                                   std::string_view text_b) {
  if (text_a == text_b) return absl::OkStatus();
  const std::vector<std::string> lines_a = absl::StrSplit(std::string(text_a), '\n');
  const std::vector<std::string> lines_b = absl::StrSplit(std::string(text_b), '\n');
  size_t line = 0;
  while (line < lines_a.size() && line < lines_b.size() && lines_a[line] == lines_b[line]) ++line;
  const auto show = [line](const std::vector<std::string>& lines) {
    return line < lines.size() && !lines[line].empty() ? lines[line] : std::string("nothing");
  };
  return absl::InvalidArgumentError(
      absl::StrFormat("nodes must agree on this option: node %d has %s, node %d has %s", a.value(),
                      show(lines_a), b.value(), show(lines_b)));
}

}  // namespace farpage::bootstrap

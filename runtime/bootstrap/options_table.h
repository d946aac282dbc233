// Every tunable of options.h in one table: the environment, its help, the checks and the comparison
// of nodes at join all read it.
#ifndef FARPAGE_RUNTIME_BOOTSTRAP_OPTIONS_TABLE_H_
#define FARPAGE_RUNTIME_BOOTSTRAP_OPTIONS_TABLE_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "farpage/options.h"
#include "transport/types.h"

namespace farpage::bootstrap {

enum class OptionScope : uint8_t {
  kCluster,   // all nodes must agree; compared when they join
  kNode,      // may differ from node to node
  kLauncher,  // written by the launcher, not by people
};

// The member of Options that a row stands for.
using OptionField =
    std::variant<std::string& (*)(Options&), bool& (*)(Options&), uint64_t& (*)(Options&),
                 uint32_t& (*)(Options&), int64_t& (*)(Options&), int32_t& (*)(Options&)>;

struct OptionRow {
  std::string_view variable;  // environment variable, FARPAGE_…
  OptionScope scope;
  OptionField field;
  std::string_view unit;     // "ms", "ns", "bytes" (these take suffixes), or empty
  int64_t lower;             // numbers: smallest value; "auto" where the default is negative
  int64_t upper;             // numbers: largest value; texts: largest length
  std::string_view choices;  // "shm verbs": the only values; empty: anything within the bounds
  std::string_view meaning;
};

std::span<const OptionRow> OptionRows();

// A row's default, as one would write it in the environment.
std::string DefaultText(const OptionRow& row);

// What a row accepts, in words: "a whole number of ms from 1 to 3600000".
std::string Expectation(const OptionRow& row);

// Parses `text` into the row's member of `options`. INVALID_ARGUMENT names variable, value and
// expectation; a job secret is not shown.
absl::Status SetOption(const OptionRow& row, std::string_view text, Options& options);

using EnvironmentList = std::vector<std::pair<std::string, std::string>>;  // name, value

// Options from the variables given. Those that do not begin with FARPAGE_, and FARPAGE_TEST_…, are
// skipped. INVALID_ARGUMENT for a malformed or unknown variable (with the nearest known name), and
// for a rank outside the size or a size without rendezvous and secret.
absl::StatusOr<Options> OptionsFromList(const EnvironmentList& environment);

// The same from this process's environment. Not safe beside setenv().
absl::StatusOr<Options> OptionsFromEnvironment();
EnvironmentList CurrentEnvironment();

// The text that `farpage run --help-environment` prints.
std::string EnvironmentHelp();

// "name=value\n" for each cluster-wide option, in the table's order: what nodes exchange at join.
std::string ClusterOptionsText(const ClusterOptions& options);

// OK if both texts are equal, else INVALID_ARGUMENT with the option, both nodes and both values.
absl::Status CompareClusterOptions(NodeId a, std::string_view text_a, NodeId b,
                                   std::string_view text_b);

}  // namespace farpage::bootstrap

#endif  // FARPAGE_RUNTIME_BOOTSTRAP_OPTIONS_TABLE_H_

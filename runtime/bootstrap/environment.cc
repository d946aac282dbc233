#include <unistd.h>

#include <algorithm>
#include <cstdint>

#include "absl/strings/str_format.h"
#include "runtime/bootstrap/option_value.h"
#include "runtime/bootstrap/options_table.h"

namespace farpage::bootstrap {
namespace {

absl::Status UnknownVariable(const std::string& name) {
  std::string_view nearest;
  size_t least = SIZE_MAX;
  for (const OptionRow& row : OptionRows()) {
    const size_t longer = std::max(name.size(), row.variable.size());
    const size_t shorter = std::min(name.size(), row.variable.size());
    if (longer - shorter >= least) continue;  // so much it is at least
    const size_t distance = EditDistance(name, row.variable);
    if (distance < least) {
      least = distance;
      nearest = row.variable;
    }
  }
  return absl::InvalidArgumentError(
      absl::StrFormat("%s is not an option of Farpage; did you mean %s? (farpage run "
                      "--help-environment lists all)",
                      name, nearest));
}

absl::Status CheckTogether(const NodeOptions& node) {
  if (node.rank >= node.size) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "FARPAGE_RANK is %d, but should be below FARPAGE_SIZE, which is %d", node.rank, node.size));
  }
  if (node.size > 1 && node.rendezvous.empty()) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "FARPAGE_SIZE is %d, but FARPAGE_RENDEZVOUS is empty: start the nodes with farpage run",
        node.size));
  }
  if (!node.rendezvous.empty() && node.job_secret.empty()) {
    return absl::InvalidArgumentError(
        "FARPAGE_RENDEZVOUS is set, but FARPAGE_JOB_SECRET is empty: start the nodes with farpage "
        "run");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Options> OptionsFromList(const EnvironmentList& environment) {
  Options options;
  for (const auto& variable : environment) {
    const std::string& name = variable.first;
    if (!name.starts_with("FARPAGE_") || name.starts_with("FARPAGE_TEST_")) continue;
    const std::span<const OptionRow> rows = OptionRows();
    const auto row = std::find_if(rows.begin(), rows.end(),
                                  [&name](const OptionRow& r) { return r.variable == name; });
    if (row == rows.end()) return UnknownVariable(name);
    if (absl::Status set = SetOption(*row, variable.second, options); !set.ok()) return set;
  }
  if (absl::Status together = CheckTogether(options.node); !together.ok()) return together;
  return options;
}

EnvironmentList CurrentEnvironment() {
  EnvironmentList list;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    list.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return list;
}

absl::StatusOr<Options> OptionsFromEnvironment() { return OptionsFromList(CurrentEnvironment()); }

}  // namespace farpage::bootstrap

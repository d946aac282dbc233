#include "runtime/bootstrap/launcher.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "runtime/bootstrap/job.h"
#include "runtime/bootstrap/launch_guards.h"
#include "runtime/bootstrap/options_table.h"
#include "runtime/bootstrap/preflight.h"

namespace farpage::bootstrap {
namespace {

constexpr uint64_t kOtherFiles = 64;  // the launcher's own

// This process's environment, with what the launch adds and without what it replaces.
std::vector<std::string> EnvironmentFor(const LaunchOptions& options) {
  EnvironmentList added(options.environment.begin(), options.environment.end());
  if (!options.transport.empty()) added.emplace_back("FARPAGE_TRANSPORT", options.transport);
  std::vector<std::string> environment;
  const auto replaced = [&added](const std::string& name) {
    for (const OptionRow& row : OptionRows()) {
      if (row.scope == OptionScope::kLauncher && row.variable == name) return true;
    }
    for (const auto& [other, value] : added) {
      if (other == name) return true;
    }
    return false;
  };
  for (const auto& [name, value] : CurrentEnvironment()) {
    if (!replaced(name)) environment.push_back(absl::StrCat(name, "=", value));
  }
  for (const auto& [name, value] : added) environment.push_back(absl::StrCat(name, "=", value));
  return environment;
}

absl::Status CheckOpenFiles(const LaunchOptions& options, const OpenFilesGuard& files) {
  const uint64_t needed = options.nodes * Job::kFilesPerNode + kOtherFiles;
  if (files.allowed() >= needed) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrFormat(
      "%d nodes need %d open files here, and the limit is %d (ulimit -n, or LimitNOFILE of a "
      "service)",
      options.nodes, needed, files.allowed()));
}

}  // namespace

absl::StatusOr<LaunchResult> Launch(const LaunchOptions& options) {
  if (absl::Status ok = CheckNodeCount(options.nodes); !ok.ok()) return ok;
  if (!options.transport.empty()) {
    if (absl::Status ok = CheckTransport(options.transport); !ok.ok()) return ok;
  }
  const absl::StatusOr<std::string> path = FindProgram(options.program);
  if (!path.ok()) return path.status();

  // In an exchange, every node may pass on as many descriptors as a contribution can have.
  const OpenFilesGuard files(options.nodes * (Job::kFilesPerNode + 16) + kOtherFiles);
  if (absl::Status ok = CheckOpenFiles(options, files); !ok.ok()) return ok;
  SignalGuard signals(options.owns_process);

  NodeCommand command;
  command.path = *path;
  command.arguments = {options.program};
  command.arguments.insert(command.arguments.end(), options.arguments.begin(),
                           options.arguments.end());
  command.environment = EnvironmentFor(options);
  command.signal_mask = signals.mask_before();
  command.open_files = files.before();

  Job job(options, signals);
  if (absl::Status started = job.Start(std::move(command)); !started.ok()) return started;
  return job.Run();
}

}  // namespace farpage::bootstrap

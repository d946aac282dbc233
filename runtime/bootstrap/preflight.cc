#include "runtime/bootstrap/preflight.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "runtime/bootstrap/options_table.h"
#include "transport/types.h"

namespace farpage::bootstrap {
namespace {

absl::Status CheckProgramFile(const std::string& path) {
  struct stat file {};
  if (stat(path.c_str(), &file) != 0) {
    return absl::NotFoundError(absl::StrFormat("program '%s' was not found", path));
  }
  if (S_ISDIR(file.st_mode)) {
    return absl::PermissionDeniedError(absl::StrFormat("'%s' is a directory, not a program", path));
  }
  if (access(path.c_str(), X_OK) != 0) {
    return absl::PermissionDeniedError(
        absl::StrFormat("'%s' is not executable (chmod +x makes it so)", path));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> FindProgram(const std::string& program) {
  if (program.find('/') != std::string::npos) {
    if (absl::Status ok = CheckProgramFile(program); !ok.ok()) return ok;
    return program;
  }
  const char* path = std::getenv("PATH");
  const std::vector<std::string> folders =
      absl::StrSplit(path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin", ':');
  absl::Status worst = absl::NotFoundError(absl::StrFormat(
      "program '%s' was not found in PATH; one in this folder is called ./%s", program, program));
  for (const std::string& folder : folders) {
    if (program.empty()) break;
    const std::string candidate = (folder.empty() ? "." : folder) + "/" + program;
    const absl::Status found = CheckProgramFile(candidate);
    if (found.ok()) return candidate;
    // As a shell does: something of that name that cannot be run does not end the search.
    if (absl::IsPermissionDenied(found)) worst = found;
  }
  return worst;
}

absl::Status CheckTransport(std::string_view transport, const std::string& device_directory) {
  const std::span<const OptionRow> rows = OptionRows();
  const auto row = std::find_if(rows.begin(), rows.end(), [](const OptionRow& r) {
    return r.variable == "FARPAGE_TRANSPORT";
  });
  Options scratch;
  if (!SetOption(*row, transport, scratch).ok()) {
    return absl::InvalidArgumentError(
        absl::StrFormat("unknown transport '%s': it can be %s", transport, Expectation(*row)));
  }
  if (transport != "verbs") return absl::OkStatus();
  std::error_code error;
  const std::filesystem::directory_iterator devices(device_directory, error);
  if (!error && devices != std::filesystem::directory_iterator()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrFormat(
      "transport verbs needs an RDMA device, and there is none here (%s is %s). The folder "
      "soft-roce/ makes one in software; --transport shm needs none",
      device_directory, error ? "absent" : "empty"));
}

absl::Status CheckNodeCount(int64_t nodes) {
  if (nodes >= 1 && nodes <= int64_t{kMaxNodes}) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrFormat("%d nodes cannot be started: a cluster has from 1 to %d", nodes, kMaxNodes));
}

}  // namespace farpage::bootstrap

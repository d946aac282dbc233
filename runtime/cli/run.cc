// farpage run: starts a program as N nodes on this host.
#include "runtime/bootstrap/launcher.h"
#include "runtime/bootstrap/preflight.h"
#include "runtime/cli/run_arguments.h"

namespace farpage::cli {

int Run(const Arguments& arguments) {
  RunArguments parsed;
  if (std::optional<int> done = parsed.Parse(arguments, bootstrap::CurrentEnvironment())) {
    return *done;
  }
  const bootstrap::LaunchOptions& launch = parsed.launch();
  if (absl::Status ok = bootstrap::CheckTransport(launch.transport); !ok.ok()) {
    return Complain(parsed.app(), ok, ExitStatusFor(ok));
  }
  const absl::StatusOr<bootstrap::LaunchResult> result = bootstrap::Launch(launch);
  if (!result.ok()) {
    return Complain(parsed.app(), result.status(), ExitStatusFor(result.status()));
  }
  return result->exit_status;
}

}  // namespace farpage::cli

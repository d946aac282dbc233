// The command line of farpage run, taken apart. Starts nothing, so that any words can be thrown at
// it.
#ifndef FARPAGE_RUNTIME_CLI_RUN_ARGUMENTS_H_
#define FARPAGE_RUNTIME_CLI_RUN_ARGUMENTS_H_

#include <optional>
#include <string>

#include "runtime/bootstrap/launcher.h"
#include "runtime/bootstrap/options_table.h"
#include "runtime/cli/subcommand.h"

namespace farpage::cli {

class RunArguments {
 public:
  RunArguments();
  RunArguments(const RunArguments&) = delete;
  RunArguments& operator=(const RunArguments&) = delete;

  // Returns the exit status if there is nothing to start: what was asked for has been printed, or
  // an error to stderr. Else launch() says what to start. Every call begins anew.
  std::optional<int> Parse(const Arguments& arguments,
                           const bootstrap::EnvironmentList& environment);

  const bootstrap::LaunchOptions& launch() const { return launch_; }
  const CLI::App& app() const { return app_; }

 private:
  size_t ProgramAt(const Arguments& arguments) const;

  CLI::App app_;
  std::string nodes_;
  bool no_prefix_ = false;
  bool help_environment_ = false;
  bootstrap::LaunchOptions launch_;
};

// The exit status for an error. As for the shell: 127 if there is no such program, 126 if it cannot
// be run.
int ExitStatusFor(const absl::Status& status);

}  // namespace farpage::cli

#endif  // FARPAGE_RUNTIME_CLI_RUN_ARGUMENTS_H_

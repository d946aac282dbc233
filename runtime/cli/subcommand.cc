#include "runtime/cli/subcommand.h"

#include <algorithm>
#include <iostream>

namespace farpage::cli {

std::optional<int> Parse(CLI::App& app, const Arguments& arguments) {
  try {
    // CLI11 takes them last first.
    app.parse(Arguments(arguments.rbegin(), arguments.rend()));
    return std::nullopt;
  } catch (const CLI::Success& wants_help) {
    return app.exit(wants_help);
  } catch (const CLI::ParseError& error) {
    std::cerr << app.get_name() << ": " << error.what() << "\n(" << app.get_name()
              << " --help tells more)\n";
    return kExitUsage;
  }
}

int Complain(const CLI::App& app, const absl::Status& status, int exit_status) {
  std::cerr << app.get_name() << ": " << status.message() << "\n";
  return exit_status;
}

}  // namespace farpage::cli

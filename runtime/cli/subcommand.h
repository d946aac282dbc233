// What a subcommand of the program `farpage` is. Each has a source file of its own; main.cc lists
// them all in one table.
#ifndef FARPAGE_RUNTIME_CLI_SUBCOMMAND_H_
#define FARPAGE_RUNTIME_CLI_SUBCOMMAND_H_

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace farpage::cli {

using Arguments = std::vector<std::string>;

struct Subcommand {
  const char* name;
  const char* summary;  // for farpage --help
  // Gets what follows the name. Returns the exit status.
  int (*run)(const Arguments& arguments);
};

inline constexpr int kExitUsage = 2;

// Parses `arguments` with `app`. Returns the exit status if that was all: after --help (0), or an
// error (kExitUsage), printed to stderr with how to get help.
std::optional<int> Parse(CLI::App& app, const Arguments& arguments);

// Prints "farpage run: MESSAGE" to stderr and returns `exit_status`.
int Complain(const CLI::App& app, const absl::Status& status, int exit_status);

int Run(const Arguments& arguments);
int Perf(const Arguments& arguments);
int Doctor(const Arguments& arguments);

}  // namespace farpage::cli

#endif  // FARPAGE_RUNTIME_CLI_SUBCOMMAND_H_

// farpage run: starts a program as N nodes on this host.
#include <iostream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "runtime/bootstrap/launcher.h"
#include "runtime/bootstrap/option_value.h"
#include "runtime/bootstrap/options_table.h"
#include "runtime/bootstrap/preflight.h"
#include "runtime/cli/subcommand.h"

namespace farpage::cli {
namespace {

constexpr char kFooter[] =
    "\nThe exit status is that of the first node that fails (128 + the signal's number if a "
    "signal\n"
    "killed it), 126 or 127 if the program cannot be run, 2 for wrong usage.\n"
    "\nExample:\n  farpage run -n 4 ./sum --size 1000\n";

// CLI11 does not know of the program that follows the options.
class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_usage(const CLI::App*, std::string) const override {
    return "Usage: farpage run -n N [OPTIONS] [--] PROGRAM [ARGUMENTS]...\n";
  }
};

// Where the program begins: at "--" or at the first word that is neither an option nor its value.
// Whatever follows is the program's, however much it looks like ours.
size_t ProgramAt(const CLI::App& app, const Arguments& arguments) {
  size_t i = 0;
  while (i < arguments.size()) {
    const std::string& word = arguments[i];
    if (word.size() < 2 || word[0] != '-' || word == "--") break;
    const CLI::Option* option = app.get_option_no_throw(word);
    i += option != nullptr && option->get_expected_min() > 0 ? 2 : 1;
  }
  return std::min(i, arguments.size());
}

// As for the shell: 127 if there is no such program, 126 if it cannot be run.
int ExitStatusFor(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kNotFound:
      return 127;
    case absl::StatusCode::kPermissionDenied:
      return 126;
    case absl::StatusCode::kInvalidArgument:
      return kExitUsage;
    default:
      return 1;
  }
}

absl::StatusOr<uint32_t> NodeCount(const std::string& text) {
  if (text.empty()) {
    return absl::InvalidArgumentError("how many nodes? Say it with -n, for example -n 4");
  }
  const std::optional<int64_t> count = bootstrap::ParseWholeNumber(text);
  if (!count) {
    return absl::InvalidArgumentError(
        absl::StrFormat("-n takes a whole number from 1 to %d, not '%s'", kMaxNodes, text));
  }
  if (absl::Status ok = bootstrap::CheckNodeCount(*count); !ok.ok()) return ok;
  return static_cast<uint32_t>(*count);
}

// One message now instead of the same one from every node later.
absl::Status CheckEnvironment(std::string& transport) {
  bootstrap::EnvironmentList environment = bootstrap::CurrentEnvironment();
  if (!transport.empty()) {
    // Said on the command line, it counts, whatever the environment says.
    std::erase_if(environment, [](const auto& v) { return v.first == "FARPAGE_TRANSPORT"; });
  }
  // Those of a node that runs `farpage run` itself are replaced for its nodes.
  std::erase_if(environment, [](const auto& variable) {
    for (const bootstrap::OptionRow& row : bootstrap::OptionRows()) {
      if (row.scope == bootstrap::OptionScope::kLauncher && row.variable == variable.first) {
        return true;
      }
    }
    return false;
  });
  const absl::StatusOr<Options> options = bootstrap::OptionsFromList(environment);
  if (!options.ok()) return options.status();
  if (transport.empty()) transport = options->cluster.transport;
  return bootstrap::CheckTransport(transport);
}

}  // namespace

int Run(const Arguments& arguments) {
  std::string nodes;
  bootstrap::LaunchOptions launch;
  launch.owns_process = true;
  bool no_prefix = false;
  bool help_environment = false;

  CLI::App app("Starts PROGRAM as N nodes on this host and waits for them.", "farpage run");
  app.formatter(std::make_shared<HelpFormatter>());
  app.add_option("-n,--nodes", nodes, "number of nodes")->option_text("N")->take_last();
  app.add_option("--transport", launch.transport, "what carries bytes between them: shm or verbs")
      ->option_text("NAME")
      ->take_last();
  app.add_flag("--no-prefix", no_prefix, "print the nodes' lines without \"[2] \" before them");
  app.add_flag("--help-environment", help_environment, "list the environment variables and exit");
  app.footer(kFooter);

  size_t program = ProgramAt(app, arguments);
  const auto split = arguments.begin() + static_cast<std::ptrdiff_t>(program);
  if (std::optional<int> done = Parse(app, Arguments(arguments.begin(), split))) return *done;
  if (help_environment) {
    std::cout << bootstrap::EnvironmentHelp();
    return 0;
  }

  if (program < arguments.size() && arguments[program] == "--") ++program;
  const absl::StatusOr<uint32_t> count = NodeCount(nodes);
  if (!count.ok()) return Complain(app, count.status(), kExitUsage);
  if (program >= arguments.size()) {
    return Complain(app, absl::InvalidArgumentError("which program? Name it after the options"),
                    kExitUsage);
  }
  if (absl::Status ok = CheckEnvironment(launch.transport); !ok.ok()) {
    return Complain(app, ok, ExitStatusFor(ok));
  }
  launch.nodes = *count;
  launch.prefix = !no_prefix;
  launch.program = arguments[program];
  launch.arguments.assign(arguments.begin() + static_cast<std::ptrdiff_t>(program) + 1,
                          arguments.end());
  const absl::StatusOr<bootstrap::LaunchResult> result = bootstrap::Launch(launch);
  if (!result.ok()) return Complain(app, result.status(), ExitStatusFor(result.status()));
  return result->exit_status;
}

}  // namespace farpage::cli

#include "runtime/cli/run_arguments.h"

#include <iostream>
#include <memory>

#include "absl/strings/str_format.h"
#include "runtime/bootstrap/option_value.h"
#include "runtime/bootstrap/preflight.h"

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
absl::Status CheckEnvironment(bootstrap::EnvironmentList environment, std::string& transport) {
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
  return absl::OkStatus();
}

}  // namespace

RunArguments::RunArguments()
    : app_("Starts PROGRAM as N nodes on this host and waits for them.", "farpage run") {
  app_.formatter(std::make_shared<HelpFormatter>());
  app_.add_option("-n,--nodes", nodes_, "number of nodes")->option_text("N")->take_last();
  app_.add_option("--transport", launch_.transport, "what carries bytes between them: shm or verbs")
      ->option_text("NAME")
      ->take_last();
  app_.add_flag("--no-prefix", no_prefix_, "print the nodes' lines without \"[2] \" before them");
  app_.add_flag("--help-environment", help_environment_, "list the environment variables and exit");
  app_.footer(kFooter);
}

// Where the program begins: at "--" or at the first word that is neither an option nor its value.
// Whatever follows is the program's, however much it looks like ours.
size_t RunArguments::ProgramAt(const Arguments& arguments) const {
  size_t i = 0;
  while (i < arguments.size()) {
    const std::string& word = arguments[i];
    if (word.size() < 2 || word[0] != '-' || word == "--") break;
    const CLI::Option* option = app_.get_option_no_throw(word);
    i += option != nullptr && option->get_expected_min() > 0 ? 2 : 1;
  }
  return std::min(i, arguments.size());
}

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

std::optional<int> RunArguments::Parse(const Arguments& arguments,
                                       const bootstrap::EnvironmentList& environment) {
  nodes_.clear();
  no_prefix_ = false;
  help_environment_ = false;
  launch_ = bootstrap::LaunchOptions();
  launch_.owns_process = true;

  size_t program = ProgramAt(arguments);
  const auto split = arguments.begin() + static_cast<std::ptrdiff_t>(program);
  if (std::optional<int> done = cli::Parse(app_, Arguments(arguments.begin(), split))) return done;
  if (help_environment_) {
    std::cout << bootstrap::EnvironmentHelp();
    return 0;
  }

  if (program < arguments.size() && arguments[program] == "--") ++program;
  const absl::StatusOr<uint32_t> count = NodeCount(nodes_);
  if (!count.ok()) return Complain(app_, count.status(), kExitUsage);
  if (program >= arguments.size()) {
    return Complain(app_, absl::InvalidArgumentError("which program? Name it after the options"),
                    kExitUsage);
  }
  if (absl::Status ok = CheckEnvironment(environment, launch_.transport); !ok.ok()) {
    return Complain(app_, ok, ExitStatusFor(ok));
  }
  launch_.nodes = *count;
  launch_.prefix = !no_prefix_;
  launch_.program = arguments[program];
  launch_.arguments.assign(arguments.begin() + static_cast<std::ptrdiff_t>(program) + 1,
                           arguments.end());
  return std::nullopt;
}

}  // namespace farpage::cli

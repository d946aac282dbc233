// farpage perf: measures the runtime and what it stands on, each beside its floor.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "runtime/bootstrap/launcher.h"
#include "runtime/bootstrap/option_value.h"
#include "runtime/bootstrap/options_table.h"
#include "runtime/bootstrap/preflight.h"
#include "runtime/cli/perf/cases.h"
#include "runtime/cli/perf/report.h"
#include "runtime/cli/perf/row.h"
#include "runtime/cli/subcommand.h"

namespace farpage::cli {
namespace {

using perf::Case;
using perf::Row;
using perf::Settings;
using perf::Wishes;

constexpr char kFooter[] =
    "\nTimes are in microseconds, less what reading the clock costs; t_typical is the median. The\n"
    "floor is the median of what cannot be avoided, measured by turns with the case in the same\n"
    "processes, and the ratio is t_typical over the floor.\n"
    "\nExamples:\n  farpage perf read_miss\n  farpage perf fabric_read -a --json read.json\n";

// As the words came, to be given to the nodes too.
struct Words {
  std::string name;
  std::string bytes;
  std::string iterations;
  std::string sharers;
  std::string nodes;
  std::string transport;
  std::string json;
  bool all_sizes = false;
  bool role = false;
};

absl::Status ParseNumber(const char* option, const std::string& text, bool size, int64_t& number) {
  const std::optional<int64_t> parsed =
      size ? bootstrap::ParseByteSize(text) : bootstrap::ParseWholeNumber(text);
  if (parsed) {
    number = *parsed;
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat(option, " takes ", size ? "a size such as 4096 or 64K" : "a whole number",
                   ", not '", text, "'"));
}

absl::StatusOr<Wishes> ParseWishes(const Words& words) {
  Wishes wishes;
  wishes.all_sizes = words.all_sizes;
  wishes.bytes_given = !words.bytes.empty();
  wishes.iterations_given = !words.iterations.empty();
  absl::Status ok;
  if (wishes.bytes_given) ok = ParseNumber("-s", words.bytes, true, wishes.bytes);
  if (ok.ok() && wishes.iterations_given) {
    ok = ParseNumber("-n", words.iterations, false, wishes.iterations);
  }
  if (ok.ok() && !words.sharers.empty()) {
    ok = ParseNumber("--sharers", words.sharers, false, wishes.sharers);
    if (ok.ok() && wishes.sharers < 0) {
      ok = absl::InvalidArgumentError("--sharers takes 0 or more");
    }
  }
  if (ok.ok() && !words.nodes.empty()) {
    ok = ParseNumber("--nodes", words.nodes, false, wishes.nodes);
    if (ok.ok() && wishes.nodes == 0) wishes.nodes = -1;
  }
  if (ok.ok() && wishes.all_sizes && wishes.bytes_given) {
    ok = absl::InvalidArgumentError("-a and -s exclude each other");
  }
  if (!ok.ok()) return ok;
  return wishes;
}

struct Job {
  const Case* measured;
  Settings settings;
};

absl::StatusOr<std::vector<Job>> ChooseJobs(const std::string& name, const Wishes& wishes) {
  std::vector<Job> jobs;
  for (const Case& one : perf::Cases()) {
    if (name != "all" && one.name != name) continue;
    absl::StatusOr<Settings> settings = perf::Settle(one, wishes, /*lenient=*/name == "all");
    if (!settings.ok()) return settings.status();
    jobs.push_back({&one, *std::move(settings)});
  }
  if (!jobs.empty()) return jobs;
  return absl::InvalidArgumentError(absl::StrCat("there is no case '", name, "'. The cases are:\n",
                                                 perf::CaseList(),
                                                 "  all             every one of them"));
}

// A node: measures, and gives its rows to the process that started it.
int RunRole(const CLI::App& app, const Job& job) {
  const absl::StatusOr<Options> options = bootstrap::OptionsFromEnvironment();
  if (!options.ok()) return Complain(app, options.status(), kExitUsage);
  if (options->node.size != job.settings.nodes) {
    return Complain(
        app,
        absl::InvalidArgumentError(absl::StrCat("--role is for the ", job.settings.nodes,
                                                " nodes that farpage perf starts")),
        kExitUsage);
  }
  const absl::Status status = job.measured->run(
      job.settings, [](const Row& row) { std::cout << perf::ToLine(row) << std::endl; });
  if (status.ok()) return 0;
  return Complain(app, status, 1);
}

std::string OwnProgram() {
  std::array<char, PATH_MAX> path{};
  const ssize_t length = readlink("/proc/self/exe", path.data(), path.size() - 1);
  return length > 0 ? std::string(path.data(), static_cast<size_t>(length)) : "/proc/self/exe";
}

std::vector<std::string> RoleArguments(const Case& one, const Settings& settings, bool all_sizes) {
  std::vector<std::string> arguments = {"perf", "--role", std::string(one.name), "-n",
                                        absl::StrCat(settings.iterations)};
  if (all_sizes && one.size.sweeps) {
    arguments.emplace_back("-a");
  } else if (one.size.most != 0) {
    arguments.insert(arguments.end(), {"-s", absl::StrCat(settings.sizes[0])});
  }
  if (one.takes_sharers) {
    arguments.insert(arguments.end(), {"--sharers", absl::StrCat(settings.sharers)});
  }
  if (one.nodes == 0) {
    arguments.insert(arguments.end(), {"--nodes", absl::StrCat(settings.nodes)});
  }
  return arguments;
}

// Runs one case as a job of its own and prints its rows as they come. Returns the exit status.
absl::StatusOr<int> Launch(const Job& job, const Options& options, bool all_sizes,
                           std::vector<Row>& rows) {
  bootstrap::LaunchOptions launch;
  launch.program = OwnProgram();
  launch.arguments = RoleArguments(*job.measured, job.settings, all_sizes);
  launch.nodes = job.settings.nodes;
  launch.transport = options.cluster.transport;
  launch.owns_process = true;
  launch.environment.emplace_back("FARPAGE_PREFETCH", job.measured->prefetch ? "on" : "off");
  if (getenv("FARPAGE_TIMEOUT_MS") == nullptr) {
    // Nodes wait for each other as long as a measurement takes.
    launch.environment.emplace_back("FARPAGE_TIMEOUT_MS", "600000");
  }
  launch.on_output = [&rows](NodeId, bootstrap::OutputStream stream, std::string_view lines) {
    while (!lines.empty()) {
      const std::string_view line = lines.substr(0, lines.find('\n'));
      lines.remove_prefix(std::min(line.size() + 1, lines.size()));
      if (std::optional<Row> row = perf::FromLine(line)) {
        perf::PrintRow(*row, std::cout);
        rows.push_back(*std::move(row));
      } else {
        (stream == bootstrap::OutputStream::kStdout ? std::cout : std::cerr) << line << std::endl;
      }
    }
  };
  const absl::StatusOr<bootstrap::LaunchResult> result = bootstrap::Launch(launch);
  if (!result.ok()) return result.status();
  // There is no failure to tell of when this process was told to end.
  if (!result->failure.empty()) {
    std::cerr << "farpage perf: " << job.measured->name << ": " << result->failure << "\n";
  }
  return result->exit_status;
}

absl::StatusOr<Options> OptionsFor(const std::string& transport) {
  bootstrap::EnvironmentList environment = bootstrap::CurrentEnvironment();
  // The nodes get a place of their own, whatever this process is.
  std::erase_if(environment, [](const auto& variable) {
    for (const bootstrap::OptionRow& row : bootstrap::OptionRows()) {
      if (row.variable == variable.first) return row.scope == bootstrap::OptionScope::kLauncher;
    }
    return false;
  });
  if (!transport.empty()) {
    std::erase_if(environment, [](const auto& v) { return v.first == "FARPAGE_TRANSPORT"; });
  }
  absl::StatusOr<Options> options = bootstrap::OptionsFromList(environment);
  if (!options.ok()) return options.status();
  if (!transport.empty()) options->cluster.transport = transport;
  if (absl::Status ok = bootstrap::CheckTransport(options->cluster.transport); !ok.ok()) return ok;
  return options;
}

int Measure(const CLI::App& app, const Words& words, const std::vector<Job>& jobs) {
  const absl::StatusOr<Options> options = OptionsFor(words.transport);
  if (!options.ok()) {
    return Complain(app, options.status(),
                    absl::IsInvalidArgument(options.status()) ? kExitUsage : 1);
  }
  std::optional<perf::JsonFile> json;
  if (!words.json.empty()) {
    absl::StatusOr<perf::JsonFile> file = perf::JsonFile::Open(words.json);
    if (!file.ok()) return Complain(app, file.status(), kExitUsage);
    json.emplace(*std::move(file));
  }
  const perf::Surroundings surroundings = perf::Describe(*options);
  perf::PrintSurroundings(surroundings, std::cout);
  perf::PrintColumnNames(std::cout);
  std::cout.flush();
  std::vector<Row> rows;
  for (const Job& job : jobs) {
    const absl::StatusOr<int> status = Launch(job, *options, words.all_sizes, rows);
    if (!status.ok()) return Complain(app, status.status(), 1);
    if (*status != 0) return *status;
  }
  if (!json) return 0;
  const absl::Status written = json->Write(perf::ToJson(surroundings, rows));
  return written.ok() ? 0 : Complain(app, written, 1);
}

}  // namespace

int Perf(const Arguments& arguments) {
  Words words;
  CLI::App app("Measures the runtime and what it stands on, each beside its floor.",
               "farpage perf");
  app.add_option("case", words.name, "what to measure, or all; without it, the cases are listed")
      ->option_text("CASE");
  app.add_option("-s,--size", words.bytes, "bytes that an operation is about")
      ->option_text("BYTES");
  app.add_option("-n,--iterations", words.iterations, "operations to measure")
      ->option_text("ITERATIONS");
  app.add_flag("-a,--all", words.all_sizes, "all sizes from 8 bytes to 1 MiB");
  app.add_option("--sharers", words.sharers, "upgrade: other nodes that share the page, 0 to 3")
      ->option_text("K");
  app.add_option("--nodes", words.nodes, "barrier: how many take part")->option_text("N");
  app.add_option("--transport", words.transport, "what carries bytes between nodes: shm or verbs")
      ->option_text("NAME");
  app.add_option("--json", words.json, "also write the results here, in Google Benchmark's JSON")
      ->option_text("FILE");
  app.add_flag("--role", words.role)->group("");
  app.footer(std::string("\nCases:\n") + perf::CaseList() + kFooter);
  if (std::optional<int> done = Parse(app, arguments)) return *done;

  if (words.name.empty()) {
    std::cout << "Cases of farpage perf:\n"
              << perf::CaseList() << "  all             every one of "
              << "them\n";
    return 0;
  }
  const absl::StatusOr<Wishes> wishes = ParseWishes(words);
  if (!wishes.ok()) return Complain(app, wishes.status(), kExitUsage);
  const absl::StatusOr<std::vector<Job>> jobs = ChooseJobs(words.name, *wishes);
  if (!jobs.ok()) return Complain(app, jobs.status(), kExitUsage);
  if (words.role) return RunRole(app, jobs->front());
  return Measure(app, words, *jobs);
}

}  // namespace farpage::cli

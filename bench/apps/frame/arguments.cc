#include "bench/apps/frame/arguments.h"

#include <CLI/CLI.hpp>
#include <cstdio>

#include "absl/strings/str_format.h"

namespace farpage::apps {

namespace {

constexpr char kRelease[] = "release";
constexpr char kSequential[] = "sequential";
constexpr int kWrongUsage = 2;
constexpr uint32_t kMostThreads = 256;
constexpr uint32_t kMostRepetitions = 1000;

}  // namespace

std::optional<int> ParseArguments(int argc, char** argv, std::string_view program, Problem& problem,
                                  ArgumentKinds kinds, Arguments& arguments) {
  CLI::App app(problem.description(), std::string(program));
  problem.AddOptions(app);
  if (kinds.threads) {
    app.add_option("--threads", arguments.threads, "threads that compute, of each node")
        ->check(CLI::Range(1u, kMostThreads))
        ->capture_default_str();
  }
  if (kinds.consistency) {
    app.add_option_function<std::string>(
           "--consistency",
           [&](const std::string& name) {
             arguments.consistency =
                 name == kRelease ? Consistency::kRelease : Consistency::kSequential;
           },
           "what reads of shared memory may return: release or sequential")
        ->check(CLI::IsMember({kRelease, kSequential}))
        ->type_name("NAME")
        ->default_str(arguments.consistency == Consistency::kRelease ? kRelease : kSequential);
  }
  app.add_option("--repeat", arguments.repeat, "measure so often and report the median")
      ->check(CLI::Range(1u, kMostRepetitions))
      ->capture_default_str();
  app.add_option("--json", arguments.json,
                 "write the report into this file, in Google Benchmark's schema");
  app.footer("\nExit status: 0 if the result was verified, else 1; 2 for wrong usage.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kWrongUsage;
  }
  if (const absl::Status fits = problem.Check(); !fits.ok()) {
    absl::FPrintF(stderr, "%s: %s\n", program, fits.message());
    return kWrongUsage;
  }
  return std::nullopt;
}

}  // namespace farpage::apps

// What synchronisation owes a load with release consistency: on real nodes and in simulation.
//   sync_litmus run             all shapes in all situations; fails if a load misses what it is
//   owed sync_litmus simulate        the same in simulation; fails too if a possible outcome is not
//   seen sync_litmus table FILE…     the documentation's table, of what --json FILE left
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "runtime/bootstrap/launcher.h"
#include "tests/litmus/page.h"
#include "tests/litmus/sync_node.h"
#include "tests/litmus/sync_simulated.h"
#include "tests/litmus/sync_tally.h"
#include "tests/model/release_mutation.h"

namespace farpage::litmus {
namespace {

struct Arguments {
  SyncNodeOptions node;
  std::string transport = "shm";
  std::string cache = "1G";
  std::string prefetch = "1";
  std::string pager = "auto";
  std::string json;
  std::string mutation;
};

// Prints what was seen. Returns how many kinds of violations there are.
size_t Report(const SyncTally& tally, const Arguments& arguments) {
  std::printf("%s", tally.Summary().c_str());
  const std::vector<std::string> violations = tally.Violations();
  for (const std::string& what : violations) std::printf("FORBIDDEN: %s\n", what.c_str());
  if (!arguments.json.empty()) std::ofstream(arguments.json) << tally.ToJson();
  return violations.size();
}

int Run(const Arguments& arguments) {
  std::string file = std::filesystem::temp_directory_path() / "farpage-sync-litmus-XXXXXX";
  const int fd = mkstemp(file.data());
  if (fd < 0) {
    std::cerr << "cannot make " << file << "\n";
    return 1;
  }
  close(fd);
  bootstrap::LaunchOptions options;
  options.program = "/proc/self/exe";
  options.arguments = {"node",
                       file,
                       "--seed",
                       std::to_string(arguments.node.seed),
                       "--rounds",
                       std::to_string(arguments.node.rounds),
                       "--longest-delay-ns",
                       std::to_string(arguments.node.longest_delay_ns),
                       "--back-end",
                       arguments.transport};
  options.nodes = kSyncNodes;
  options.transport = arguments.transport;
  options.environment = {{"FARPAGE_CACHE_BYTES", arguments.cache},
                         {"FARPAGE_PREFETCH", arguments.prefetch},
                         {"FARPAGE_PAGER", arguments.pager},
                         {"FARPAGE_TIMEOUT_MS", "300000"}};
  const absl::StatusOr<bootstrap::LaunchResult> result = bootstrap::Launch(options);
  const std::string text = ReadFile(file);
  std::filesystem::remove(file);
  if (!result.ok() || result->exit_status != 0) {
    std::cerr << (result.ok() ? result->failure : result.status().ToString()) << "\n";
    return 1;
  }
  return Report(SyncTally::FromJson(text), arguments) == 0 ? 0 : 1;
}

int RunSimulation(const Arguments& arguments) {
  SyncSimulationOptions options{.seed = arguments.node.seed,
                                .rounds = arguments.node.rounds,
                                .longest_delay_ns = arguments.node.longest_delay_ns};
  const bool mutated = !arguments.mutation.empty();
  if (mutated) {
    const release_model::Mutation& mutation =
        release_model::FindMutation(arguments.mutation.c_str());
    if (mutation.fault != release_model::Fault::kNone) {
      std::cerr << mutation.name << " is no error of a step: only the model can make it\n";
      return 2;
    }
    options.step = mutation.step;
  }
  const SyncSimulationResult result = SimulateSync(options);
  const size_t violations = Report(result.tally, arguments);
  if (!result.failure.empty()) std::printf("FAILED: %s\n", result.failure.c_str());
  if (mutated) {
    const bool found = violations != 0 || !result.failure.empty();
    std::printf("mutation %s: %s\n", arguments.mutation.c_str(),
                violations != 0 ? "found by litmus tests"
                : found         ? "found by the simulation itself"
                                : "NOT FOUND");
    return found ? 0 : 1;
  }
  const std::vector<std::string> missing = result.tally.NeverSeen();
  for (const std::string& outcome : missing) std::printf("never seen: %s\n", outcome.c_str());
  return violations == 0 && result.failure.empty() && missing.empty() ? 0 : 1;
}

std::string TableOf(const std::vector<std::string>& files) {
  std::vector<SyncTally> tallies;
  tallies.reserve(files.size());
  for (const std::string& file : files) tallies.push_back(SyncTally::FromJson(ReadFile(file)));
  return MarkdownTable(tallies);
}

}  // namespace
}  // namespace farpage::litmus

int main(int argc, char** argv) {
  using namespace farpage::litmus;  // NOLINT(google-build-using-namespace)
  CLI::App app{"Litmus tests of synchronisation, with release consistency."};
  app.require_subcommand(1);
  Arguments arguments;
  CLI::App* run = app.add_subcommand("run", "all shapes in all situations");
  CLI::App* simulate = app.add_subcommand("simulate", "the same in simulation");
  CLI::App* node = app.add_subcommand("node", "one node of a run; started by `run`");
  for (CLI::App* any : {run, simulate, node}) {
    any->add_option("--seed", arguments.node.seed, "of the random delays");
    any->add_option("--rounds", arguments.node.rounds, "in each situation")
        ->check(CLI::Range(1u, kMostSyncRounds));
    any->add_option("--longest-delay-ns", arguments.node.longest_delay_ns, "before a step")
        ->check(CLI::Range(int64_t{0}, int64_t{1'000'000'000}));
  }
  for (CLI::App* either : {run, simulate}) {
    either->add_option("--json", arguments.json, "write the counts into this file");
  }
  run->add_option("--transport", arguments.transport, "shm or verbs");
  run->add_option("--cache", arguments.cache, "FARPAGE_CACHE_BYTES of the nodes");
  run->add_option("--prefetch", arguments.prefetch, "FARPAGE_PREFETCH of the nodes");
  run->add_option("--pager", arguments.pager, "FARPAGE_PAGER of the nodes");
  simulate->add_option("--mutation", arguments.mutation,
                       "a deliberate error: see `release_check mutations`");
  node->add_option("result", arguments.node.result)->required();
  node->add_option("--back-end", arguments.node.back_end);
  CLI::App* table = app.add_subcommand("table", "the documentation's table");
  std::vector<std::string> files;
  std::string page;
  table->add_option("files", files, "what --json wrote, a back end each")->required();
  table->add_option("--write", page, "replace the table in this page");
  CLI11_PARSE(app, argc, argv);

  if (run->parsed()) return Run(arguments);
  if (simulate->parsed()) return RunSimulation(arguments);
  if (table->parsed()) return WriteTables(TableOf(files), page, "synchronisation");
  return RunSyncNode(arguments.node);
}

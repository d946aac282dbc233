// Runs the litmus tests on real nodes, and keeps the table of what was seen.
//   litmus_run run             all shapes in all situations; fails if a forbidden outcome is seen
//   litmus_run simulate        the same in simulation; fails too if a possible outcome is not seen
//   litmus_run table FILE…     tables for the documentation, of what --json FILE left
// With --mutation NAME, nodes run with a deliberate error, which must be found.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "runtime/bootstrap/launcher.h"
#include "tests/litmus/control.h"
#include "tests/litmus/litmus_node.h"
#include "tests/litmus/page.h"
#include "tests/litmus/simulated_run.h"
#include "tests/litmus/tally.h"
#include "tests/model/mutated_nodes.h"
#include "tests/model/mutation.h"

namespace farpage::litmus {
namespace {

struct Arguments {
  RunOptions run;
  std::string transport = "shm";
  std::string cache = "1G";
  std::string prefetch = "0";
  std::string pager = "auto";
  std::string json;
  std::string mutation;
  SimulationOptions simulation;
};

int Launch(const Arguments& arguments, const Control& control) {
  bootstrap::LaunchOptions options;
  options.program = "/proc/self/exe";
  options.arguments = {"node", control.path()};
  if (!arguments.mutation.empty()) {
    options.arguments.insert(options.arguments.end(), {"--mutation", arguments.mutation});
  }
  options.nodes = kNodes;
  options.transport = arguments.transport;
  options.environment = {{"FARPAGE_CACHE_BYTES", arguments.cache},
                         {"FARPAGE_PREFETCH", arguments.prefetch},
                         {"FARPAGE_PAGER", arguments.pager},
                         {"FARPAGE_TIMEOUT_MS", "300000"}};
  // A broken protocol may lose a message; who waits for it need not wait long.
  if (!arguments.mutation.empty()) {
    options.environment.emplace_back("FARPAGE_FETCH_TIMEOUT_MS", "3000");
  }
  const absl::StatusOr<bootstrap::LaunchResult> result = bootstrap::Launch(options);
  if (!result.ok()) {
    std::cerr << result.status() << "\n";
    return 1;
  }
  if (result->exit_status != 0) std::cerr << result->failure << "\n";
  return result->exit_status;
}

// Adds up what the processes left; says of every forbidden outcome where it was seen.
Tally Collect(const Arguments& arguments, const Control& control) {
  Tally tally(arguments.transport);
  const std::vector<Cell>& cells = control.sweep().cells();
  for (uint32_t number = 0; number < cells.size(); ++number) {
    const Cell& cell = cells[number];
    for (uint32_t round = 0; round < cell.rounds; ++round) {
      const std::optional<Values> outcome = control.Outcome(number, round);
      if (!outcome.has_value()) continue;
      tally.Add(cell.shape_data(), cell.consistency, *outcome);
      if (Allows(Promise(cell.consistency), cell.shape_data().program, *outcome)) continue;
      std::printf("FORBIDDEN: %s: reads returned %s in round %u\n", cell.Describe().c_str(),
                  ToText(*outcome).c_str(), round);
    }
  }
  return tally;
}

int Run(const Arguments& arguments) {
  std::printf("seed %llu\n", static_cast<unsigned long long>(arguments.run.seed));
  std::fflush(stdout);
  const Control control = Control::Create(arguments.run);
  const int status = Launch(arguments, control);
  const Tally tally = Collect(arguments, control);
  std::printf("%s", tally.Summary().c_str());
  if (!arguments.json.empty()) std::ofstream(arguments.json) << tally.ToJson();
  const size_t violations = tally.Violations().size();
  std::printf("%zu kinds of forbidden outcomes\n", violations);
  if (arguments.mutation.empty()) return violations != 0 ? 1 : status;
  std::printf("mutation %s: %s\n", arguments.mutation.c_str(),
              violations != 0 ? "found by litmus tests"
              : status != 0   ? "found by the nodes themselves"
                              : "NOT FOUND");
  return violations != 0 || status != 0 ? 0 : 1;
}

int RunSimulation(const Arguments& arguments) {
  SimulationOptions options = arguments.simulation;
  options.seed = arguments.run.seed;
  options.longest_delay_ns = arguments.run.longest_delay_ns / 3;  // its fabric is faster
  if (!arguments.mutation.empty()) {
    options.step = model::FindMutation(arguments.mutation.c_str()).step;
  }
  std::printf("seed %llu\n", static_cast<unsigned long long>(options.seed));
  const SimulationResult result = Simulate(options);
  std::printf("%s%u passes\n", result.tally.Summary().c_str(), result.passes);
  if (!arguments.json.empty()) std::ofstream(arguments.json) << result.tally.ToJson();
  if (!result.failure.empty()) std::printf("FAILED: %s\n", result.failure.c_str());
  if (!arguments.mutation.empty()) {
    const bool found = !result.failure.empty();
    std::printf("mutation %s: %s\n", arguments.mutation.c_str(),
                !result.tally.Violations().empty() ? "found by litmus tests"
                : found                            ? "found by the simulation itself"
                                                   : "NOT FOUND");
    return found ? 0 : 1;
  }
  const std::vector<std::string> missing = result.tally.NeverSeen();
  for (const std::string& outcome : missing) std::printf("never seen: %s\n", outcome.c_str());
  return result.failure.empty() && missing.empty() ? 0 : 1;
}

std::string TablesOf(const std::vector<std::string>& files) {
  std::vector<Tally> tallies;
  tallies.reserve(files.size());
  for (const std::string& file : files) tallies.push_back(Tally::FromJson(ReadFile(file)));
  return MarkdownTables(tallies);
}

}  // namespace
}  // namespace farpage::litmus

int main(int argc, char** argv) {
  using namespace farpage::litmus;  // NOLINT(google-build-using-namespace)
  CLI::App app{"Litmus tests of the memory model, on real nodes."};
  app.require_subcommand(1);
  Arguments arguments;
  CLI::App* run = app.add_subcommand("run", "all shapes in all situations");
  CLI::App* simulate = app.add_subcommand("simulate", "the same in simulation");
  for (CLI::App* either : {run, simulate}) {
    either->add_option("--seed", arguments.run.seed, "of the random delays");
    either->add_option("--longest-delay-ns", arguments.run.longest_delay_ns, "before an access");
    either->add_option("--json", arguments.json, "write the counts into this file");
    either->add_option("--mutation", arguments.mutation,
                       "a deliberate error: see `model_check mutations`");
  }
  run->add_option("--rounds", arguments.run.rounds, "in each situation")
      ->check(CLI::Range(1u, 100'000u));
  run->add_option("--cold-rounds", arguments.run.cold_rounds,
                  "in each situation that needs untouched pages")
      ->check(CLI::Range(1u, 10'000u));
  run->add_option("--transport", arguments.transport, "shm or verbs");
  run->add_option("--cache", arguments.cache, "FARPAGE_CACHE_BYTES of the nodes");
  run->add_option("--prefetch", arguments.prefetch, "FARPAGE_PREFETCH of the nodes");
  run->add_option("--pager", arguments.pager, "FARPAGE_PAGER of the nodes");
  simulate->add_option("--rounds", arguments.simulation.rounds, "in each situation and pass")
      ->check(CLI::Range(1u, 1'000u));
  simulate->add_option("--passes", arguments.simulation.passes,
                       "at most; stops when all possible outcomes have been seen");
  CLI::App* table = app.add_subcommand("table", "tables for the documentation");
  std::vector<std::string> files;
  std::string page;
  table->add_option("files", files, "what --json wrote, a back end each")->required();
  table->add_option("--write", page, "replace the tables in this page");
  CLI::App* node = app.add_subcommand("node", "one node of a run; started by `run`");
  std::string control_path;
  node->add_option("control", control_path)->required();
  node->add_option("--mutation", arguments.mutation);
  CLI11_PARSE(app, argc, argv);

  if (run->parsed()) return Run(arguments);
  if (simulate->parsed()) return RunSimulation(arguments);
  if (table->parsed()) return WriteTables(TablesOf(files), page, "tables");
  if (!arguments.mutation.empty()) farpage::model::MutateNewNodes(arguments.mutation.c_str());
  return RunNode(control_path);
}

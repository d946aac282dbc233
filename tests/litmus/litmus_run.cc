// Runs the litmus tests on real nodes, and keeps the table of what was seen.
//   litmus_run run             all shapes in all situations; fails if a forbidden outcome is seen
//   litmus_run table FILE…     tables for the documentation, of what `run --json FILE` left
#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "runtime/bootstrap/launcher.h"
#include "tests/litmus/control.h"
#include "tests/litmus/litmus_node.h"
#include "tests/litmus/tally.h"

namespace farpage::litmus {
namespace {

struct Arguments {
  RunOptions run;
  std::string transport = "shm";
  std::string cache = "1G";
  std::string prefetch = "0";
  std::string pager = "auto";
  std::string json;
};

int Launch(const Arguments& arguments, const Control& control) {
  bootstrap::LaunchOptions options;
  options.program = "/proc/self/exe";
  options.arguments = {"node", control.path()};
  options.nodes = kNodes;
  options.transport = arguments.transport;
  options.environment = {{"FARPAGE_CACHE_BYTES", arguments.cache},
                         {"FARPAGE_PREFETCH", arguments.prefetch},
                         {"FARPAGE_PAGER", arguments.pager},
                         {"FARPAGE_TIMEOUT_MS", "300000"}};
#if defined(__SANITIZE_THREAD__)
  options.environment.emplace_back("FARPAGE_ADDRESS_SPACE_BYTES", "128G");
#endif
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
  return violations != 0 ? 1 : status;
}

int WriteTables(const std::vector<std::string>& files, const std::string& page) {
  std::vector<Tally> tallies;
  for (const std::string& file : files) {
    std::stringstream text;
    text << std::ifstream(file).rdbuf();
    tallies.push_back(Tally::FromJson(text.str()));
  }
  const std::string tables = MarkdownTables(tallies);
  if (page.empty()) {
    std::cout << tables;
    return 0;
  }
  std::ifstream input(page);
  std::string text((std::istreambuf_iterator<char>(input)), {});
  static constexpr std::string_view kBegin = "<!-- tables -->\n";
  static constexpr std::string_view kEnd = "<!-- /tables -->\n";
  const size_t begin = text.find(kBegin);
  const size_t end = text.find(kEnd);
  if (begin == std::string::npos || end == std::string::npos) {
    std::cerr << page << " has no place for tables\n";
    return 1;
  }
  text.replace(begin, end - begin, std::string(kBegin) + "\n" + tables + "\n");
  std::ofstream(page) << text;
  return 0;
}

}  // namespace
}  // namespace farpage::litmus

int main(int argc, char** argv) {
  using namespace farpage::litmus;  // NOLINT(google-build-using-namespace)
  CLI::App app{"Litmus tests of the memory model, on real nodes."};
  app.require_subcommand(1);
  Arguments arguments;
  CLI::App* run = app.add_subcommand("run", "all shapes in all situations");
  run->add_option("--seed", arguments.run.seed, "of the random delays");
  run->add_option("--rounds", arguments.run.rounds, "in each situation")
      ->check(CLI::Range(1u, 100'000u));
  run->add_option("--cold-rounds", arguments.run.cold_rounds,
                  "in each situation that needs untouched pages")
      ->check(CLI::Range(1u, 10'000u));
  run->add_option("--longest-delay-ns", arguments.run.longest_delay_ns, "before an access");
  run->add_option("--transport", arguments.transport, "shm or verbs");
  run->add_option("--cache", arguments.cache, "FARPAGE_CACHE_BYTES of the nodes");
  run->add_option("--prefetch", arguments.prefetch, "FARPAGE_PREFETCH of the nodes");
  run->add_option("--pager", arguments.pager, "FARPAGE_PAGER of the nodes");
  run->add_option("--json", arguments.json, "write the counts into this file");
  CLI::App* table = app.add_subcommand("table", "tables for the documentation");
  std::vector<std::string> files;
  std::string page;
  table->add_option("files", files, "what --json wrote, a back end each")->required();
  table->add_option("--write", page, "replace the tables in this page");
  CLI::App* node = app.add_subcommand("node", "one node of a run; started by `run`");
  std::string control_path;
  node->add_option("control", control_path)->required();
  CLI11_PARSE(app, argc, argv);

  if (run->parsed()) return Run(arguments);
  if (table->parsed()) return WriteTables(files, page);
  return RunNode(control_path);
}

// A long random run on real nodes, recorded and judged.
//   history_run run                       fails unless the history is what memory promises
//   history_run run --die-after N         the same when a node dies meanwhile
//   history_run run --mutation NAME       with a deliberate error in the protocol: says who finds
//   it
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <string>

#include "runtime/bootstrap/launcher.h"
#include "tests/history/judge.h"
#include "tests/history/operation_log.h"
#include "tests/history/workload.h"
#include "tests/model/mutated_nodes.h"
#include "tests/runtime/scenario.h"

namespace farpage::history {
namespace {

struct Arguments {
  Workload workload;
  uint32_t nodes = 4;
  uint32_t operations = 1'000'000;
  std::string transport = "shm";
  std::string cache = "64K";
  std::string prefetch = "1";
  std::string pager = "auto";
  std::string mutation;
  std::string log;  // in a node
};

bootstrap::LaunchResult Launch(const Arguments& arguments, const OperationLog& log) {
  const Workload& workload = arguments.workload;
  bootstrap::LaunchOptions options;
  options.program = "/proc/self/exe";
  options.arguments = {"node",
                       "--log",
                       log.path(),
                       "--seed",
                       std::to_string(workload.seed),
                       "--threads",
                       std::to_string(workload.threads_per_node),
                       "--pages",
                       std::to_string(workload.pages),
                       "--die-after",
                       std::to_string(workload.die_after)};
  if (!arguments.mutation.empty()) {
    options.arguments.insert(options.arguments.end(), {"--mutation", arguments.mutation});
  }
  options.nodes = arguments.nodes;
  options.transport = arguments.transport;
  options.environment = {{"FARPAGE_CACHE_BYTES", arguments.cache},
                         {"FARPAGE_PREFETCH", arguments.prefetch},
                         {"FARPAGE_PAGER", arguments.pager},
                         {"FARPAGE_TIMEOUT_MS", "120000"}};
  // A broken protocol may lose a message; who waits for it need not wait long.
  if (!arguments.mutation.empty()) {
    options.environment.emplace_back("FARPAGE_FETCH_TIMEOUT_MS", "3000");
  }
  const absl::StatusOr<bootstrap::LaunchResult> result = bootstrap::Launch(options);
  if (!result.ok()) {
    std::cerr << result.status() << "\n";
    std::exit(1);
  }
  return *result;
}

int Run(const Arguments& arguments) {
  const uint32_t threads = arguments.nodes * arguments.workload.threads_per_node;
  std::printf("seed %llu\n", static_cast<unsigned long long>(arguments.workload.seed));
  std::fflush(stdout);
  OperationLog log = OperationLog::Create(threads, (arguments.operations + threads - 1) / threads);
  const bootstrap::LaunchResult result = Launch(arguments, log);
  const Judgement judgement = Judge(arguments.workload, log.Threads());
  std::printf("%s", judgement.text.c_str());
  if (result.exit_status != 0) std::printf("nodes: %s\n", result.failure.c_str());
  if (arguments.workload.die_after > 0) {
    // Others may lose pages with it, and end of that; what all of them saw is judged nevertheless.
    const bool died = result.first_failed == NodeId(1) && result.exit_status == 128 + SIGKILL;
    return judgement.right && died ? 0 : 1;
  }
  if (arguments.mutation.empty()) return judgement.right && result.exit_status == 0 ? 0 : 1;

  const bool found = !judgement.right || result.exit_status != 0;
  std::printf("mutation %s: %s\n", arguments.mutation.c_str(),
              !judgement.right ? "found by the checkers of histories"
              : found          ? "found by the nodes themselves"
                               : "NOT FOUND");
  return found ? 0 : 1;
}

int RunNode(const Arguments& arguments) {
  if (!arguments.mutation.empty()) model::MutateNewNodes(arguments.mutation.c_str());
  Node node = testing::JoinOrDie();
  OperationLog log = OperationLog::Open(arguments.log);
  RunWorkload(node, arguments.workload, log);
  const absl::StatusOr<Statistics> sum = node.ClusterStatistics();
  REQUIRE_OK(sum.status());
  if (node.id() == 0) std::printf("%s", sum->ToText().c_str());
  return 0;
}

}  // namespace
}  // namespace farpage::history

int main(int argc, char** argv) {
  using namespace farpage::history;  // NOLINT(google-build-using-namespace)
  CLI::App app{"A long random run on real nodes, recorded and judged."};
  app.require_subcommand(1);
  Arguments arguments;
  CLI::App* run = app.add_subcommand("run", "start nodes and judge what they did");
  CLI::App* node = app.add_subcommand("node", "one node of a run; started by `run`");
  for (CLI::App* either : {run, node}) {
    either->add_option("--seed", arguments.workload.seed, "of the accesses");
    either->add_option("--threads", arguments.workload.threads_per_node, "of each node");
    either->add_option("--pages", arguments.workload.pages, "accessed");
    either->add_option("--die-after", arguments.workload.die_after,
                       "kill node 1 when a thread of it has made so many accesses");
    either->add_option("--mutation", arguments.mutation,
                       "a deliberate error: see `model_check mutations`");
  }
  run->add_option("--nodes", arguments.nodes, "processes")->check(CLI::Range(1u, 16u));
  run->add_option("--operations", arguments.operations, "of all threads together")
      ->check(CLI::Range(1u, 100'000'000u));
  run->add_option("--transport", arguments.transport, "shm or verbs");
  run->add_option("--cache", arguments.cache, "FARPAGE_CACHE_BYTES of the nodes");
  run->add_option("--prefetch", arguments.prefetch, "FARPAGE_PREFETCH of the nodes");
  run->add_option("--pager", arguments.pager, "FARPAGE_PAGER of the nodes");
  node->add_option("--log", arguments.log)->required();
  CLI11_PARSE(app, argc, argv);
  return run->parsed() ? Run(arguments) : RunNode(arguments);
}

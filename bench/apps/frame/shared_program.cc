#include "bench/apps/frame/shared_program.h"

#include <cstdio>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "bench/apps/frame/arguments.h"
#include "bench/apps/frame/conclude.h"
#include "bench/apps/frame/die.h"
#include "bench/apps/frame/fault_clock.h"
#include "bench/apps/frame/measurement.h"
#include "bench/apps/frame/process_usage.h"
#include "bench/apps/frame/report.h"

namespace farpage::apps {

namespace {

// What only one thread of a node measures: the node's part.
struct NodeUsage {
  double cpu_seconds = 0;
  double fault_seconds = 0;
  Statistics statistics;  // of all nodes

  static NodeUsage Now(Node& node, const FaultClock& faults) {
    const absl::StatusOr<Statistics> statistics = node.ClusterStatistics();
    if (!statistics.ok()) Die(node, "statistics", statistics.status());
    return {CpuSeconds(), faults.seconds(), *statistics};
  }
};

Measurement MeasureOnce(Worker& worker, const FaultClock& faults, SharedProgram& program) {
  program.Prepare(worker);
  worker.Barrier();
  const bool first = worker.thread() == 0;
  NodeUsage before;
  if (first) before = NodeUsage::Now(worker.node(), faults);
  worker.Barrier();

  const double waited_before = worker.waited_seconds();
  const Stopwatch watch;
  program.Compute(worker);
  worker.Barrier();
  const double own_seconds = watch.seconds();
  const double waited = worker.waited_seconds() - waited_before;
  const double seconds = worker.Max(own_seconds);

  NodeUsage used;
  Statistics statistics;
  if (first) {
    const NodeUsage after = NodeUsage::Now(worker.node(), faults);
    used.cpu_seconds = after.cpu_seconds - before.cpu_seconds;
    used.fault_seconds = after.fault_seconds - before.fault_seconds;
    statistics = after.statistics - before.statistics;
  }
  const std::array<double, 3> sums =
      worker.Sum(std::array{used.cpu_seconds, used.fault_seconds, waited});
  const double thread_seconds = std::max(seconds, 1e-9) * worker.count();
  return {seconds, sums[0], sums[1] / thread_seconds, sums[2] / thread_seconds, statistics};
}

// Collective.
std::vector<Measurement> Measure(Team& team, SharedProgram& program, uint32_t repeat) {
  const FaultClock faults;
  std::vector<Measurement> measurements;
  team.Run([&](Worker& worker) {
    for (uint32_t round = 0; round < repeat; ++round) {
      const Measurement one = MeasureOnce(worker, faults, program);
      if (worker.thread() == 0) measurements.push_back(one);
    }
  });
  return measurements;
}

// Collective. The report of node 0 has what follows from shared memory; other nodes get nothing.
std::optional<Report> RunOnNodes(Node& node, const Arguments& arguments, const Problem& problem,
                                 SharedProgram& program) {
  absl::StatusOr<std::unique_ptr<Team>> team = Team::Create(node, arguments.threads);
  if (!team.ok()) Die(node, "team", team.status());
  if (const absl::Status allocated = program.Allocate(node, arguments.consistency);
      !allocated.ok()) {
    Die(node, "allocation", allocated);
  }
  Report report{.application = problem.name(),
                .version = "farpage",
                .nodes = node.size(),
                .threads = arguments.threads,
                .measurements = Measure(**team, program, arguments.repeat)};
  double resident = 0;
  (*team)->Run([&](Worker& worker) {
    const double own = worker.thread() == 0 ? static_cast<double>(ResidentBytes()) : 0;
    const double most = worker.Max(own);
    if (worker.thread() == 0) resident = most;
  });
  if (node.id() != 0) return std::nullopt;
  program.Collect();
  report.figures.push_back({"resident_bytes", resident});
  return report;
}

}  // namespace

int RunShared(int argc, char** argv, Problem& problem, SharedProgram& program) {
  Arguments arguments;
  arguments.consistency = program.consistency();
  if (const std::optional<int> status =
          ParseArguments(argc, argv, problem.name(), problem, {}, arguments)) {
    return *status;
  }
  program.threads_ = arguments.threads;
  std::optional<ReportFile> file;  // node 0's
  std::optional<Report> report;
  try {
    absl::StatusOr<Node> node = Node::Join();
    if (!node.ok()) {
      absl::FPrintF(stderr, "%s: %s\n", problem.name(), node.status().ToString());
      return 1;
    }
    if (node->id() == 0) {
      absl::StatusOr<ReportFile> opened = ReportFile::Open(arguments.json);
      if (!opened.ok()) Die(*node, "report", opened.status());
      file = *std::move(opened);
    }
    report = RunOnNodes(*node, arguments, problem, program);
  } catch (const std::system_error& error) {  // a lock or an atomic array whose home has died
    absl::FPrintF(stderr, "%s: %s\n", problem.name(), error.what());
    return 1;
  }
  if (!report.has_value()) return 0;
  return Conclude(problem, arguments.repeat, *report, *file);
}

}  // namespace farpage::apps

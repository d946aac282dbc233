// Runs the runtime in virtual time, with faults, seed after seed.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "tests/model/mutation.h"
#include "tests/simulation/release_workload.h"
#include "tests/simulation/scenario.h"
#include "tests/simulation/seed_runner.h"
#include "tests/simulation/workload.h"

namespace farpage::simulation {
namespace {

struct Arguments {
  SeedRange range;
  uint64_t one_seed = 0;
  uint32_t nodes = 0;
  uint64_t most_events = 0;
  std::string mutation;
  bool all_mutations = false;
  std::vector<std::string> mutations;
  bool require_coverage = false;
  bool cells = false;
  bool release = false;
};

StepFunction StepOf(const std::string& mutation) {
  return mutation.empty() ? StepFunction() : model::FindMutation(mutation.c_str()).step;
}

std::string ReplayCommand(const Arguments& arguments, uint64_t seed) {
  std::string command = "./dev simulate --seed " + std::to_string(seed);
  if (arguments.nodes != 0) command += " --nodes " + std::to_string(arguments.nodes);
  if (arguments.release) command += " --release";
  if (!arguments.mutation.empty()) command += " --mutation " + arguments.mutation;
  return command;
}

// Prints the cells that change something and were never used. True if there are none.
bool CheckCoverage(const Coverage& coverage, bool print_all) {
  uint32_t used = 0;
  uint32_t possible = 0;
  for (size_t state = 0; state < directory::kStates; ++state) {
    for (size_t event = 0; event < directory::kEvents; ++event) {
      const auto cell = directory::Cell(static_cast<directory::State>(state),
                                        static_cast<directory::Event>(event));
      if (cell.verdict != directory::Verdict::kStepped) continue;
      ++possible;
      if (print_all) {
        std::printf("%10llu  %s / %s\n", static_cast<unsigned long long>(coverage[state][event]),
                    Name(static_cast<directory::State>(state)),
                    Name(static_cast<directory::Event>(event)));
      }
      if (coverage[state][event] != 0) {
        ++used;
        continue;
      }
      std::printf("never reached: %s / %s\n", Name(static_cast<directory::State>(state)),
                  Name(static_cast<directory::Event>(event)));
    }
  }
  std::printf("%u of the table's %u cells that change something were reached\n", used, possible);
  return used == possible;
}

void PrintFailure(const Arguments& arguments, const FailedSeed& failed) {
  std::printf("seed %llu: %s\n  to see it again: %s\n",
              static_cast<unsigned long long>(failed.seed), failed.what.c_str(),
              ReplayCommand(arguments, failed.seed).c_str());
}

internal::ReleaseStep ReleaseStepOf(const std::string& mutation) {
  for (const ReleaseMutation& one : ReleaseMutations()) {
    if (one.name == mutation) return one.step;
  }
  return &directory::StepRelease;
}

Verdict RunSeed(const Arguments& arguments, uint64_t seed) {
  if (arguments.release) {
    return RunReleaseScenario(MakeReleaseScenario(seed, arguments.nodes),
                              ReleaseStepOf(arguments.mutation));
  }
  Scenario scenario = MakeScenario(seed, arguments.nodes);
  if (arguments.most_events != 0) scenario.cluster.most_events = arguments.most_events;
  return RunScenario(scenario, StepOf(arguments.mutation));
}

int RunOne(const Arguments& arguments) {
  std::printf("%s\n",
              arguments.release
                  ? Describe(MakeReleaseScenario(arguments.one_seed, arguments.nodes)).c_str()
                  : Describe(MakeScenario(arguments.one_seed, arguments.nodes)).c_str());
  const Verdict verdict = RunSeed(arguments, arguments.one_seed);
  std::printf(
      "%llu accesses, %llu of them to lost pages; %llu events, %.3f virtual ms, hash %016llx\n",
      static_cast<unsigned long long>(verdict.accesses),
      static_cast<unsigned long long>(verdict.lost_accesses),
      static_cast<unsigned long long>(verdict.events),
      static_cast<double>(verdict.virtual_ns) / 1e6, static_cast<unsigned long long>(verdict.hash));
  if (verdict.failure.empty()) return 0;
  PrintFailure(arguments, {arguments.one_seed, verdict.failure});
  return 1;
}

Summary RunRange(const Arguments& arguments, const SeedRange& range, const StepFunction& step) {
  return RunSeeds(range, [&](uint64_t seed) {
    Scenario scenario = MakeScenario(seed, arguments.nodes);
    if (arguments.most_events != 0) scenario.cluster.most_events = arguments.most_events;
    return RunScenario(scenario, step);
  });
}

int RunMany(const Arguments& arguments) {
  const auto start = std::chrono::steady_clock::now();
  const Summary summary =
      RunSeeds(arguments.range, [&](uint64_t seed) { return RunSeed(arguments, seed); });
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  for (const FailedSeed& failed : summary.failures) PrintFailure(arguments, failed);
  const bool covered = arguments.release || CheckCoverage(summary.coverage, arguments.cells);
  std::printf(
      "%llu seeds, %zu failed, %.1f s: %.1f seeds per second on %u cores; %llu accesses (%llu to "
      "lost pages), %llu events; hash %016llx\n",
      static_cast<unsigned long long>(summary.seeds), summary.failures.size(), seconds,
      static_cast<double>(summary.seeds) / seconds, arguments.range.jobs,
      static_cast<unsigned long long>(summary.accesses),
      static_cast<unsigned long long>(summary.lost_accesses),
      static_cast<unsigned long long>(summary.events),
      static_cast<unsigned long long>(summary.hash));
  return summary.failures.empty() && (covered || !arguments.require_coverage) ? 0 : 1;
}

// The same for release consistency.
int RunReleaseMutations(const Arguments& arguments) {
  SeedRange range = arguments.range;
  range.most_failures = 1;
  uint32_t missed = 0;
  uint32_t tried = 0;
  for (const ReleaseMutation& mutation : ReleaseMutations()) {
    const std::vector<std::string>& chosen = arguments.mutations;
    if (!chosen.empty() && std::find(chosen.begin(), chosen.end(), mutation.name) == chosen.end()) {
      continue;
    }
    ++tried;
    const Summary summary = RunSeeds(range, [&](uint64_t seed) {
      return RunReleaseScenario(MakeReleaseScenario(seed, arguments.nodes), mutation.step);
    });
    if (summary.failures.empty()) {
      ++missed;
      std::printf("%-30s not found in %llu seeds: %s\n", mutation.name,
                  static_cast<unsigned long long>(range.count), mutation.what);
      continue;
    }
    const FailedSeed& failed = summary.failures.front();
    std::printf("%-30s seed %llu: %s\n", mutation.name,
                static_cast<unsigned long long>(failed.seed),
                failed.what.substr(0, failed.what.find('\n')).c_str());
  }
  std::printf("%u mutations, %u not found\n", tried, missed);
  return missed == 0 ? 0 : 1;
}

// Each mutation that is made of steps must be found within the seeds given.
int RunMutations(const Arguments& arguments) {
  SeedRange range = arguments.range;
  range.most_failures = 1;
  uint32_t tried = 0;
  uint32_t missed = 0;
  for (const model::Mutation& mutation : model::Mutations()) {
    if (mutation.fault != model::Fault::kNone) continue;
    const std::vector<std::string>& chosen = arguments.mutations;
    if (!chosen.empty() && std::find(chosen.begin(), chosen.end(), mutation.name) == chosen.end()) {
      continue;
    }
    ++tried;
    const Summary summary = RunRange(arguments, range, mutation.step);
    if (summary.failures.empty()) {
      ++missed;
      std::printf("%-30s not found in %llu seeds: %s\n", mutation.name,
                  static_cast<unsigned long long>(range.count), mutation.what);
    } else {
      const FailedSeed& failed = summary.failures.front();
      std::printf("%-30s seed %llu: %s\n", mutation.name,
                  static_cast<unsigned long long>(failed.seed),
                  failed.what.substr(0, failed.what.find('\n')).c_str());
    }
    std::fflush(stdout);
  }
  std::printf("%u mutations, %u not found\n", tried, missed);
  return missed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace farpage::simulation

int main(int argc, char** argv) {
  using namespace farpage::simulation;  // NOLINT(google-build-using-namespace)
  Arguments arguments;
  arguments.range.jobs = std::max(1u, std::thread::hardware_concurrency());
  CLI::App app{
      "Runs the runtime in virtual time, with faults: each seed is a cluster, a program and "
      "what goes wrong."};
  app.add_option("--seeds", arguments.range.count, "how many");
  app.add_option("--first-seed", arguments.range.first, "where to begin");
  app.add_option("--seed", arguments.one_seed, "this one alone, with its description");
  app.add_option("--nodes", arguments.nodes, "so many nodes; chosen by the seed if not given")
      ->check(CLI::Range(2u, farpage::kMaxNodes));
  app.add_option("--most-events", arguments.most_events,
                 "a seed that goes on for longer is a failure");
  app.add_option("--jobs", arguments.range.jobs, "processes; as many as there are cores");
  app.add_option("--mutation", arguments.mutation,
                 "a deliberate error: see `model_check mutations`");
  app.add_flag("--all-mutations", arguments.all_mutations,
               "each deliberate error in the protocol's steps, until it is found");
  app.add_option("--mutations", arguments.mutations, "the same for these")->delimiter(',');
  app.add_flag("--release", arguments.release,
               "memory with release consistency, and programs without data races");
  app.add_flag("--cells", arguments.cells, "print how often each cell of the table was used");
  app.add_flag("--require-coverage", arguments.require_coverage,
               "fail if a cell of the table that changes something is never reached");
  CLI11_PARSE(app, argc, argv);
  if (arguments.one_seed != 0) return RunOne(arguments);
  const bool mutations = arguments.all_mutations || !arguments.mutations.empty();
  if (arguments.release && mutations) return RunReleaseMutations(arguments);
  return mutations ? RunMutations(arguments) : RunMany(arguments);
}

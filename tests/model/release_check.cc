// Model checker of release consistency: visits every state of small clusters.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "tests/model/release_explorer.h"
#include "tests/model/release_litmus.h"
#include "tests/model/release_mutation.h"

namespace farpage::release_model {
namespace {

void Print(const Exploration& result) {
  if (!result.finding.has_value()) return;
  std::printf("  violated: %s: %s\n", Name(result.finding->property), result.finding->what.c_str());
  for (const std::string& line : result.trace) std::printf("    %s\n", line.c_str());
}

// Explores and prints a line. True if nothing is wrong.
bool Check(const Variant& variant, const Mutation* mutation, uint64_t most_states,
           Coverage& coverage) {
  const auto start = std::chrono::steady_clock::now();
  const Exploration result =
      mutation == nullptr
          ? Explore(variant, &directory::StepRelease, Fault::kNone, nullptr, most_states)
          : Explore(variant, mutation->step, mutation->fault, nullptr, most_states);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  std::printf("%-46s %u nodes  %10llu states  %11llu steps  depth %3u  %6.1f s%s\n", variant.name,
              variant.nodes, static_cast<unsigned long long>(result.states),
              static_cast<unsigned long long>(result.transitions), result.depth, seconds.count(),
              result.finding.has_value() ? "  VIOLATED"
              : result.complete          ? ""
                                         : "  NOT ALL VISITED");
  Print(result);
  std::fflush(stdout);
  for (size_t place = 0; place < kPlaces; ++place) coverage[place] += result.coverage[place];
  return !result.finding.has_value() && (result.complete || most_states != ~0ull);
}

int RunAll(const std::vector<Variant>& variants, uint64_t most_states) {
  Coverage coverage{};
  bool right = true;
  for (const Variant& variant : variants)
    right = Check(variant, nullptr, most_states, coverage) && right;
  return right ? 0 : 1;
}

// Every mutation must be found.
int RunMutations() {
  size_t survivors = 0;
  for (const Mutation& mutation : Mutations()) {
    const Catch caught = Hunt(mutation);
    if (caught.result.finding.has_value()) {
      std::printf("%-24s %-24s %-46s %2zu steps\n", mutation.name, caught.variant.name,
                  Name(caught.result.finding->property), caught.result.trace_steps);
    } else {
      ++survivors;
      std::printf("%-24s NOT FOUND: %s\n", mutation.name, mutation.what);
    }
    std::fflush(stdout);
  }
  std::printf("%zu mutations, %zu not found\n", Mutations().size(), survivors);
  return survivors == 0 ? 0 : 1;
}

}  // namespace
}  // namespace farpage::release_model

int main(int argc, char** argv) {
  using namespace farpage::release_model;  // NOLINT(google-build-using-namespace)
  CLI::App app{
      "Visits every state of a small modelled cluster with release consistency that runs "
      "the real protocol steps."};
  app.require_subcommand(1);
  CLI::App* all = app.add_subcommand("all", "the variants of the test suite");
  app.add_subcommand("large", "larger ones: minutes");
  app.add_subcommand("mutations", "deliberate errors, each of which must be found");
  app.add_subcommand("every-effect", "drops each effect of each step in turn");
  app.add_subcommand("litmus", "what a load must see, and what it may miss");
  CLI::App* one = app.add_subcommand("one", "one variant, as given by the options");
  Variant variant{.name = "as given"};
  uint64_t most_states = ~0ull;
  std::string mutation;
  bool apart = false;
  bool serves_only = false;
  one->add_option("--nodes", variant.nodes, "number of nodes")->check(CLI::Range(1u, kMostNodes));
  one->add_option("--pages", variant.pages, "of memory")->check(CLI::Range(1u, kMostPages));
  one->add_option("--bytes", variant.bytes, "of a page")->check(CLI::Range(1u, kMostBytes));
  one->add_option("--locks", variant.locks, "mutexes")->check(CLI::Range(0u, kMostLocks));
  one->add_option("--ring", variant.ring, "entries of a log")->check(CLI::Range(1u, kMostRing));
  one->add_option("--acquisitions", variant.acquisitions, "of mutexes, per node");
  one->add_option("--barriers", variant.barriers, "per node");
  one->add_option("--stores", variant.stores, "per node");
  one->add_option("--others", variant.others, "notices of pages not modelled, per node");
  one->add_flag("--direct", variant.direct, "frames are mapped by all");
  one->add_flag("--pins", variant.pins, "pages may be pinned");
  one->add_flag("--failures", variant.failures, "fetches may fail");
  one->add_flag("--coarse", variant.coarse, "logs are read and appended to at once");
  one->add_flag("!--no-evict", variant.evict, "no evictions");
  one->add_flag("!--no-touch", variant.touch_to_write, "no write faults on pages not here");
  one->add_flag("--apart", apart, "page 1 has its home at node 1, page 0 at node 0");
  one->add_flag("--serves-only", serves_only, "the home is not one of the nodes");
  for (CLI::App* command : {all, one}) {
    command->add_option("--most-states", most_states, "of a variant: stop there, without failing");
  }
  one->add_option("--mutation", mutation, "a deliberate error: see `mutations`");
  CLI11_PARSE(app, argc, argv);

  if (app.got_subcommand("all")) return RunAll(StandardVariants(), most_states);
  if (app.got_subcommand("large")) return RunAll(LargeVariants(), most_states);
  if (app.got_subcommand("mutations")) return RunMutations();
  if (app.got_subcommand("every-effect")) return RunEveryEffect();
  if (app.got_subcommand("litmus")) return RunLitmus();
  if (apart) variant.homes[1] = 1;
  if (serves_only) variant.homes = {Variant::kNobody, Variant::kNobody};
  Coverage coverage{};
  const Mutation* chosen = mutation.empty() ? nullptr : &FindMutation(mutation.c_str());
  return Check(variant, chosen, most_states, coverage) ? 0 : 1;
}

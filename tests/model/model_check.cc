// Model checker of the coherence protocol: visits every state of small clusters.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "tests/model/every_effect.h"
#include "tests/model/explorer.h"
#include "tests/model/mutation.h"

namespace farpage::model {
namespace {

using directory::Event;
using directory::State;
using directory::Verdict;

double SecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void Print(const Exploration& result) {
  if (!result.finding.has_value()) return;
  std::printf("  violated: %s: %s\n", Name(result.finding->property), result.finding->what.c_str());
  for (const std::string& line : result.trace) std::printf("    %s\n", line.c_str());
}

void Add(const Coverage& more, Coverage& sum) {
  for (size_t state = 0; state < directory::kStates; ++state) {
    for (size_t event = 0; event < directory::kEvents; ++event) {
      sum[state][event] += more[state][event];
    }
  }
}

// Explores and prints a line. True if nothing is wrong.
bool Check(const Variant& variant, const Limits& limits, const Mutation* mutation, Coverage& sum) {
  const auto start = std::chrono::steady_clock::now();
  const Exploration result = mutation == nullptr
                                 ? Explore(variant, &directory::Step, Fault::kNone, limits)
                                 : Explore(variant, mutation->step, mutation->fault, limits);
  std::printf("%-36s %u nodes  %11llu states  %11llu steps  depth %3u  %6.1f s%s\n", variant.name,
              variant.nodes, static_cast<unsigned long long>(result.states),
              static_cast<unsigned long long>(result.transitions), result.depth,
              SecondsSince(start),
              result.finding.has_value() ? "  VIOLATED"
              : result.complete          ? ""
                                         : "  NOT ALL VISITED");
  Print(result);
  std::fflush(stdout);
  Add(result.coverage, sum);
  return !result.finding.has_value() && result.complete;
}

// What the test suite explores.
std::vector<Variant> StandardVariants() {
  return {
      {.name = "passive home", .ahead = true},
      {.name = "passive home, any interleaving", .ahead = true, .fine = true},
      {.name = "home in place, two bit words",
       .home = Home::kInPlace,
       .ahead = true,
       .two_words = true},
      {.name = "home copies", .home = Home::kCopies, .ahead = true},
      {.name = "home in place, pages read directly",
       .home = Home::kInPlace,
       .ahead = true,
       .direct = true},
      {.name = "direct, one node stops",
       .home = Home::kInPlace,
       .ahead = true,
       .failures = true,
       .direct = true},
      {.name = "passive home, one node stops", .ahead = true, .failures = true},
      {.name = "home in place, one node stops", .home = Home::kInPlace, .failures = true},
      {.name = "home copies, one node stops", .home = Home::kCopies, .failures = true},
  };
}

// True if every cell that changes something was used.
bool CheckCoverage(const Coverage& coverage) {
  size_t used = 0;
  bool all = true;
  for (size_t state = 0; state < directory::kStates; ++state) {
    for (size_t event = 0; event < directory::kEvents; ++event) {
      if (Cell(static_cast<State>(state), static_cast<Event>(event)).verdict != Verdict::kStepped) {
        continue;
      }
      if (coverage[state][event] != 0) {
        ++used;
        continue;
      }
      all = false;
      std::printf("never used: %s / %s\n", Name(static_cast<State>(state)),
                  Name(static_cast<Event>(event)));
    }
  }
  std::printf("%zu cells of the table that change something were used%s\n", used,
              all ? ", which is all of them" : "");
  return all;
}

int RunAll(uint32_t nodes) {
  Coverage coverage{};
  bool right = true;
  for (Variant variant : StandardVariants()) {
    variant.nodes = nodes;
    right = Check(variant, {}, nullptr, coverage) && right;
  }
  if (nodes >= 3) right = CheckCoverage(coverage) && right;
  return right ? 0 : 1;
}

// Every mutation must be found.
int RunMutations() {
  size_t survivors = 0;
  for (const Mutation& mutation : Mutations()) {
    uint32_t nodes = 0;
    const Exploration result = Hunt(mutation, &nodes);
    if (result.finding.has_value()) {
      std::printf("%-30s found with %u nodes: %s, after %zu steps\n", mutation.name, nodes,
                  Name(result.finding->property), result.trace_steps);
    } else {
      ++survivors;
      std::printf("%-30s NOT FOUND: %s\n", mutation.name, mutation.what);
    }
    std::fflush(stdout);
  }
  std::printf("%zu mutations, %zu not found\n", Mutations().size(), survivors);
  return survivors == 0 ? 0 : 1;
}

}  // namespace
}  // namespace farpage::model

int main(int argc, char** argv) {
  using namespace farpage::model;  // NOLINT(google-build-using-namespace)
  CLI::App app{"Visits every state of a small modelled cluster that runs the real protocol steps."};
  app.require_subcommand(1);
  CLI::App* all =
      app.add_subcommand("all", "the variants of the test suite, and that every cell is used");
  uint32_t nodes = 3;
  all->add_option("--nodes", nodes, "number of nodes; every cell is used with three or more")
      ->check(CLI::Range(1u, kMostNodes));
  app.add_subcommand("mutations", "deliberate errors, each of which must be found");
  app.add_subcommand("every-effect",
                     "drops each effect of each cell in turn, and lists those not missed");
  CLI::App* one = app.add_subcommand("one", "one variant, as given by the options");
  Variant variant{.name = "as given"};
  Limits limits;
  std::string home = "passive";
  std::string mutation;
  one->add_option("--nodes", variant.nodes, "number of nodes")->check(CLI::Range(1u, kMostNodes));
  one->add_option("--home", home, "where the page's home is")
      ->check(CLI::IsMember({"passive", "in-place", "copies"}));
  one->add_flag("--ahead", variant.ahead, "results may find that nobody waits");
  one->add_flag("--failures", variant.failures, "one node, or the home, may stop");
  one->add_flag("--direct", variant.direct, "pages are copied out of the home's memory");
  one->add_flag("--two-words", variant.two_words, "the sharer bits are in two words");
  one->add_flag("--fine", variant.fine, "others may act between two effects of a step");
  one->add_flag("!--no-evict", variant.evict, "no evictions");
  one->add_flag("!--no-hold", variant.hold, "no minimum hold, no pins");
  one->add_flag("!--no-completion", limits.check_completion,
                "do not check that every request can complete (saves memory)");
  one->add_option("--most-states", limits.most_states, "stop there");
  one->add_option("--mutation", mutation, "a deliberate error: see `mutations`");
  CLI11_PARSE(app, argc, argv);

  if (app.got_subcommand("all")) return RunAll(nodes);
  if (app.got_subcommand("mutations")) return RunMutations();
  if (app.got_subcommand("every-effect")) return RunEveryEffect();
  variant.home = home == "in-place" ? Home::kInPlace
                 : home == "copies" ? Home::kCopies
                                    : Home::kPassive;
  Coverage coverage{};
  const Mutation* chosen = mutation.empty() ? nullptr : &FindMutation(mutation.c_str());
  return Check(variant, limits, chosen, coverage) ? 0 : 1;
}

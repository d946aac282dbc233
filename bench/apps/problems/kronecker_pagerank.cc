#include "bench/apps/problems/kronecker_pagerank.h"

#include <CLI/CLI.hpp>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "bench/apps/frame/compare.h"

namespace farpage::apps {

void KroneckerPagerankProblem::AddOptions(CLI::App& app) {
  GraphProblem::AddOptions(app);
  app.add_option("--iterations", limits_.iterations, "most iterations")
      ->check(CLI::Range(1u, 1'000'000u))
      ->capture_default_str();
  app.add_option("--tolerance", limits_.tolerance,
                 "done when the ranks change by no more than this in sum")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
}

std::vector<Figure> KroneckerPagerankProblem::Figures(double seconds) const {
  std::vector<Figure> figures = GraphProblem::Figures(seconds);
  figures.push_back({"iterations_done", static_cast<double>(result.iterations)});
  figures.push_back({"edges_per_second", 2 * static_cast<double>(graph().edges()) *
                                             static_cast<double>(result.iterations) / seconds});
  return figures;
}

void KroneckerPagerankProblem::PreparePlain() {}

void KroneckerPagerankProblem::ComputePlain() { plain_ = PlainPageRank(graph().view(), limits_); }

absl::Status KroneckerPagerankProblem::Verify() {
  // Ranks add up to 1, and each is a sum of shares.
  constexpr double kAgree = 1e-12;
  PrintGraph();
  PrintTime("Trial Time", result.seconds);
  absl::Status compared = CompareNearly(result.ranks, plain_.ranks, kAgree);
  if (compared.ok() && result.iterations != plain_.changes.size()) {
    compared = absl::DataLossError(absl::StrCat("there were ", result.iterations,
                                                " iterations instead of ", plain_.changes.size()));
  }
  PrintLabel("Verification", compared.ok() ? "PASS" : "FAIL");
  return compared;
}

}  // namespace farpage::apps

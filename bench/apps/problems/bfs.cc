#include "bench/apps/problems/bfs.h"

#include <CLI/CLI.hpp>
#include <numeric>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace farpage::apps {

void BfsProblem::AddOptions(CLI::App& app) {
  GraphProblem::AddOptions(app);
  app.add_option("--trials", trials_, "searches, each from another vertex")
      ->check(CLI::Range(1u, 64u))
      ->capture_default_str();
}

std::vector<Figure> BfsProblem::Figures(double seconds) const {
  std::vector<Figure> figures = GraphProblem::Figures(seconds);
  figures.push_back({"trials", static_cast<double>(trials_)});
  figures.push_back({"traversed_edges_per_second", static_cast<double>(searched_edges_) / seconds});
  return figures;
}

std::vector<uint32_t> BfsProblem::Sources(const GraphView& graph) const {
  return ChooseSources(graph, trials_, 27491095);
}

void BfsProblem::PreparePlain() {
  plain_parents_.resize(vertices());
  for (std::vector<uint64_t>& frontier : plain_frontiers_) frontier.resize(WordsFor(vertices()));
}

void BfsProblem::ComputePlain() {
  const GraphView view = graph().view();
  for (const uint32_t source : Sources(view)) {
    SearchAll(view, source, plain_parents_, {Bits(plain_frontiers_[0]), Bits(plain_frontiers_[1])});
  }
}

absl::Status BfsProblem::Verify() {
  const GraphView view = graph().view();
  const std::vector<uint32_t> sources = Sources(view);
  if (sources.size() != trials_ || result.size() != trials_) {
    return absl::DataLossError("there is no result of each search");
  }
  PrintGraph();
  searched_edges_ = 0;
  for (size_t trial = 0; trial < trials_; ++trial) {
    PrintLabel("Source", absl::StrCat(sources[trial]));
    PrintTime("Trial Time", trial_seconds[trial]);
    SearchTree tree;
    const absl::Status checked = CheckSearch(view, sources[trial], result[trial], tree);
    PrintLabel("Verification", checked.ok() ? "PASS" : "FAIL");
    if (!checked.ok()) {
      return absl::DataLossError(absl::StrCat("search ", trial, ": ", checked.message()));
    }
    searched_edges_ += tree.edges;
  }
  PrintTime("Average Time",
            std::accumulate(trial_seconds.begin(), trial_seconds.end(), 0.0) / trials_);
  return absl::OkStatus();
}

}  // namespace farpage::apps

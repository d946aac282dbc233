#include "bench/apps/problems/graph_problem.h"

#include <CLI/CLI.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "bench/apps/frame/measurement.h"

namespace farpage::apps {

void GraphProblem::AddOptions(CLI::App& app) {
  app.add_option("--scale", parameters_.scale, "logarithm of the number of vertices")
      ->check(CLI::Range(1u, 26u))
      ->capture_default_str();
  app.add_option("--edge-factor", parameters_.edge_factor, "edges drawn for each vertex")
      ->check(CLI::Range(1u, 31u))
      ->capture_default_str();
  app.add_option("--seed", parameters_.seed, "of the graph")->capture_default_str();
}

std::vector<Figure> GraphProblem::Figures(double /*seconds*/) const {
  return {{"scale", static_cast<double>(parameters_.scale)},
          {"vertices", static_cast<double>(graph_.size())},
          {"edges", static_cast<double>(graph_.edges())},
          {"build_seconds", build_seconds_}};
}

void GraphProblem::Build() {
  const Stopwatch watch;
  graph_ = MakeKronecker(parameters_);
  build_seconds_ = watch.seconds();
}

void GraphProblem::PrintGraph() const {
  PrintTime("Build Time", build_seconds_);
  absl::PrintF("Graph has %d nodes and %d undirected edges for degree: %d\n", graph_.size(),
               graph_.edges(), graph_.neighbours.size() / graph_.size());
}

void GraphProblem::PrintTime(const std::string& what, double seconds) {
  absl::PrintF("%-21s%3.5f\n", absl::StrCat(what, ":"), seconds);
}

void GraphProblem::PrintLabel(const std::string& what, const std::string& value) {
  absl::PrintF("%-21s%7s\n", absl::StrCat(what, ":"), value);
}

}  // namespace farpage::apps

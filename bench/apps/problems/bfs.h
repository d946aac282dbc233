// Breadth-first searches of a Kronecker graph as a problem: see breadth_first.h.
#ifndef FARPAGE_BENCH_APPS_PROBLEMS_BFS_H_
#define FARPAGE_BENCH_APPS_PROBLEMS_BFS_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "bench/apps/problems/breadth_first.h"
#include "bench/apps/problems/graph_problem.h"

namespace farpage::apps {

class BfsProblem : public GraphProblem {
 public:
  std::string name() const override { return "bfs"; }
  std::string description() const override {
    return "Breadth-first searches of a Kronecker graph, as Graph500 and GAP do them.";
  }
  void AddOptions(CLI::App& app) override;
  std::vector<Figure> Figures(double seconds) const override;
  void PreparePlain() override;
  void ComputePlain() override;
  // Prints GAP's lines, and checks each search as Graph500 does.
  absl::Status Verify() override;

  uint32_t trials() const { return trials_; }
  // Of the trials. `graph` is this problem's, wherever it lies.
  std::vector<uint32_t> Sources(const GraphView& graph) const;

  // A version's, of its last repetition.
  std::vector<std::vector<uint32_t>> result;  // the parents of each trial
  std::vector<double> trial_seconds;

 private:
  uint32_t trials_ = 16;
  uint64_t searched_edges_ = 0;
  std::vector<uint32_t> plain_parents_;
  std::array<std::vector<uint64_t>, 2> plain_frontiers_;
};

}  // namespace farpage::apps

#endif  // FARPAGE_BENCH_APPS_PROBLEMS_BFS_H_

// A Kronecker graph as the input of a problem, and the lines that the GAP Benchmark Suite (Beamer,
// Asanović and Patterson, 2015) prints of what is done with it.
#ifndef FARPAGE_BENCH_APPS_PROBLEMS_GRAPH_PROBLEM_H_
#define FARPAGE_BENCH_APPS_PROBLEMS_GRAPH_PROBLEM_H_

#include <cstdint>
#include <string>
#include <vector>

#include "bench/apps/frame/problem.h"
#include "bench/apps/problems/kronecker.h"

namespace farpage::apps {

class GraphProblem : public Problem {
 public:
  void AddOptions(CLI::App& app) override;
  std::vector<Figure> Figures(double seconds) const override;

  // Node 0 draws and builds the graph; others do without.
  void Build();
  const Graph& graph() const { return graph_; }
  size_t vertices() const { return size_t{1} << parameters_.scale; }

 protected:
  // GAP's lines.
  void PrintGraph() const;
  static void PrintTime(const std::string& what, double seconds);
  static void PrintLabel(const std::string& what, const std::string& value);

 private:
  KroneckerParameters parameters_;
  Graph graph_;
  double build_seconds_ = 0;
};

}  // namespace farpage::apps

#endif  // FARPAGE_BENCH_APPS_PROBLEMS_GRAPH_PROBLEM_H_

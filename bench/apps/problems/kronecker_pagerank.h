// PageRank of a Kronecker graph as a problem: see page_rank.h.
#ifndef FARPAGE_BENCH_APPS_PROBLEMS_KRONECKER_PAGERANK_H_
#define FARPAGE_BENCH_APPS_PROBLEMS_KRONECKER_PAGERANK_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "bench/apps/page_rank.h"
#include "bench/apps/problems/graph_problem.h"

namespace farpage::apps {

class KroneckerPagerankProblem : public GraphProblem {
 public:
  std::string name() const override { return "kronecker_pagerank"; }
  std::string description() const override {
    return "PageRank of a Kronecker graph, as GAP computes it.";
  }
  void AddOptions(CLI::App& app) override;
  std::vector<Figure> Figures(double seconds) const override;
  void PreparePlain() override;
  void ComputePlain() override;
  // Prints GAP's lines. Ranks may differ by what the order of additions makes.
  absl::Status Verify() override;

  const Limits& limits() const { return limits_; }

  // A version's, of its last repetition.
  struct Result {
    std::vector<double> ranks;
    uint32_t iterations = 0;
    double seconds = 0;
  };
  Result result;

 private:
  Limits limits_{.iterations = 20, .tolerance = 1e-4};
  PlainResult plain_;
};

}  // namespace farpage::apps

#endif  // FARPAGE_BENCH_APPS_PROBLEMS_KRONECKER_PAGERANK_H_

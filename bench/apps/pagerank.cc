// PageRank over the dependencies of Debian packages, on any number of nodes that share memory.
//
//   apt-cache dumpavail > packages
//   farpage run -n 4 -- pagerank packages
//
// Node 0 reads the file and builds the graph in shared memory with plain stores. Then every node
// computes the ranks of its own range of packages, over and over, from what the others last wrote.
// The same functions (page_rank.h) run on shared and on private memory: they get ordinary pointers.
#include <farpage/farpage.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <numeric>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "bench/apps/package_graph.h"
#include "bench/apps/page_rank.h"
#include "bench/apps/result.h"
#include "bench/apps/shared_graph.h"

namespace farpage::apps {
namespace {

constexpr size_t kTop = 10;

using Clock = std::chrono::steady_clock;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// The graph is written once, by node 0, and then only read. At home on node 0 the stores move
// nothing; afterwards every node fetches the pages that it needs, once, and keeps them.
constexpr AllocateOptions kAtNode0 = {.placement = Placement::kOneHome, .home = 0};

std::optional<GraphView> ViewOf(const std::optional<PackageGraph>& graph) {
  if (!graph.has_value()) return std::nullopt;
  return GraphView{graph->first_dependent, graph->dependents, graph->dependency_count};
}

// The vertices whose doubles a node has at home when they are placed in blocks: whole pages, so
// that no two nodes write to one page and no store of a rank has to fetch anything.
Range OwnRange(size_t vertices, const Node& node) {
  const size_t per_page = kPageBytes / sizeof(double);
  const size_t pages = (vertices + per_page - 1) / per_page;
  const size_t per_node = (pages + node.size() - 1) / node.size() * per_page;
  return {std::min(vertices, node.id() * per_node), std::min(vertices, (node.id() + 1) * per_node)};
}

// Adds up what each node has, once per iteration.
//
// The terms are in an atomic array because they are no data but messages: each is written once and
// read once by everybody. In ordinary shared memory each would be a page that moves.
class Reduction {
 public:
  static absl::StatusOr<Reduction> Create(Node& node) {
    absl::StatusOr<AtomicArray<double>> terms =
        node.MakeAtomicArray<double>("terms of totals", node.size() * kTermsPerNode);
    if (!terms.ok()) return terms.status();
    return Reduction(node, *terms);
  }

  // Collective. Also the barrier of the iteration: all that any node wrote before is seen after it.
  // Every node adds in the same order and so gets the very same sums: all stop together.
  absl::StatusOr<Totals> Sum(const Totals& own) {
    // Two sets of terms in turn: a fast node may store its next before a slow one has read these,
    // but not the ones after that, for then there has been a barrier.
    const size_t set = round_++ % 2 * 2;
    terms_.store(node_->id() * kTermsPerNode + set, own.change);
    terms_.store(node_->id() * kTermsPerNode + set + 1, own.dangling);
    if (absl::Status met = node_->Barrier(); !met.ok()) return met;
    Totals sum;
    for (size_t of = 0; of < node_->size(); ++of) {
      sum += {.change = terms_.load(of * kTermsPerNode + set),
              .dangling = terms_.load(of * kTermsPerNode + set + 1)};
    }
    return sum;
  }

 private:
  static constexpr size_t kTermsPerNode = 4;  // dealt in blocks, so each node has its own at home

  Reduction(Node& node, AtomicArray<double> terms) : node_(&node), terms_(std::move(terms)) {}

  Node* node_;
  AtomicArray<double> terms_;
  size_t round_ = 0;
};

struct SharedResult {
  std::vector<double> ranks;  // on node 0
  std::vector<double> changes;
  double seconds = 0;
  Statistics statistics;
};

// Collective. The heart of this program.
absl::StatusOr<SharedResult> SharedPageRank(Node& node, const GraphView& graph,
                                            const Limits& limits) {
  // Placement in blocks is the default: what a node writes is at home there.
  //
  // Release consistency for the shares: their pages are written by one node and read by all others.
  // The barrier tells which were written, and who reads them next fetches them with one read of
  // their home. With sequential consistency, the default, the writer would have to wait until the
  // others have dropped their copies.
  //
  // The shares of this and of the next iteration are apart, so nobody reads what is being written
  // and one barrier for each iteration is enough. The ranks themselves nobody else reads before the
  // end: they never leave their home.
  std::span<double> shares[2];
  for (const size_t side : {0u, 1u}) {
    const auto allocated = node.Allocate<double>(absl::StrCat("shares ", side), graph.size(),
                                                 {.consistency = Consistency::kRelease});
    if (!allocated.ok()) return allocated.status();
    shares[side] = *allocated;
  }
  const auto ranks = node.Allocate<double>("ranks", graph.size());
  if (!ranks.ok()) return ranks.status();
  absl::StatusOr<Reduction> reduction = Reduction::Create(node);
  if (!reduction.ok()) return reduction.status();
  const absl::StatusOr<Statistics> before = node.ClusterStatistics();
  if (!before.ok()) return before.status();
  if (absl::Status met = node.Barrier(); !met.ok()) return met;

  SharedResult result;
  const auto start = Clock::now();
  const Range own = OwnRange(graph.size(), node);
  absl::StatusOr<Totals> totals = reduction->Sum(StartRanks(graph, own, *ranks, shares[0]));
  for (uint32_t iteration = 0; totals.ok() && iteration < limits.iterations; ++iteration) {
    const std::span<double> current = shares[iteration % 2];
    const std::span<double> next = shares[(iteration + 1) % 2];
    // Nearly all shares of the others will be read, but in no order that could be foreseen from
    // the faults. Asked for together, their pages come together. Only faster, never needed.
    const absl::Status asked = node.Prefetch(current.data(), current.size_bytes());
    if (!asked.ok()) return asked;
    totals = reduction->Sum(StepRanks(graph, own, *totals, current, *ranks, next));
    if (!totals.ok()) break;
    result.changes.push_back(totals->change);
    if (totals->change <= limits.tolerance) break;
  }
  if (!totals.ok()) return totals.status();
  result.seconds = SecondsSince(start);

  const absl::StatusOr<Statistics> after = node.ClusterStatistics();
  if (!after.ok()) return after.status();
  result.statistics = *after - *before;
  // The last sum was a barrier: what the others wrote into their ranges is what is read here.
  if (node.id() == 0) result.ranks.assign(ranks->begin(), ranks->end());
  return result;
}

double LargestDifference(std::span<const double> a, std::span<const double> b) {
  double largest = 0;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    const double difference = std::abs(a[i] - b[i]);
    if (std::isnan(difference)) return difference;
    largest = std::max(largest, difference);
  }
  return largest;
}

std::vector<RankedPackage> Top(const PackageGraph& graph, std::span<const double> ranks) {
  std::vector<uint32_t> best(graph.names.size());
  std::iota(best.begin(), best.end(), 0);
  const auto end = best.begin() + static_cast<std::ptrdiff_t>(std::min(kTop, best.size()));
  std::partial_sort(best.begin(), end, best.end(), [&](uint32_t a, uint32_t b) {
    return ranks[a] != ranks[b] ? ranks[a] > ranks[b] : graph.names[a] < graph.names[b];
  });
  std::vector<RankedPackage> top;
  for (auto package = best.begin(); package != end; ++package) {
    top.push_back({graph.names[*package], ranks[*package]});
  }
  return top;
}

struct Arguments {
  std::string file;
  std::string json;
  Limits limits;
};

// What node 0 does with the result: computes it again on private memory, compares, and reports.
int Conclude(const Arguments& arguments, const PackageGraph& graph, const SharedResult& shared,
             Result result) {
  const PlainResult plain = PlainPageRank(
      {graph.first_dependent, graph.dependents, graph.dependency_count}, arguments.limits);
  result.packages = graph.names.size();
  result.dependencies = graph.dependents.size();
  result.missing = graph.missing;
  result.tolerance = arguments.limits.tolerance;
  result.iterations = static_cast<uint32_t>(shared.changes.size());
  result.seconds = shared.seconds;
  result.statistics = shared.statistics;
  result.plain_seconds = plain.seconds;
  result.plain_iterations = static_cast<uint32_t>(plain.changes.size());
  result.rank_difference = LargestDifference(shared.ranks, plain.ranks);
  result.change_difference = LargestDifference(shared.changes, plain.changes);
  result.top = Top(graph, shared.ranks);

  absl::PrintF(
      "%d packages, %d dependencies, %d iterations on %d nodes: %.1f ms (plain: %.1f ms); "
      "first %s %.6f; largest difference from plain %.1e\n",
      result.packages, result.dependencies, result.iterations, result.nodes, result.seconds * 1e3,
      result.plain_seconds * 1e3, result.top[0].name, result.top[0].rank, result.rank_difference);
  if (!arguments.json.empty()) {
    std::ofstream file(arguments.json);
    file << ToJson(result) << std::endl;
    if (!file) {
      absl::FPrintF(stderr, "pagerank: cannot write %s\n", arguments.json);
      return 1;
    }
  }
  if (result.agrees()) return 0;
  absl::FPrintF(stderr,
                "pagerank: the result differs from that of private memory: a rank by %.3e, the "
                "change of an iteration by %.3e, %d iterations instead of %d\n",
                result.rank_difference, result.change_difference, result.iterations,
                result.plain_iterations);
  return 1;
}

int Run(const Arguments& arguments) {
  std::optional<PackageGraph> graph;  // node 0's
  SharedResult shared;
  Result result;
  {
    absl::StatusOr<Node> node = Node::Join();
    if (!node.ok()) {
      absl::FPrintF(stderr, "pagerank: %s\n", node.status().ToString());
      return 1;
    }
    const auto start = Clock::now();
    bool readable = true;
    if (node->id() == 0) {
      absl::StatusOr<PackageGraph> read = ReadPackages(arguments.file);
      readable = read.ok();
      if (readable) {
        graph = *std::move(read);
      } else {
        absl::FPrintF(stderr, "pagerank: %s\n", read.status().message());
      }
    }
    // Also if there is none: the others wait to hear of it.
    const absl::StatusOr<SharedGraph> shared_graph = ShareGraph(*node, ViewOf(graph), kAtNode0);
    if (absl::IsAborted(shared_graph.status())) return 1;  // node 0 has said why
    result.nodes = node->size();
    result.load_seconds = SecondsSince(start);
    absl::StatusOr<SharedResult> computed =
        shared_graph.ok() ? SharedPageRank(*node, shared_graph->view(), arguments.limits)
                          : shared_graph.status();
    if (!computed.ok()) {
      absl::FPrintF(stderr, "pagerank: node %d: %s\n", node->id(), computed.status().ToString());
      return 1;
    }
    shared = *std::move(computed);
  }  // Leaves the cluster: the plain run has the machine to itself.
  return graph.has_value() ? Conclude(arguments, *graph, shared, result) : 0;
}

int Main(int argc, char** argv) {
  Arguments arguments;
  CLI::App app("PageRank over the dependencies of Debian packages, in shared memory.", "pagerank");
  app.add_option("FILE", arguments.file,
                 "Debian control data: what apt-cache dumpavail prints, or /var/lib/dpkg/status")
      ->required();
  app.add_option("--iterations", arguments.limits.iterations, "most iterations")
      ->check(CLI::Range(1u, 1'000'000u))
      ->capture_default_str();
  app.add_option("--tolerance", arguments.limits.tolerance,
                 "done when the ranks change by no more than this in sum")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  app.add_option("--json", arguments.json, "write the result and what it cost into this file");
  app.footer(
      "\nExit status: 0 if the result equals that of a computation on private memory, else 1; 2 "
      "for "
      "wrong usage.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  try {
    return Run(arguments);
  } catch (const std::system_error& error) {  // an atomic array whose home has died
    absl::FPrintF(stderr, "pagerank: %s\n", error.what());
    return 1;
  }
}

}  // namespace
}  // namespace farpage::apps

int main(int argc, char** argv) { return farpage::apps::Main(argc, argv); }

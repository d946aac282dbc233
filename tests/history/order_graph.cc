#include "tests/history/order_graph.h"

#include <algorithm>
#include <array>
#include <deque>

namespace farpage::history {
namespace {

uint32_t CostOf(const std::vector<Edge>& cycle) {
  return static_cast<uint32_t>(std::count_if(cycle.begin(), cycle.end(), [](const Edge& edge) {
    return edge.relation != Relation::kProgramOrder;
  }));
}

// One edge for each stretch of program order.
std::vector<Edge> Contract(std::vector<Edge> cycle) {
  const auto other = std::find_if(cycle.begin(), cycle.end(), [](const Edge& edge) {
    return edge.relation != Relation::kProgramOrder;
  });
  if (other != cycle.end()) std::rotate(cycle.begin(), other, cycle.end());
  std::vector<Edge> contracted;
  for (const Edge& edge : cycle) {
    if (edge.relation == Relation::kProgramOrder && !contracted.empty() &&
        contracted.back().relation == Relation::kProgramOrder) {
      contracted.back().to = edge.to;
    } else {
      contracted.push_back(edge);
    }
  }
  return contracted;
}

}  // namespace

const char* Name(Relation relation) {
  static constexpr std::array<const char*, 4> kNames = {"program order", "reads from", "coherence",
                                                        "from read"};
  return kNames[static_cast<size_t>(relation)];
}

OrderGraph::OrderGraph(uint32_t nodes, std::span<const Edge> edges)
    : begin_(nodes + 1, 0), edges_(edges.size()) {
  for (const Edge& edge : edges) ++begin_[edge.from + 1];
  for (uint32_t node = 0; node < nodes; ++node) begin_[node + 1] += begin_[node];
  std::vector<uint32_t> next(begin_.begin(), begin_.end() - 1);
  for (const Edge& edge : edges) edges_[next[edge.from]++] = edge;
}

// Kahn's algorithm; the queue is the order itself.
std::vector<uint32_t> OrderGraph::Sort() const {
  std::vector<uint32_t> before(nodes(), 0);
  for (const Edge& edge : edges_) ++before[edge.to];
  std::vector<uint32_t> order;
  order.reserve(nodes());
  for (uint32_t node = 0; node < nodes(); ++node) {
    if (before[node] == 0) order.push_back(node);
  }
  for (size_t place = 0; place < order.size(); ++place) {
    for (const Edge& edge : EdgesFrom(order[place])) {
      if (--before[edge.to] == 0) order.push_back(edge.to);
    }
  }
  return order;
}

// Nodes that are neither only before nor only behind the cycles.
std::vector<bool> OrderGraph::OnCycles() const {
  std::vector<bool> left(nodes(), true);
  for (uint32_t node : Sort()) left[node] = false;
  std::vector<uint32_t> after(nodes(), 0);
  std::vector<std::vector<uint32_t>> origins(nodes());
  for (const Edge& edge : edges_) {
    if (!left[edge.from] || !left[edge.to]) continue;
    ++after[edge.from];
    origins[edge.to].push_back(edge.from);
  }
  std::vector<uint32_t> ends;
  for (uint32_t node = 0; node < nodes(); ++node) {
    if (left[node] && after[node] == 0) ends.push_back(node);
  }
  while (!ends.empty()) {
    const uint32_t node = ends.back();
    ends.pop_back();
    left[node] = false;
    for (uint32_t origin : origins[node]) {
      if (--after[origin] == 0) ends.push_back(origin);
    }
  }
  return left;
}

// Breadth first; program order costs nothing.
std::vector<Edge> OrderGraph::CycleThrough(uint32_t start,
                                           const std::vector<bool>& on_cycles) const {
  constexpr uint32_t kUnseen = 0xFFFFFFFF;
  std::vector<uint32_t> cost(nodes(), kUnseen);
  std::vector<Edge> arrival(nodes());
  std::vector<bool> done(nodes(), false);
  std::deque<uint32_t> queue{start};
  uint32_t start_cost = kUnseen;  // of coming back
  Edge back;
  cost[start] = 0;
  while (!queue.empty()) {
    const uint32_t node = queue.front();
    queue.pop_front();
    if (done[node]) continue;
    done[node] = true;
    if (cost[node] >= start_cost) break;
    for (const Edge& edge : EdgesFrom(node)) {
      if (!on_cycles[edge.to]) continue;
      const bool free = edge.relation == Relation::kProgramOrder;
      const uint32_t through = cost[node] + (free ? 0 : 1);
      if (edge.to == start) {
        if (through < start_cost) {
          start_cost = through;
          back = edge;
        }
        continue;
      }
      if (through >= cost[edge.to]) continue;
      cost[edge.to] = through;
      arrival[edge.to] = edge;
      free ? queue.push_front(edge.to) : queue.push_back(edge.to);
    }
  }
  if (start_cost == kUnseen) return {};
  std::vector<Edge> cycle{back};
  for (uint32_t node = back.from; node != start; node = arrival[node].from) {
    cycle.push_back(arrival[node]);
  }
  std::reverse(cycle.begin(), cycle.end());
  return cycle;
}

std::vector<Edge> OrderGraph::ShortCycle() const {
  constexpr size_t kMostStarts = 32;
  const std::vector<bool> on_cycles = OnCycles();
  std::vector<uint32_t> candidates;
  for (uint32_t node = 0; node < nodes(); ++node) {
    if (on_cycles[node]) candidates.push_back(node);
  }
  std::vector<Edge> best;
  const size_t stride = std::max<size_t>(candidates.size() / kMostStarts, 1);
  for (size_t place = 0; place < candidates.size(); place += stride) {
    std::vector<Edge> cycle = CycleThrough(candidates[place], on_cycles);
    if (!cycle.empty() && (best.empty() || CostOf(cycle) < CostOf(best))) best = std::move(cycle);
  }
  return Contract(std::move(best));
}

}  // namespace farpage::history

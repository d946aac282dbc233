#include "tests/history/write_order.h"

#include <algorithm>
#include <iterator>

namespace farpage::history {
namespace {

constexpr uint32_t kNone = WriteIndex::kNobody;

// For each node and thread: how many of the thread's operations come before the node or are it.
class Pasts {
 public:
  Pasts(const History& history, const OrderGraph& graph, const std::vector<uint32_t>& order)
      : threads_(history.threads()), known_(graph.nodes() * threads_, 0) {
    for (uint32_t node : order) {
      if (node < history.size()) {
        const uint32_t thread = history.ThreadOf(node);
        At(node, thread) = node - history.ThreadBegin(thread) + 1;
      }
      for (const Edge& edge : graph.EdgesFrom(node)) {
        for (uint32_t thread = 0; thread < threads_; ++thread) {
          At(edge.to, thread) = std::max(At(edge.to, thread), At(node, thread));
        }
      }
    }
  }
  uint32_t Of(uint32_t node, uint32_t thread) const { return known_[node * threads_ + thread]; }

 private:
  uint32_t& At(uint32_t node, uint32_t thread) { return known_[node * threads_ + thread]; }

  const size_t threads_;
  std::vector<uint32_t> known_;
};

}  // namespace

WriteOrder::WriteOrder(const History& history, const WriteIndex& index)
    : history_(history), index_(index), sources_(history.size(), kNone) {
  own_writes_.resize(static_cast<size_t>(history.threads()) * history.locations());
  for (uint32_t thread = 0; thread < history.threads(); ++thread) {
    for (uint32_t number = history.ThreadBegin(thread); number < history.ThreadBegin(thread + 1);
         ++number) {
      const Operation& operation = history[number];
      if (operation.writes()) {
        own_writes_[static_cast<size_t>(thread) * history.locations() + operation.location]
            .push_back(number);
      }
      if (operation.kind == Kind::kWrite) continue;
      const bool read = operation.kind == Kind::kRead;
      sources_[number] = WriteOf(operation.location, read ? operation.value : operation.replaced);
    }
  }
  LearnFromThreads();
  CountOpenLocations();
}

uint32_t WriteOrder::WriteOf(uint32_t location, uint64_t value) const {
  return value == kInitialValue ? InitialOf(location) : index_.Find(location, value);
}

// Whoever sees one value and then another.
void WriteOrder::LearnFromThreads() {
  std::vector<Pair> found;
  std::vector<uint32_t> last(history_.locations());
  for (uint32_t thread = 0; thread < history_.threads(); ++thread) {
    for (uint32_t location = 0; location < history_.locations(); ++location) {
      last[location] = InitialOf(location);
    }
    const auto sees = [&](uint32_t location, uint32_t write) {
      if (last[location] != write) found.emplace_back(last[location], write);
      last[location] = write;
    };
    for (uint32_t number = history_.ThreadBegin(thread); number < history_.ThreadBegin(thread + 1);
         ++number) {
      const Operation& operation = history_[number];
      if (sources_[number] != kNone) sees(operation.location, sources_[number]);
      if (operation.writes()) sees(operation.location, number);
    }
  }
  LearnFromExchanges(found);
  Learn(std::move(found));
}

// Nothing comes between an exchange and what it replaced: what is after the one is after the other.
void WriteOrder::LearnFromExchanges(std::vector<Pair>& found) const {
  std::vector<uint32_t> next(nodes(), kNone);  // the exchange that replaced a write
  for (uint32_t number = 0; number < history_.size(); ++number) {
    if (history_[number].kind == Kind::kExchange) next[sources_[number]] = number;
  }
  const size_t count = found.size();
  for (size_t place = 0; place < count; ++place) {
    const auto [before, after] = found[place];
    if (next[before] != kNone && next[before] != after) found.emplace_back(next[before], after);
    const bool exchanged = after < history_.size() && history_[after].kind == Kind::kExchange;
    if (exchanged && sources_[after] != before) found.emplace_back(before, sources_[after]);
  }
}

// One writer, or nothing but exchanges: then the order is known from the start.
void WriteOrder::CountOpenLocations() {
  open_.assign(history_.locations(), false);
  for (uint32_t location = 0; location < history_.locations(); ++location) {
    uint32_t writers = 0;
    for (uint32_t thread = 0; thread < history_.threads(); ++thread) {
      writers +=
          !own_writes_[static_cast<size_t>(thread) * history_.locations() + location].empty();
    }
    const std::span<const uint32_t> writes = index_.WritesTo(location);
    const bool exchanged = std::all_of(writes.begin(), writes.end(), [this](uint32_t number) {
      return history_[number].kind == Kind::kExchange;
    });
    open_[location] = writers > 1 && !exchanged;
    open_locations_ += open_[location];
  }
}

bool WriteOrder::Learn(std::vector<Pair> found) {
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  std::vector<Pair> all;
  std::set_union(pairs_.begin(), pairs_.end(), found.begin(), found.end(), std::back_inserter(all));
  const bool news = all.size() > pairs_.size();
  pairs_ = std::move(all);
  return news;
}

std::vector<Edge> WriteOrder::EdgesOf(const std::vector<Pair>& pairs) const {
  std::vector<Edge> edges;
  edges.reserve(3 * static_cast<size_t>(history_.size()));
  for (uint32_t thread = 0; thread < history_.threads(); ++thread) {
    for (uint32_t number = history_.ThreadBegin(thread) + 1;
         number < history_.ThreadBegin(thread + 1); ++number) {
      edges.push_back({number - 1, number, Relation::kProgramOrder});
    }
  }
  for (const auto& [before, after] : pairs) edges.push_back({before, after, Relation::kCoherence});
  for (uint32_t number = 0; number < history_.size(); ++number) {
    if (sources_[number] == kNone) continue;
    edges.push_back({sources_[number], number, Relation::kReadsFrom});
    auto after = std::lower_bound(pairs.begin(), pairs.end(), Pair{sources_[number], 0});
    for (; after != pairs.end() && after->first == sources_[number]; ++after) {
      if (after->second != number) edges.push_back({number, after->second, Relation::kFromRead});
    }
  }
  return edges;
}

std::vector<Edge> WriteOrder::EdgesWith(const std::vector<std::vector<uint32_t>>& orders) const {
  std::vector<Pair> pairs = pairs_;
  for (uint32_t location = 0; location < history_.locations(); ++location) {
    if (!open_[location]) continue;
    uint32_t last = InitialOf(location);
    for (uint32_t write : orders[location]) pairs.emplace_back(std::exchange(last, write), write);
  }
  std::sort(pairs.begin(), pairs.end());
  pairs.erase(std::unique(pairs.begin(), pairs.end()), pairs.end());
  return EdgesOf(pairs);
}

std::vector<std::vector<uint32_t>> WriteOrder::OrdersFrom(
    const std::vector<uint32_t>& order) const {
  std::vector<std::vector<uint32_t>> orders(history_.locations());
  for (uint32_t node : order) {
    if (node < history_.size() && history_[node].writes()) {
      orders[history_[node].location].push_back(node);
    }
  }
  return orders;
}

// A write that comes before a read of another write came before that one; a write that comes before
// a write did so too.
bool WriteOrder::Infer(const OrderGraph& graph, const std::vector<uint32_t>& order) {
  const Pasts pasts(history_, graph, order);
  std::vector<Pair> found;
  for (uint32_t number = 0; number < history_.size(); ++number) {
    const uint32_t location = history_[number].location;
    if (!open_[location]) continue;
    const uint32_t after = history_[number].writes() ? number : sources_[number];
    const uint32_t self = history_.ThreadOf(number);
    for (uint32_t thread = 0; thread < history_.threads(); ++thread) {
      if (thread == self) continue;
      const uint32_t end = history_.ThreadBegin(thread) + pasts.Of(number, thread);
      const std::vector<uint32_t>& writes =
          own_writes_[static_cast<size_t>(thread) * history_.locations() + location];
      const auto behind = std::lower_bound(writes.begin(), writes.end(), end);
      if (behind == writes.begin()) continue;
      const uint32_t before = *std::prev(behind);
      const bool known =
          after != number && before < history_.ThreadBegin(thread) + pasts.Of(after, thread);
      if (before != after && !known) found.emplace_back(before, after);
    }
  }
  LearnFromExchanges(found);
  return Learn(std::move(found));
}

}  // namespace farpage::history

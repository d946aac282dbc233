#include "tests/history/linearizability.h"

#include <algorithm>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace farpage::history {
namespace {

constexpr uint32_t kNone = WriteIndex::kNobody;
constexpr int64_t kBeforeAll = std::numeric_limits<int64_t>::min();

// The operations on one value: what of them matters. Before the first write lies the cluster of the
// initial value, whose write was before everything.
struct Cluster {
  uint32_t write = kNone;
  int64_t first_response = kNever;
  uint32_t first_responder = kNone;  // none: the initial value's write
  int64_t last_invocation = kBeforeAll;
  uint32_t last_invoked = kNone;
  uint32_t next = kNone;  // of the chain that exchanges make
  bool chained = false;   // has one before it

  void Add(const Operation& operation, uint32_t number) {
    if (operation.responded_ns < first_response) {
      first_response = operation.responded_ns;
      first_responder = number;
    }
    if (operation.invoked_ns > last_invocation) {
      last_invocation = operation.invoked_ns;
      last_invoked = number;
    }
  }
  void Add(const Cluster& other) {
    if (other.first_response < first_response) {
      first_response = other.first_response;
      first_responder = other.first_responder;
    }
    if (other.last_invocation > last_invocation) {
      last_invocation = other.last_invocation;
      last_invoked = other.last_invoked;
    }
  }
  bool MustPrecede(const Cluster& other) const { return first_response < other.last_invocation; }
};

class LocationChecker {
 public:
  LocationChecker(const History& history, const WriteIndex& index, uint32_t location)
      : history_(history), writes_(index.WritesTo(location)), index_(index), location_(location) {}

  bool Check(std::span<const uint32_t> operations) {
    return MakeClusters(operations) && MakeChains() && Compare();
  }
  const std::string& violation() const { return violation_; }
  size_t clusters() const { return clusters_.size(); }

  std::vector<uint32_t> WriteOrder() const {
    std::vector<uint32_t> order;
    for (const std::vector<uint32_t>& chain : chains_) {
      for (uint32_t cluster : chain) {
        if (clusters_[cluster].write != kNone) order.push_back(clusters_[cluster].write);
      }
    }
    return order;
  }

 private:
  bool Violated(const std::string& what) {
    violation_ = absl::StrCat("x", location_, " is not linearizable: ", what);
    return false;
  }
  std::string Name(uint32_t number) const {
    return number == kNone ? "the initial value" : history_.Name(number);
  }

  // The cluster of a value: 0 for the initial one, then as in the index. kNone: nobody wrote it.
  uint32_t ClusterOf(uint64_t value) const {
    if (value == kInitialValue) return 0;
    const uint32_t place = index_.PlaceOf(location_, value);
    return place == kNone ? kNone : place + 1;
  }

  bool MakeClusters(std::span<const uint32_t> operations) {
    clusters_.assign(writes_.size() + 1, {});
    clusters_[0].first_response = kBeforeAll;
    for (uint32_t number : operations) {
      const Operation& operation = history_[number];
      const uint32_t cluster = ClusterOf(operation.value);
      if (cluster == kNone) return Violated("nobody wrote this: " + Name(number));
      if (operation.writes()) {
        clusters_[cluster].write = number;
      } else if (cluster != 0) {
        const uint32_t write = writes_[cluster - 1];
        if (operation.Precedes(history_[write])) {
          return Violated(absl::StrCat(Name(number), ", but only later ", Name(write)));
        }
      }
      clusters_[cluster].Add(operation, number);
    }
    return true;
  }

  // Exchanges: the cluster of what was replaced is followed at once by that of the new value.
  bool MakeChains() {
    for (uint32_t cluster = 1; cluster < clusters_.size(); ++cluster) {
      const uint32_t write = clusters_[cluster].write;
      if (history_[write].kind != Kind::kExchange) continue;
      const uint32_t replaced = ClusterOf(history_[write].replaced);
      if (replaced == kNone) return Violated("nobody wrote what was replaced: " + Name(write));
      if (clusters_[replaced].next != kNone) {
        return Violated(absl::StrCat("one value was replaced twice: ", Name(write), "; ",
                                     Name(clusters_[clusters_[replaced].next].write)));
      }
      clusters_[replaced].next = cluster;
      clusters_[cluster].chained = true;
    }
    size_t placed = 0;
    for (uint32_t head = 0; head < clusters_.size(); ++head) {
      if (clusters_[head].chained) continue;
      std::vector<uint32_t>& chain = chains_.emplace_back();
      Cluster& whole = zones_.emplace_back(clusters_[head]);
      for (uint32_t cluster = head; cluster != kNone; cluster = clusters_[cluster].next) {
        if (cluster != head && clusters_[cluster].MustPrecede(whole)) {
          return Violated(Conflict(clusters_[cluster], whole) + "; but exchanges say otherwise");
        }
        whole.Add(clusters_[cluster]);
        chain.push_back(cluster);
      }
      placed += chain.size();
    }
    if (placed != clusters_.size()) return Violated("exchanges replaced each other in a circle");
    return true;
  }

  std::string Conflict(const Cluster& first, const Cluster& second) const {
    return absl::StrCat(Name(first.first_responder), ", before ", Name(second.last_invoked));
  }

  // No two zones may each have to go first. Sorted by first response, only the latest invocation of
  // those before can stand against a zone: of all of them, or of those it must not precede alone.
  bool Compare() {
    std::vector<uint32_t> order(zones_.size());
    std::iota(order.begin(), order.end(), 0u);
    std::sort(order.begin(), order.end(), [this](uint32_t a, uint32_t b) {
      return zones_[a].first_response < zones_[b].first_response;
    });
    std::vector<uint32_t> latest(order.size());  // of the zones up to here
    for (size_t place = 0; place < order.size(); ++place) {
      latest[place] = order[place];
      if (place > 0 &&
          zones_[latest[place - 1]].last_invocation > zones_[order[place]].last_invocation) {
        latest[place] = latest[place - 1];
      }
      const Cluster& zone = zones_[order[place]];
      const auto end =
          std::partition_point(order.begin(), order.begin() + static_cast<ptrdiff_t>(place),
                               [&](uint32_t other) { return zones_[other].MustPrecede(zone); });
      if (end == order.begin()) continue;
      const Cluster& other = zones_[latest[static_cast<size_t>(end - order.begin()) - 1]];
      if (zone.MustPrecede(other)) {
        return Violated(absl::StrCat(Conflict(other, zone), "; and ", Conflict(zone, other)));
      }
    }
    SortChains();
    return true;
  }

  // Where first responses and last invocations contradict nobody, their sums sort the zones.
  void SortChains() {
    std::vector<uint32_t> order(zones_.size());
    std::iota(order.begin(), order.end(), 0u);
    const auto key = [this](uint32_t zone) {
      return static_cast<long double>(zones_[zone].first_response) +
             static_cast<long double>(zones_[zone].last_invocation);
    };
    std::stable_sort(order.begin(), order.end(),
                     [&](uint32_t a, uint32_t b) { return key(a) < key(b); });
    std::vector<std::vector<uint32_t>> sorted;
    sorted.reserve(order.size());
    for (uint32_t zone : order) sorted.push_back(std::move(chains_[zone]));
    chains_ = std::move(sorted);
  }

  const History& history_;
  const std::span<const uint32_t> writes_;
  const WriteIndex& index_;
  const uint32_t location_;
  std::vector<Cluster> clusters_;
  std::vector<std::vector<uint32_t>> chains_;  // clusters that follow each other at once
  std::vector<Cluster> zones_;                 // what each chain is to the others
  std::string violation_;
};

}  // namespace

LinearizabilityReport CheckLinearizability(const History& history) {
  LinearizabilityReport report;
  const WriteIndex index(history);
  std::vector<std::vector<uint32_t>> by_location(history.locations());
  for (uint32_t number = 0; number < history.size(); ++number) {
    by_location[history[number].location].push_back(number);
  }
  report.write_orders.resize(history.locations());
  for (uint32_t location = 0; location < history.locations(); ++location) {
    LocationChecker checker(history, index, location);
    report.linearizable = checker.Check(by_location[location]);
    report.clusters += checker.clusters();
    if (!report.linearizable) {
      report.violation = checker.violation();
      report.write_orders.clear();
      return report;
    }
    report.write_orders[location] = checker.WriteOrder();
  }
  return report;
}

}  // namespace farpage::history

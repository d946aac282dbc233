#include "bench/scale/cases.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <memory>

#include "directory/entry.h"
#include "runtime/fatal.h"

namespace farpage::bench::scale {

using internal::kPageBytes;
using simulation::ClusterOptions;
using simulation::SimulatedCluster;
using simulation::SimulatedNode;

namespace {

constexpr uint32_t kHome = 0;
constexpr uint32_t kFirstUpgrade = 4;  // the place of its pages, behind those of the misses
constexpr uint32_t kPlaces = 32;
constexpr int64_t kQuietNs = 50'000'000;  // until nothing is on its way any more

// All nodes that rush for a lock take some n² / 2 compare-and-swaps: more than this many nodes are
// the greater part of a run.
constexpr uint32_t kMostTogether = 128;

std::vector<uint32_t> SharerCounts(uint32_t most) {
  std::vector<uint32_t> counts = {0};
  for (uint32_t count = 1; count < most; count *= 2) {
    counts.push_back(count);
    if (count == 2 && most > 3) counts.push_back(3);  // as Soft-RoCE is measured
  }
  if (most > 0) counts.push_back(most);
  return counts;
}

void MustLock(const absl::Status& status) {
  if (!status.ok()) internal::Fatal("lock: %s", status.ToString().c_str());
}

// Runs one cluster through all operations. Nodes take turns by virtual time: a barrier would leave
// messages of its own in the counts.
class Run {
 public:
  Run(SimulatedCluster& cluster, uint32_t in_a_row, std::vector<Result>& results)
      : cluster_(cluster), in_a_row_(in_a_row), results_(results) {}

  void Body(SimulatedNode& node);

 private:
  using Turn = std::function<void(uint32_t turn)>;

  bool Measures(const SimulatedNode& node) const { return node.id().value() + 1u == node.size(); }
  // The pages of the operations are apart, so that each is done for the first time.
  uint64_t At(uint64_t place, uint64_t turn) const {
    return base_ + (place * in_a_row_ + turn) * kPageBytes;
  }
  Statistics Total() const;
  void Meet(SimulatedNode& node);
  Result& Time(SimulatedNode& node, const std::string& name, uint32_t turns, const Turn& turn);
  void Count(Result& result, const Statistics& since, uint32_t operations = 1);
  uint64_t PostedSince(int64_t begin_ns) const;
  void Misses(SimulatedNode& node);
  void Upgrades(SimulatedNode& node);
  void Barriers(SimulatedNode& node);
  void Locks(SimulatedNode& node, internal::QueueLock& lock);
  void HandOvers(SimulatedNode& node, internal::QueueLock& lock, const std::string& name,
                 int64_t apart_ns);

  SimulatedCluster& cluster_;
  const uint32_t in_a_row_;
  std::vector<Result>& results_;
  uint64_t base_ = 0;
  uint32_t arrived_ = 0;
  uint64_t round_ = 0;
  int64_t begin_ns_ = 0;
  int64_t end_ns_ = 0;
  Statistics before_;
  uint64_t before_round_ = UINT64_MAX;  // that before_ is of: the first node to come counts
};

Statistics Run::Total() const {
  Statistics total;
  for (uint32_t id = 0; id < cluster_.size(); ++id) {
    total += cluster_.node(NodeId(id)).statistics();
  }
  return total;
}

// Known to the simulation alone: costs no message.
void Run::Meet(SimulatedNode& node) {
  const uint64_t round = round_;
  if (++arrived_ == cluster_.size()) {
    arrived_ = 0;
    ++round_;
    cluster_.scheduler().WakeAll(&round_, kQuietNs);
    node.Work(kQuietNs);
    return;
  }
  while (round_ == round) cluster_.scheduler().Wait(&round_, INT64_MAX);
}

void Run::Count(Result& result, const Statistics& since, uint32_t operations) {
  const Statistics spent = Total() - since;
  const auto add = [&](const char* name, Counter counter) {
    result.counts.emplace_back(name, static_cast<double>(spent[counter]) / operations);
  };
  add("messages", Counter::messages_sent);
  add("miss_chains", Counter::miss_chains);
  add("invalidations", Counter::invalidations_sent);
  add("invalidations_received", Counter::invalidations_received);
  add("messages_received", Counter::messages_received);
  add("fabric_atomics", Counter::fabric_atomics);
  add("wakeups", Counter::agent_wakeups);
  add("sleeps", Counter::sleeps);
}

// Chains of all nodes. The trace keeps as many events as a barrier of 1,024 nodes has.
uint64_t Run::PostedSince(int64_t begin_ns) const {
  uint64_t posted = 0;
  cluster_.trace().ForEach([&](const transport::sim::TraceEvent& event) {
    if (event.kind == transport::sim::kTracePost && event.when_ns >= begin_ns) ++posted;
  });
  return posted;
}

Result& Run::Time(SimulatedNode& node, const std::string& name, uint32_t turns, const Turn& turn) {
  const Statistics before = Total();
  const int64_t begin = cluster_.now_ns();
  std::vector<int64_t> times;
  for (uint32_t index = 0; index < turns; ++index) {
    const int64_t turn_begin = cluster_.now_ns();
    turn(index);
    times.push_back(cluster_.now_ns() - turn_begin);
  }
  std::ranges::nth_element(times, times.begin() + times.size() / 2);
  Result result{.name = name, .nodes = cluster_.size(), .counts = {}};
  result.virtual_ns = times[times.size() / 2];
  node.Work(kQuietNs);  // what the operations left behind is counted too
  Count(result, before, turns);
  result.counts.emplace_back("chains", static_cast<double>(PostedSince(begin)) / turns);
  results_.push_back(std::move(result));
  return results_.back();
}

void Run::Misses(SimulatedNode& node) {
  if (Measures(node)) {
    Time(node, "read_miss", in_a_row_, [&](uint32_t turn) { node.Read(At(0, turn)); });
    Time(node, "write_miss", in_a_row_, [&](uint32_t turn) { node.Write(At(1, turn), 1); });
  }
  Meet(node);
  // A page with a holder that is neither its home nor who asks, where there are so many nodes.
  const uint32_t holder = cluster_.size() > 2 ? 1 : kHome;
  for (uint32_t turn = 0; turn < in_a_row_ && node.id().value() == holder; ++turn) {
    node.Write(At(2, turn), 1);
  }
  Meet(node);
  if (Measures(node)) {
    Time(node, "fetch", in_a_row_, [&](uint32_t turn) { node.Read(At(2, turn)); });
  }
  Meet(node);
}

void Run::Upgrades(SimulatedNode& node) {
  const std::vector<uint32_t> counts = SharerCounts(cluster_.size() - 1);
  for (size_t index = 0; index < counts.size(); ++index) {
    // Sharers are nodes 1 …, and the home last.
    const uint32_t id = node.id().value();
    const uint32_t place = id == kHome ? cluster_.size() - 2 : id - 1;
    for (uint32_t turn = 0; turn < in_a_row_; ++turn) {
      if (Measures(node) || place < counts[index]) node.Read(At(kFirstUpgrade + index, turn));
    }
    Meet(node);
    if (Measures(node)) {
      const auto upgrade = [&](uint32_t turn) { node.Write(At(kFirstUpgrade + index, turn), 1); };
      Time(node, "upgrade", in_a_row_, upgrade).sharers = counts[index];
    }
    Meet(node);
  }
}

void Run::Barriers(SimulatedNode& node) {
  static_cast<void>(node.Barrier());  // makes the queue pairs
  Meet(node);
  if (begin_ns_ == 0) {
    begin_ns_ = cluster_.now_ns();
    before_ = Total();
  }
  const absl::Status passed = node.Barrier();
  if (!passed.ok()) internal::Fatal("barrier: %s", passed.ToString().c_str());
  end_ns_ = std::max(end_ns_, cluster_.now_ns());
  Meet(node);
  if (Measures(node)) {
    Result result{.name = "barrier", .nodes = cluster_.size(), .counts = {}};
    result.virtual_ns = end_ns_ - begin_ns_;
    Count(result, before_);
    const uint64_t signals = PostedSince(begin_ns_);
    result.counts.emplace_back("rounds", static_cast<double>(signals) / cluster_.size());
    results_.push_back(std::move(result));
    begin_ns_ = end_ns_ = 0;
  }
  Meet(node);
}

void Run::Locks(SimulatedNode& node, internal::QueueLock& lock) {
  if (Measures(node)) {
    Time(node, "lock_free", 1, [&](uint32_t /*turn*/) {
      MustLock(lock.Lock());
      MustLock(lock.Unlock());
    });
  }
  Meet(node);
  // A queue in which each node found its place at once, and one that all enter together: there each
  // compare-and-swap lets one node in and sends all others back.
  const transport::sim::Latency& latency = cluster_.options().latency;
  HandOvers(node, lock, "lock_hand_over", 20 * (latency.wire_ns + latency.overhead_ns));
  if (node.size() <= kMostTogether) HandOvers(node, lock, "lock_rush", 0);
}

// The time is from the first release to the last lock, per hand-over. Nodes come `apart_ns` after
// each other.
void Run::HandOvers(SimulatedNode& node, internal::QueueLock& lock, const std::string& name,
                    int64_t apart_ns) {
  if (before_round_ != round_) {
    before_round_ = round_;
    before_ = Total();
  }
  node.Work(node.id().value() * apart_ns);
  MustLock(lock.Lock());
  if (begin_ns_ == 0) {
    node.Work(kQuietNs + node.size() * apart_ns);  // until all others are in the queue
    begin_ns_ = cluster_.now_ns();
  }
  end_ns_ = cluster_.now_ns();
  MustLock(lock.Unlock());
  Meet(node);
  if (Measures(node)) {
    Result result{.name = name, .nodes = cluster_.size(), .counts = {}};
    result.virtual_ns = (end_ns_ - begin_ns_) / (cluster_.size() - 1);
    Count(result, before_);
    results_.push_back(std::move(result));
    begin_ns_ = end_ns_ = 0;
  }
  Meet(node);
}

void Run::Body(SimulatedNode& node) {
  // Region "pages" is all at home 0.
  const uint64_t base = node.Allocate("pages", uint64_t{kPlaces} * in_a_row_,
                                      {.placement = Placement::kOneHome, .home = kHome});
  base_ = base;
  const std::shared_ptr<internal::QueueLock> lock = node.MakeLock("lock");
  node.Ready();
  Meet(node);
  Misses(node);
  Upgrades(node);
  Barriers(node);
  Locks(node, *lock);
}

}  // namespace

double Result::count(const std::string& what) const {
  for (const auto& [counted, value] : counts) {
    if (counted == what) return value;
  }
  internal::Fatal("%s counts no %s", name.c_str(), what.c_str());
}

Machine NicMachine() {
  transport::sim::Latency latency = transport::sim::NicLatency();
  latency.arm_ns = 100;
  latency.event_ns = 1'000;
  return {.name = "nic",
          .latency = latency,
          .processors = {},
          .pager = {},
          .fault_ns = 1'500,
          .return_ns = 500,
          .spin_ns = 20'000,
          .minimum_hold_ns = 4'000};
}

std::vector<Result> Measure(const Machine& machine, uint32_t nodes, uint32_t in_a_row) {
  ClusterOptions options;
  options.nodes = nodes;
  options.latency = machine.latency;
  options.processors = machine.processors;
  options.pager = machine.pager;
  options.fault_ns = machine.fault_ns;
  options.return_ns = machine.return_ns;
  options.spin_ns = machine.spin_ns;
  options.minimum_hold_ns = machine.minimum_hold_ns;
  options.prefetch = false;
  options.check = false;
  options.cache_pages = 64 * in_a_row;
  options.address_space_bytes = size_t{64} << 20;
  options.most_events = UINT64_MAX;
  SimulatedCluster cluster(options);
  std::vector<Result> results;
  Run run(cluster, in_a_row, results);
  cluster.Run([&run](SimulatedNode& node) { run.Body(node); });
  if (cluster.failure().has_value()) internal::Fatal("%s", cluster.failure()->what.c_str());
  const directory::EntryLayout layout(nodes);
  Result entry{.name = "directory", .nodes = nodes, .counts = {}};
  entry.counts = {{"bytes_per_page", layout.bytes()},
                  {"bytes_read_by_read_chain", 8 + kPageBytes},
                  {"bytes_read_by_write_chain", 8.0 * layout.bit_words() + kPageBytes}};
  results.push_back(std::move(entry));
  return results;
}

}  // namespace farpage::bench::scale

#include "tests/simulation/release_workload.h"

#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "transport/sim/random.h"

namespace farpage::simulation {

using internal::AccessResult;
using internal::kPageBytes;
using internal::PageId;
using transport::Fate;
using transport::sim::FaultPlan;
using transport::sim::Random;

namespace {

constexpr size_t kTraceLines = 80;

class ReleaseWorkload {
 public:
  ReleaseWorkload(const ReleaseScenario& scenario, SimulatedCluster& cluster)
      : scenario_(scenario), cluster_(cluster) {}

  void RunNode(SimulatedNode& node);
  uint64_t accesses() const { return accesses_; }
  uint64_t lost() const { return lost_; }

 private:
  struct Program {
    SimulatedNode& node;
    Random random;
    std::vector<uint64_t> regions;
    std::vector<AnyLock> locks;
  };

  // Words are numbered over all regions. Word n is protected by lock n mod (locks + 1), and those
  // of the last class by the barriers: one node writes them in a phase, if any.
  uint64_t words() const { return scenario_.regions.size() * scenario_.pages * scenario_.words; }
  uint64_t ClassOf(uint64_t word) const { return word % (scenario_.locks + 1); }
  uint64_t AnyWordOf(Random& random, uint64_t lock) const {
    const uint64_t classes = scenario_.locks + 1;
    const uint64_t count = (words() - lock + classes - 1) / classes;
    return random.Below(count) * classes + lock;
  }
  uint64_t AddressOf(const Program& program, uint64_t word) const {
    const uint64_t page = word / scenario_.words;
    const uint64_t spread = kPageBytes / scenario_.words / 8 * 8;
    return program.regions[page / scenario_.pages] + page % scenario_.pages * kPageBytes +
           word % scenario_.words * spread;
  }
  uint64_t Draw(uint32_t phase, uint64_t word) const {
    return Random::Mix(scenario_.seed ^ (uint64_t{phase} << 48) ^ (word << 8));
  }
  bool Changes(uint32_t phase, uint64_t word) const {
    return phase > 0 && Draw(phase, word) % 3 == 0;
  }
  bool Mine(uint32_t phase, uint64_t word, NodeId node) const {
    return Changes(phase, word) && Draw(phase, word) / 3 % cluster_.size() == node.value();
  }
  uint64_t ValueAfter(uint32_t phase, uint64_t word) const {
    while (phase > 0 && !Changes(phase, word)) --phase;
    return phase == 0 ? 0 : Draw(phase, word) | 1;
  }

  bool Visit(Program& program);
  void VisitLocked(Program& program);
  void VisitPhased(Program& program, uint32_t phase);
  void Pin(Program& program, uint32_t phase);
  void Load(Program& program, uint64_t word, uint64_t expected);
  bool Store(Program& program, uint64_t word, uint64_t value);
  bool Done(SimulatedNode& node, const char* what, uint64_t address, const AccessResult& result);

  const ReleaseScenario& scenario_;
  SimulatedCluster& cluster_;
  std::unordered_map<uint64_t, uint64_t> locked_;  // words that locks protect
  uint64_t accesses_ = 0;
  uint64_t lost_ = 0;
};

// True if the access was possible. It may fail only because the page's home has died.
bool ReleaseWorkload::Done(SimulatedNode& node, const char* what, uint64_t address,
                           const AccessResult& result) {
  ++accesses_;
  if (result.fate == Fate::kOk) return true;
  const PageId page{address / kPageBytes};
  if (result.fate == Fate::kPeerFailed && !cluster_.alive(result.peer) &&
      node.HomeOf(page) == result.peer) {
    ++lost_;
    return false;
  }
  cluster_.Fail(absl::StrCat("node ", node.id().value(), ": a ", what, " ends with '",
                             transport::FateName(result.fate), "' because of node ",
                             result.peer.value(), ", which should not be"),
                page);
  return false;
}

void ReleaseWorkload::Load(Program& program, uint64_t word, uint64_t expected) {
  const uint64_t address = AddressOf(program, word);
  uint64_t value = 0;
  if (!Done(program.node, "load", address, program.node.Load(address, &value))) return;
  if (value == expected) return;
  cluster_.Fail(absl::StrCat("node ", program.node.id().value(), " reads ", absl::Hex(value),
                             " in word ", word, ", which must be ", absl::Hex(expected)),
                PageId{address / kPageBytes});
}

bool ReleaseWorkload::Store(Program& program, uint64_t word, uint64_t value) {
  const uint64_t address = AddressOf(program, word);
  return Done(program.node, "store", address, program.node.Store(address, value));
}

void ReleaseWorkload::VisitLocked(Program& program) {
  Random& random = program.random;
  const size_t index = random.Below(program.locks.size());
  AnyLock& lock = program.locks[index];
  // For reading only, if the lock knows of it.
  const bool shared = index < scenario_.lock_kinds.size() &&
                      scenario_.lock_kinds[index] == LockKind::kSharedMutex && random.OneIn(2);
  absl::Status status;
  if (random.OneIn(4)) {
    absl::StatusOr<bool> taken = lock.TryLock(shared);
    if (taken.ok() && !*taken) return;
    status = taken.status();
  } else {
    status = lock.Lock(shared);
  }
  if (!status.ok()) {
    if (cluster_.network().deaths() == 0) cluster_.Fail(status.ToString());
    program.locks.clear();
    return;
  }
  for (uint64_t count = 1 + random.Below(3); count > 0; --count) {
    const uint64_t word = AnyWordOf(random, index);
    Load(program, word, locked_[word]);
    if (shared || random.OneIn(2)) continue;
    program.node.Work(random.Between(0, scenario_.think_ns));
    // Back to what it was before, sometimes: a twin that is too old would hide it.
    const uint64_t value = random.OneIn(4) ? 0 : random.Next();
    if (Store(program, word, value)) locked_[word] = value;
  }
  const absl::Status unlocked = lock.Unlock(shared);
  if (!unlocked.ok() && cluster_.network().deaths() == 0) cluster_.Fail(unlocked.ToString());
}

void ReleaseWorkload::VisitPhased(Program& program, uint32_t phase) {
  const uint64_t word = AnyWordOf(program.random, scenario_.locks);
  const bool mine = Mine(phase, word, program.node.id());
  if (!Changes(phase, word) || mine) Load(program, word, ValueAfter(phase, word));
}

// What is pinned is there, and may be written at any time.
void ReleaseWorkload::Pin(Program& program, uint32_t phase) {
  const uint64_t word = AnyWordOf(program.random, scenario_.locks);
  if (!Mine(phase, word, program.node.id())) return;
  const uint64_t address = AddressOf(program, word);
  if (!Done(program.node, "pin", address, program.node.Pin(address, Access::kWrite))) return;
  for (int write = 0; write < 3; ++write) {
    if (!program.node.Hits(address, Access::kWrite)) {
      cluster_.Fail(absl::StrCat("node ", program.node.id().value(), ": a pinned page is gone"),
                    PageId{address / kPageBytes});
    }
    Store(program, word, program.random.Next());
    program.node.Work(program.random.Between(0, 2 * scenario_.think_ns));
  }
  Store(program, word, ValueAfter(phase, word));
  program.node.Unpin(address);
}

bool ReleaseWorkload::Visit(Program& program) {
  program.node.Work(program.random.Between(0, scenario_.think_ns));
  if (program.locks.empty()) return false;
  VisitLocked(program);
  return true;
}

void ReleaseWorkload::RunNode(SimulatedNode& node) {
  auto first = std::make_shared<Program>(Program{node, Random(0), {}, {}});
  for (const AllocateOptions& options : scenario_.regions) {
    first->regions.push_back(
        node.Allocate(absl::StrCat("region ", first->regions.size()), scenario_.pages, options));
  }
  for (uint32_t index = 0; index < scenario_.locks; ++index) {
    const LockKind kind =
        index < scenario_.lock_kinds.size() ? scenario_.lock_kinds[index] : LockKind::kMutex;
    first->locks.emplace_back(node, kind, absl::StrCat("lock ", index));
  }
  std::optional<FlagBarrier> flags;
  if (scenario_.flags) flags.emplace(node);
  node.Ready();
  Random random(Random::Mix(scenario_.seed ^ (uint64_t{node.id().value()} << 40)));
  for (uint32_t thread = 1; thread < scenario_.threads; ++thread) {
    auto other =
        std::make_shared<Program>(Program{node, random.Fork(), first->regions, first->locks});
    node.Start([this, other] {
      for (uint32_t count = 0; count < scenario_.operations * scenario_.phases; ++count) {
        if (!Visit(*other)) return;
      }
    });
  }
  first->random = random.Fork();
  for (uint32_t phase = 1; phase <= scenario_.phases; ++phase) {
    for (uint64_t word = scenario_.locks; word < words(); word += scenario_.locks + 1) {
      if (Mine(phase, word, node.id())) Store(*first, word, ValueAfter(phase, word));
    }
    for (uint32_t count = 0; count < scenario_.operations; ++count) {
      VisitPhased(*first, phase);
      if (first->random.OneIn(3)) Visit(*first);
      if (first->random.OneIn(12)) Pin(*first, phase);
    }
    const absl::Status passed = flags.has_value() ? flags->Wait() : node.Barrier();
    if (passed.ok()) continue;
    if (cluster_.network().deaths() == 0) cluster_.Fail(passed.ToString());
    return;
  }
}

void AddFaults(Random& random, ReleaseScenario& scenario) {
  FaultPlan& faults = scenario.cluster.faults;
  const int64_t wire = scenario.cluster.latency.wire_ns;
  const uint32_t nodes = scenario.cluster.nodes;
  const auto any_node = [&] { return NodeId(static_cast<uint32_t>(random.Below(nodes))); };
  if (!random.OneIn(8)) faults.jitter_ns = random.Between(1, 4 * wire);
  if (random.OneIn(2)) {
    faults.late_one_in = static_cast<uint32_t>(random.Between(10, 100));
    faults.late_ns = random.Between(wire, 100 * wire);
  }
  faults.torn_transfers = random.OneIn(2);
  if (random.OneIn(4)) faults.slow.push_back({any_node(), random.Between(2, 30)});
  if (random.OneIn(3))
    faults.distant.push_back({any_node(), any_node(), random.Between(5, 60) * wire});
  if (random.OneIn(4)) {
    const int64_t begin = random.Between(0, 400) * wire;
    faults.stops.push_back({any_node(), begin, begin + random.Between(1, 200) * wire});
  }
  if (random.OneIn(5)) {
    faults.drain_ns = random.Between(1, 30 * wire);
    faults.told_within_ns = random.Between(0, 300 * wire);
    faults.deaths.push_back({any_node(), 1 + random.Between(0, 800) * wire, 0});
  }
}

}  // namespace

ReleaseScenario MakeReleaseScenario(uint64_t seed, uint32_t nodes) {
  Random random(Random::Mix(seed ^ 0x5E1E'A5ED));
  ReleaseScenario scenario;
  scenario.seed = seed;
  ClusterOptions& cluster = scenario.cluster;
  cluster.seed = random.Next();
  cluster.nodes = nodes != 0 ? nodes : static_cast<uint32_t>(random.Between(2, 5));
  cluster.direct = random.OneIn(4);
  cluster.prefetch = random.OneIn(2);
  cluster.cache_pages = random.OneIn(2) ? 16 : 1024;
  cluster.notice_log_bytes = random.OneIn(3) ? 64 : 4096;  // eight notices
  scenario.pages = 1 + random.Below(random.OneIn(2) ? 3 : 24);
  scenario.threads = static_cast<uint32_t>(random.Between(1, 3));
  scenario.locks = static_cast<uint32_t>(random.Between(1, 4));
  scenario.words = uint32_t{8} << random.Below(3);  // more than there are locks
  scenario.think_ns = random.Between(100, 20'000);
  for (uint64_t count = 1 + random.Below(2); count > 0; --count) {
    scenario.regions.push_back({.consistency = Consistency::kRelease,
                                .placement = static_cast<Placement>(random.Below(3)),
                                .home = static_cast<uint32_t>(random.Below(cluster.nodes))});
  }
  AddFaults(random, scenario);
  for (uint32_t lock = 0; lock < scenario.locks; ++lock) {
    scenario.lock_kinds.push_back(static_cast<LockKind>(random.Below(3)));
  }
  scenario.flags = random.OneIn(3);
  return scenario;
}

std::string Describe(const ReleaseScenario& scenario) {
  const ClusterOptions& cluster = scenario.cluster;
  return absl::StrCat(
      "seed ", scenario.seed, ": ", cluster.nodes, " nodes × ", scenario.threads, " threads, ",
      scenario.regions.size(), " regions of ", scenario.pages, " pages, ", scenario.locks,
      " locks, cache of ", cluster.cache_pages, " pages, log of ", cluster.notice_log_bytes,
      " bytes", scenario.flags ? ", flags" : "", cluster.direct ? ", frames mapped" : "",
      cluster.prefetch ? ", prefetch" : "", cluster.faults.torn_transfers ? ", torn transfers" : "",
      cluster.faults.deaths.empty() ? "" : ", a death");
}

Verdict RunReleaseScenario(const ReleaseScenario& scenario, internal::ReleaseStep step) {
  ClusterOptions options = scenario.cluster;
  options.release_step = step;
  SimulatedCluster cluster(options);
  ReleaseWorkload workload(scenario, cluster);
  cluster.Run([&](SimulatedNode& node) { workload.RunNode(node); });

  Verdict verdict;
  verdict.hash = cluster.trace().hash();
  verdict.events = cluster.scheduler().events();
  verdict.accesses = workload.accesses();
  verdict.lost_accesses = workload.lost();
  verdict.virtual_ns = cluster.now_ns();
  if (cluster.failure().has_value()) {
    const Failure& failure = *cluster.failure();
    verdict.failure = absl::StrCat(
        failure.what, failure.page.has_value() ? absl::StrCat("; page ", failure.page->value) : "",
        "\n  ", Describe(scenario), "\n", cluster.DescribeTrace(failure.page, kTraceLines));
  }
  return verdict;
}

}  // namespace farpage::simulation

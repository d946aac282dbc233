#include "tests/simulation/workload.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "transport/sim/random.h"

namespace farpage::simulation {

using directory::State;
using internal::AccessResult;
using internal::kPageBytes;
using internal::PageId;
using transport::Fate;
using transport::sim::Random;

namespace {

constexpr size_t kTraceLines = 80;

// What all nodes' programs share: known to the simulation, not to them.
class Workload {
 public:
  Workload(const Scenario& scenario, SimulatedCluster& cluster)
      : scenario_(scenario), cluster_(cluster), holder_of_(scenario.locks), arrived_(1 + 3) {}

  void RunNode(SimulatedNode& node);
  void OnStep(NodeId node, const StepTaken& step);

  uint64_t accesses() const { return accesses_; }
  uint64_t lost() const { return lost_; }

 private:
  struct Program {
    SimulatedNode& node;
    Random random;
    uint64_t number;  // of the thread; makes the values that it stores unique
    const std::vector<uint64_t>& regions;
    std::vector<std::shared_ptr<internal::QueueLock>>& locks;
    uint64_t stores = 0;
  };

  void RunPhase(Program& program);
  void Act(Program& program);
  uint64_t AnyAddress(Program& program);
  void Load(Program& program, uint64_t address);
  void Store(Program& program, uint64_t address);
  void Stream(Program& program);
  void Pin(Program& program);
  bool MayBeUnpinned(SimulatedNode& node, uint64_t address, Access access);
  void CriticalSection(Program& program);
  bool PassBarrier(SimulatedNode& node, uint32_t phase);
  void Check(SimulatedNode& node, const char* what, uint64_t address, const AccessResult& result);
  bool MayBeLost(PageId page, NodeId peer);

  const Scenario& scenario_;
  SimulatedCluster& cluster_;
  std::vector<NodeId> holder_of_;  // locks
  std::vector<uint32_t> arrived_;  // at barriers
  uint64_t threads_ = 0;
  uint64_t accesses_ = 0;
  uint64_t lost_ = 0;
  uint32_t occurrences_ = 0;
};

// An access may only fail where the page was in the hands of a node that died.
bool Workload::MayBeLost(PageId page, NodeId peer) {
  if (!peer.valid() || cluster_.alive(peer)) return false;
  SimulatedNode& dead = cluster_.node(peer);
  if (!cluster_.alive(dead.HomeOf(page))) return true;
  const NodeId holder = dead.HolderOf(page);
  if (holder.valid() && !cluster_.alive(holder)) return true;
  // It may have passed the holder word on, but not the page.
  return cluster_.truth().LastWriterOf(page) == peer;
}

void Workload::Check(SimulatedNode& node, const char* what, uint64_t address,
                     const AccessResult& result) {
  ++accesses_;
  if (result.fate == Fate::kOk) return;
  const PageId page{address / kPageBytes};
  if (result.fate == Fate::kPeerFailed && MayBeLost(page, result.peer)) {
    ++lost_;
    return;
  }
  cluster_.Fail(absl::StrCat("node ", node.id().value(), ": a ", what, " ends with '",
                             transport::FateName(result.fate), "' because of node ",
                             result.peer.value(), ", which should not be"),
                page);
}

uint64_t Workload::AnyAddress(Program& program) {
  Random& random = program.random;
  const uint64_t word = 8 * random.Below(scenario_.words) * (kPageBytes / 64);
  if (random.Below(100) < scenario_.hot_percent) return program.regions[0] + word;
  const size_t region = random.Below(program.regions.size());
  const uint64_t page = random.Below(scenario_.regions[region].pages);
  return program.regions[region] + page * kPageBytes + word;
}

void Workload::Load(Program& program, uint64_t address) {
  uint64_t value = 0;
  Check(program.node, "load", address, program.node.Load(address, &value));
}

void Workload::Store(Program& program, uint64_t address) {
  const uint64_t value = program.number << 32 | ++program.stores;
  Check(program.node, "store", address, program.node.Store(address, value));
}

void Workload::Stream(Program& program) {
  Random& random = program.random;
  const size_t region = random.Below(program.regions.size());
  const uint64_t pages = scenario_.regions[region].pages;
  const uint64_t first = random.Below(pages);
  const uint64_t last = std::min(pages, first + 2 + random.Below(scenario_.stream_pages));
  const bool stores = random.Below(200) < scenario_.store_percent;
  if (random.OneIn(3)) {
    program.node.Prefetch(program.regions[region] + first * kPageBytes, last - first,
                          stores ? Access::kWrite : Access::kRead);
    if (random.OneIn(2)) return;
  }
  for (uint64_t page = first; page < last; ++page) {
    const uint64_t address = program.regions[region] + page * kPageBytes;
    stores ? Store(program, address) : Load(program, address);
  }
}

// A pinned page stays, unless a node died with it, or it is pinned for reading and written by this
// node meanwhile.
bool Workload::MayBeUnpinned(SimulatedNode& node, uint64_t address, Access access) {
  if (cluster_.network().deaths() > 0) return true;
  const State state = node.StateOf(PageId{address / kPageBytes}).state;
  return access == Access::kRead && (state == State::kWriteChain || state == State::kWriteFetch ||
                                     state == State::kAwaitAcks || state == State::kExclusive);
}

void Workload::Pin(Program& program) {
  const uint64_t address = AnyAddress(program);
  const Access access = program.random.OneIn(2) ? Access::kRead : Access::kWrite;
  const AccessResult result = program.node.Pin(address, access);
  Check(program.node, "pin", address, result);
  if (result.fate != Fate::kOk) return;
  program.node.Work(program.random.Between(0, 4 * scenario_.think_ns));
  if (!program.node.Hits(address, access) && !MayBeUnpinned(program.node, address, access)) {
    cluster_.Fail(absl::StrCat("node ", program.node.id().value(), ": a pinned page is gone"),
                  PageId{address / kPageBytes});
  }
  access == Access::kRead ? Load(program, address) : Store(program, address);
  program.node.Unpin(address);
}

void Workload::CriticalSection(Program& program) {
  const size_t index = program.random.Below(program.locks.size());
  internal::QueueLock& lock = *program.locks[index];
  const absl::Status locked = lock.Lock();
  if (!locked.ok()) {
    if (cluster_.network().deaths() == 0) cluster_.Fail(locked.ToString());
    program.locks.clear();
    return;
  }
  const NodeId before = holder_of_[index];
  if (before.valid() && cluster_.alive(before)) {
    cluster_.Fail(absl::StrCat("node ", program.node.id().value(), " has mutex ", index,
                               ", and so has node ", before.value()));
  }
  holder_of_[index] = program.node.id();
  const uint64_t address = program.regions[0] + kPageBytes - 8 * (1 + index);
  Load(program, address);
  program.node.Work(program.random.Between(0, scenario_.think_ns));
  Store(program, address);
  holder_of_[index] = NodeId::None();
  const absl::Status unlocked = lock.Unlock();
  if (!unlocked.ok() && cluster_.network().deaths() == 0) cluster_.Fail(unlocked.ToString());
}

void Workload::Act(Program& program) {
  Random& random = program.random;
  const uint64_t kind = random.Below(100);
  if (kind < scenario_.stream_percent) return Stream(program);
  if (kind >= 95) return Pin(program);
  if (kind >= 90 && !program.locks.empty()) return CriticalSection(program);
  const uint64_t address = AnyAddress(program);
  // A load and then a store: an upgrade.
  if (kind >= 70) Load(program, address);
  random.Below(100) < scenario_.store_percent ? Store(program, address) : Load(program, address);
}

void Workload::RunPhase(Program& program) {
  for (uint32_t count = 0; count < scenario_.operations; ++count) {
    Act(program);
    program.node.Work(program.random.Between(0, scenario_.think_ns));
  }
}

bool Workload::PassBarrier(SimulatedNode& node, uint32_t phase) {
  ++arrived_[phase];
  const absl::Status passed = node.Barrier();
  if (!passed.ok()) {
    if (cluster_.network().deaths() == 0) cluster_.Fail(passed.ToString());
    return false;
  }
  if (arrived_[phase] < cluster_.size()) {
    cluster_.Fail(absl::StrCat("node ", node.id().value(), " passes barrier ", phase, " with ",
                               arrived_[phase], " of ", cluster_.size(), " nodes"));
  }
  return true;
}

void Workload::RunNode(SimulatedNode& node) {
  auto regions = std::make_shared<std::vector<uint64_t>>();
  auto locks = std::make_shared<std::vector<std::shared_ptr<internal::QueueLock>>>();
  for (const RegionPlan& region : scenario_.regions) {
    regions->push_back(
        node.Allocate(absl::StrCat("region ", regions->size()), region.pages, region.options));
  }
  for (uint32_t index = 0; index < scenario_.locks; ++index) {
    locks->push_back(node.MakeLock(absl::StrCat("mutex ", index)));
  }
  node.Ready();
  Random random(Random::Mix(scenario_.seed ^ (uint64_t{node.id().value()} << 40)));
  for (uint32_t thread = 1; thread < scenario_.threads; ++thread) {
    const Random own = random.Fork();
    node.Start([this, &node, own, regions, locks] {
      auto mine = *locks;
      Program program{node, own, ++threads_, *regions, mine};
      for (uint32_t phase = 0; phase < scenario_.phases; ++phase) RunPhase(program);
    });
  }
  auto mine = *locks;
  Program program{node, random.Fork(), ++threads_, *regions, mine};
  bool together = true;
  for (uint32_t phase = 0; phase < scenario_.phases; ++phase) {
    RunPhase(program);
    together = together && PassBarrier(node, phase);
  }
}

void Workload::OnStep(NodeId node, const StepTaken& step) {
  if (!scenario_.death_in_state.has_value()) return;
  const DeathInState& death = *scenario_.death_in_state;
  const bool happens = death.event.has_value()
                           ? step.before == death.state && step.event == *death.event
                           : step.after == death.state && step.before != death.state;
  if (!happens || ++occurrences_ != death.occurrence) return;
  const NodeId home = cluster_.node(node).HomeOf(step.page);
  if (death.home && home != node) {
    cluster_.network().Kill(home);
  } else {
    cluster_.scheduler().KillAfter(node.value(), death.advances_later);
  }
}

}  // namespace

Verdict RunScenario(const Scenario& scenario, const StepFunction& step) {
  ClusterOptions options = scenario.cluster;
  options.step = step;
  SimulatedCluster cluster(options);
  Workload workload(scenario, cluster);
  cluster.set_on_step([&](NodeId node, const StepTaken& taken) { workload.OnStep(node, taken); });
  cluster.Run([&](SimulatedNode& node) { workload.RunNode(node); });

  Verdict verdict;
  verdict.hash = cluster.trace().hash();
  verdict.events = cluster.scheduler().events();
  verdict.accesses = workload.accesses();
  verdict.lost_accesses = workload.lost();
  verdict.virtual_ns = cluster.now_ns();
  verdict.coverage = cluster.coverage();
  if (cluster.failure().has_value()) {
    const Failure& failure = *cluster.failure();
    verdict.failure = failure.what;
    if (failure.page.has_value()) {
      absl::StrAppend(&verdict.failure, "; page ", failure.page->value, " of the shared range");
    }
    absl::StrAppend(&verdict.failure, "\n  ", Describe(scenario), "\n",
                    cluster.DescribeTrace(failure.page, kTraceLines));
  }
  return verdict;
}

}  // namespace farpage::simulation

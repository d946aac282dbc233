#include "tests/simulation/scenario.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "transport/sim/random.h"

namespace farpage::simulation {

using directory::State;
using transport::sim::FaultPlan;
using transport::sim::Random;

namespace {

NodeId AnyNode(Random& random, uint32_t nodes) {
  return NodeId(static_cast<uint32_t>(random.Below(nodes)));
}

// A time by which most workloads are under way but not over.
int64_t AnyTime(Random& random, const Scenario& scenario) {
  const int64_t scale = scenario.cluster.latency.wire_ns;
  return random.Between(0, 40) * random.Between(0, 20) * scale;
}

FaultPlan::NotReady AnyPause(Random& random, const Scenario& scenario) {
  const int64_t begin = AnyTime(random, scenario);
  return {AnyNode(random, scenario.cluster.nodes), begin,
          begin + random.Between(1, 200) * scenario.cluster.latency.wire_ns};
}

void AddDelays(Random& random, Scenario& scenario) {
  FaultPlan& faults = scenario.cluster.faults;
  const int64_t wire = scenario.cluster.latency.wire_ns;
  if (!random.OneIn(8)) faults.jitter_ns = random.Between(1, 4 * wire);
  if (random.OneIn(2)) {
    faults.late_one_in = static_cast<uint32_t>(random.Between(10, 200));
    faults.late_ns = random.Between(wire, 100 * wire);
  }
  faults.torn_transfers = random.OneIn(2);
}

void AddPauses(Random& random, Scenario& scenario) {
  FaultPlan& faults = scenario.cluster.faults;
  const uint32_t nodes = scenario.cluster.nodes;
  for (int count = 0; count < 3 && random.OneIn(3); ++count) {
    const FaultPlan::NotReady pause = AnyPause(random, scenario);
    faults.outages.push_back({pause.node, AnyNode(random, nodes), pause.begin_ns, pause.end_ns});
  }
  if (random.OneIn(4)) faults.not_ready.push_back(AnyPause(random, scenario));
  if (random.OneIn(4)) faults.no_credit.push_back(AnyPause(random, scenario));
  if (random.OneIn(5)) faults.slow.push_back({AnyNode(random, nodes), random.Between(2, 30)});
  if (random.OneIn(4)) {
    const FaultPlan::NotReady pause = AnyPause(random, scenario);
    const int64_t longer = random.OneIn(4) ? 300'000'000 : 0;
    faults.stops.push_back({pause.node, pause.begin_ns, pause.end_ns + longer});
  }
}

void AddDeath(Random& random, Scenario& scenario) {
  FaultPlan& faults = scenario.cluster.faults;
  const int64_t wire = scenario.cluster.latency.wire_ns;
  faults.drain_ns = random.Between(1, 30 * wire);
  faults.told_within_ns = random.Between(0, 300 * wire);
  const NodeId victim = AnyNode(random, scenario.cluster.nodes);
  switch (random.Below(6)) {
    case 0:
      faults.deaths.push_back({victim, 1 + AnyTime(random, scenario), 0});
      return;
    case 1:
      faults.deaths.push_back({victim, 0, 1 + random.Below(20'000)});
      return;
    case 2: {
      const auto other = NodeId(
          (victim.value() + 1 + static_cast<uint32_t>(random.Below(scenario.cluster.nodes - 1))) %
          scenario.cluster.nodes);
      faults.lost.push_back(
          {other, victim, AnyTime(random, scenario), random.Between(1, 200) * wire});
      return;
    }
    case 3: {  // somebody is asked for what it will never get
      const auto event =
          random.OneIn(2) ? directory::Event::kFetchShared : directory::Event::kFetchExclusive;
      scenario.death_in_state = {State::kWriteChain, event,
                                 static_cast<uint32_t>(random.Between(1, 4)), true, 1};
      return;
    }
    default: {
      constexpr std::array kStates = {State::kHandOver,  State::kHandOver,   State::kHandOver,
                                      State::kAwaitAcks, State::kAwaitAcks,  State::kWriteChain,
                                      State::kReadChain, State::kWriteFetch, State::kReadFetch,
                                      State::kExclusive, State::kExpiring};
      scenario.death_in_state = {kStates[random.Below(kStates.size())], std::nullopt,
                                 static_cast<uint32_t>(random.Between(1, 60)), random.OneIn(2),
                                 1 + random.Below(random.OneIn(2) ? 6 : 40)};
      return;
    }
  }
}

void ChooseRegions(Random& random, Scenario& scenario) {
  const uint64_t count = 1 + random.Below(3);
  for (uint64_t index = 0; index < count; ++index) {
    RegionPlan region;
    region.pages = random.OneIn(2) ? 1 + random.Below(4) : 8 + random.Below(60);
    region.options.placement = static_cast<Placement>(random.Below(3));
    region.options.home = static_cast<uint32_t>(random.Below(scenario.cluster.nodes));
    scenario.regions.push_back(region);
  }
}

// Many nodes want few pages: there is no room to defer all that ask.
void MakeCrowd(Random& random, Scenario& scenario) {
  scenario.regions.resize(1);
  scenario.regions[0].pages = 1 + random.Below(2);
  scenario.operations = 12;
  scenario.threads = 1;
}

// Long runs of pages that others hold: more than there are slots for.
void MakePipeline(Random& random, Scenario& scenario) {
  scenario.regions.resize(1);
  scenario.regions[0].pages = 60 + random.Below(70);
  scenario.regions[0].options.placement = Placement::kOneHome;
  scenario.cluster.cache_pages = 1024;
  scenario.cluster.mailbox_slots = 64;
  scenario.cluster.prefetch = true;
  scenario.stream_percent = 60;
  scenario.stream_pages = 64;
  scenario.operations = 12;
  scenario.hot_percent = 0;
}

// Upgrades that take long: what they upgrade may have come and gone meanwhile.
void MakeLateUpgrades(Random& random, Scenario& scenario) {
  FaultPlan& faults = scenario.cluster.faults;
  const uint32_t nodes = scenario.cluster.nodes;
  const NodeId home = AnyNode(random, nodes);
  for (uint32_t node = 0; node < nodes; ++node) {
    const int64_t ns = random.Between(10, 60) * scenario.cluster.latency.wire_ns;
    if (NodeId(node) != home && random.OneIn(2)) faults.distant.push_back({NodeId(node), home, ns});
  }
  scenario.regions.resize(1);
  scenario.regions[0].options = {.placement = Placement::kOneHome, .home = home.value()};
  scenario.think_ns = scenario.cluster.latency.wire_ns;
  scenario.regions[0].pages = 1;
  if (random.OneIn(2)) {  // its holders evict the page
    scenario.regions[0].pages = 30;
    scenario.cluster.cache_pages = 16;
    scenario.stream_percent = 25;
  }
  scenario.hot_percent = 80;
  scenario.store_percent = static_cast<uint32_t>(random.Between(8, 25));
  scenario.operations = 40;
  scenario.cluster.direct = false;
  if (!random.OneIn(3)) {
    scenario.death_in_state = {State::kWriteChain, directory::Event::kWonWithoutPage, 1, true, 1};
  }
}

// Written pages go home and are wanted by others at the same time.
void MakeEvictions(Random& random, Scenario& scenario) {
  FaultPlan& faults = scenario.cluster.faults;
  const int64_t wire = scenario.cluster.latency.wire_ns;
  scenario.regions.resize(1);
  scenario.regions[0].pages = 18 + random.Below(8);
  scenario.regions[0].options.placement = Placement::kOneHome;
  scenario.cluster.cache_pages = 16;
  scenario.cluster.direct = random.OneIn(6);
  scenario.hot_percent = 0;
  scenario.store_percent = static_cast<uint32_t>(random.Between(40, 80));
  scenario.stream_percent = 15;
  scenario.think_ns = wire / 2;
  scenario.operations = 60;
  faults.jitter_ns = random.Between(wire, 4 * wire);
}

// A holder dies while it passes the page on.
void MakeDyingHolder(Random& random, Scenario& scenario) {
  scenario.cluster.direct = false;
  scenario.cluster.faults.deaths.clear();
  scenario.cluster.faults.lost.clear();
  scenario.store_percent = 60;
  scenario.hot_percent = 90;
  scenario.death_in_state = {State::kHandOver, std::nullopt,
                             static_cast<uint32_t>(random.Between(1, 20)), random.OneIn(3),
                             1 + random.Below(30)};
}

}  // namespace

Scenario MakeScenario(uint64_t seed, uint32_t nodes) {
  Random random(Random::Mix(seed));
  Scenario scenario;
  scenario.seed = seed;
  ClusterOptions& cluster = scenario.cluster;
  cluster.seed = random.Next();
  enum Kind : uint8_t { kCrowd, kPipeline, kLateUpgrades, kDyingHolder, kEvictions, kKinds };
  uint64_t kind = random.Below(kKinds + 12);
  if (kind == kKinds) kind = kLateUpgrades;  // what these are for happens rarely
  const bool crowd = kind == kCrowd;
  cluster.nodes = static_cast<uint32_t>(crowd             ? random.Between(18, 40)
                                        : random.OneIn(3) ? random.Between(5, 9)
                                                          : random.Between(2, 4));
  if (kind == kLateUpgrades) cluster.nodes = static_cast<uint32_t>(random.Between(4, 7));
  if (nodes != 0) cluster.nodes = nodes;
  if (random.OneIn(6)) cluster.latency = transport::sim::SoftRoceLatency();
  cluster.direct = random.OneIn(4);
  cluster.maps_home_in_place = !random.OneIn(3);
  cluster.cache_pages = random.OneIn(3) ? 1024 : static_cast<uint64_t>(random.Between(16, 32));
  cluster.prefetch = random.OneIn(2);
  cluster.minimum_hold_ns = random.Between(2, 20) * 512;
  cluster.spin_ns = random.Between(0, 1'000);
  cluster.agent_spin_ns = random.Between(0, 500);
  cluster.latency.poll_ns = random.Between(50, 200);
  ChooseRegions(random, scenario);
  scenario.threads = static_cast<uint32_t>(crowd || cluster.nodes > 20 ? 1 : random.Between(1, 3));
  scenario.operations = static_cast<uint32_t>(random.Between(15, cluster.nodes > 4 ? 30 : 60));
  scenario.phases = static_cast<uint32_t>(random.Between(1, 3));
  scenario.locks = static_cast<uint32_t>(random.Between(0, 2));
  scenario.words = static_cast<uint32_t>(random.Between(1, 8));
  scenario.store_percent = static_cast<uint32_t>(random.Between(5, 70));
  scenario.hot_percent = static_cast<uint32_t>(random.Between(0, 95));
  scenario.think_ns = random.OneIn(2) ? 500 : random.Between(1, 20) * cluster.latency.wire_ns;
  if (!random.OneIn(10)) AddDelays(random, scenario);
  if (random.OneIn(2)) AddPauses(random, scenario);
  if (random.OneIn(3) && cluster.nodes > 1) AddDeath(random, scenario);
  if (kind == kCrowd) MakeCrowd(random, scenario);
  if (kind == kPipeline) MakePipeline(random, scenario);
  if (kind == kLateUpgrades) MakeLateUpgrades(random, scenario);
  if (kind == kDyingHolder) MakeDyingHolder(random, scenario);
  if (kind == kEvictions) MakeEvictions(random, scenario);
  if (cluster.nodes > 60) {  // so many make enough of a crowd
    scenario.operations = 6;
    scenario.phases = 1;
  }
  return scenario;
}

std::string Describe(const Scenario& scenario) {
  const ClusterOptions& cluster = scenario.cluster;
  const FaultPlan& faults = cluster.faults;
  std::string text =
      absl::StrCat(cluster.nodes, " nodes × ", scenario.threads, " threads, ",
                   cluster.direct ? "memory mapped by all" : "queue pairs", ", home ",
                   cluster.maps_home_in_place ? "in place" : "copies", ", ", cluster.cache_pages,
                   " pages of cache, ", cluster.prefetch ? "" : "no ", "prefetch, hold ",
                   cluster.minimum_hold_ns, " ns; regions of");
  for (const RegionPlan& region : scenario.regions) absl::StrAppend(&text, " ", region.pages);
  absl::StrAppend(&text, " pages; jitter ", faults.jitter_ns, " ns, ", faults.outages.size(),
                  " outages, ", faults.not_ready.size() + faults.no_credit.size(),
                  " unready receivers, ", faults.slow.size(), " slow, ", faults.stops.size(),
                  " stopped, ", faults.deaths.size() + (scenario.death_in_state ? 1 : 0),
                  " to die, ", faults.lost.size(), " connections to break");
  return text;
}

}  // namespace farpage::simulation

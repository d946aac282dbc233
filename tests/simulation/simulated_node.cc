#include "tests/simulation/simulated_node.h"

#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "directory/entry.h"
#include "runtime/engine/map_region.h"
#include "tests/simulation/simulated_cluster.h"

namespace farpage::simulation {

using internal::AccessResult;
using internal::kPageBytes;
using internal::PageId;
using transport::Fate;

namespace {

// Each node has a range of its own in the one process.
std::byte* SpaceOf(NodeId node, size_t bytes) {
  constexpr size_t kApart = size_t{2} << 20;
  return internal::AddressSpace::Base() +
         node.value() * ((bytes + kApart - 1) / kApart * kApart + kApart);
}

Options RuntimeOptions(const ClusterOptions& simulated) {
  Options options;
  options.cluster.transport = "sim";
  options.cluster.address_space_bytes = simulated.address_space_bytes;
  options.cluster.timeout_ms = simulated.timeout_ms;
  options.cluster.fetch_timeout_ms = simulated.fetch_timeout_ms;
  options.cluster.notice_log_bytes = simulated.notice_log_bytes;
  return options;
}

}  // namespace

int64_t SimulatedNode::Clock::NowNs() const {
  network_.scheduler().Advance(network_.options().latency.clock_ns);
  return network_.scheduler().now_ns();
}

SimulatedNode::SimulatedNode(SimulatedCluster& cluster, NodeId id)
    : cluster_(cluster), id_(id), clock_(cluster.network()), watch_(cluster.MakeWatch(id)) {}

SimulatedNode::~SimulatedNode() = default;

uint32_t SimulatedNode::size() const { return cluster_.size(); }

// As NodeImpl::Build().
void SimulatedNode::Build() {
  const ClusterOptions& options = cluster_.options();
  membership_ = cluster_.gathering_.Join(id_);
  transport_ = cluster_.network_.Connect(id_);
  fabric_ = std::make_unique<internal::Fabric>(*transport_, counters_, clock_, options.spin_ns);
  parts_ = std::make_unique<internal::Cluster>(RuntimeOptions(options), *membership_, *fabric_);
  auto space = internal::AddressSpace::Reserve(options.address_space_bytes,
                                               SpaceOf(id_, options.address_space_bytes));
  if (!space.ok()) return cluster_.Fail(space.status().ToString());
  space_ = *std::move(space);
  pager_ = std::make_unique<SimulatedPager>(cluster_.network_, id_, cluster_.PagerOptions(id_));
  pager_->set_space(space_.get());
  auto engine = internal::Engine::Create(*parts_, *space_, *pager_,
                                         {.cache_pages = options.cache_pages,
                                          .prefetch = options.prefetch,
                                          .minimum_hold_ns = options.minimum_hold_ns,
                                          .stepper = &watch_});
  if (!engine.ok()) return cluster_.Fail(engine.status().ToString());
  engine_ = *std::move(engine);
  fabric_->set_message_handler(engine_.get());
  agent_ = std::make_unique<internal::AgentLoop>(*fabric_, *engine_, *membership_,
                                                 options.agent_spin_ns);
  agent_->ExpectDepartures();  // deaths are no news
  agent_runs_ = true;
  cluster_.scheduler_.Start(id_.value(), /*background=*/true, [this] {
    agent_->Run();
    agent_runs_ = false;
  });
  auto barrier = internal::Barrier::Create(*parts_);
  if (!barrier.ok()) return cluster_.Fail(barrier.status().ToString());
  barrier_ = *std::move(barrier);
  locks_ = std::make_unique<internal::QueueLockPool>(*parts_);
}

uint64_t SimulatedNode::Allocate(std::string_view name, uint64_t pages,
                                 const AllocateOptions& options) {
  auto homes = internal::MapHomes(pages, size(), options);
  if (!homes.ok()) cluster_.Fail(homes.status().ToString());
  auto base = space_->Claim(pages * kPageBytes);
  if (!base.ok()) cluster_.Fail(base.status().ToString());
  auto region = std::make_unique<internal::Region>();
  region->name = std::string(name);
  region->base = *base;
  region->first_page = space_->PageOf(*base);
  region->homes = *homes;
  region->consistency = options.consistency;
  const bool release = options.consistency == Consistency::kRelease;
  if (release && release_ == nullptr) {
    auto made = internal::ReleaseEngine::Create(*parts_, *space_, *pager_, *engine_,
                                                cluster_.options().release_step);
    if (!made.ok()) cluster_.Fail(made.status().ToString());
    release_ = *std::move(made);
  }
  internal::Region& mapped = *region;
  absl::Status status = internal::MapRegion(*parts_, *pager_, *region);
  if (status.ok()) status = space_->Publish(std::move(region));
  if (status.ok() && release) {
    release_->Add(mapped);
    parts_->set_ordering(release_.get());
  }
  if (status.ok()) status = parts_->Agree(absl::StrCat(std::string(name), " is mapped"), "yes");
  if (!status.ok()) cluster_.Fail(status.ToString());
  return static_cast<uint64_t>(*base - space_->base());
}

std::shared_ptr<internal::QueueLock> SimulatedNode::MakeLock(std::string_view name) {
  auto lock = locks_->Make(name);
  if (!lock.ok()) cluster_.Fail(lock.status().ToString());
  return *std::move(lock);
}

std::shared_ptr<internal::Permits> SimulatedNode::MakePermits(internal::Permits::Kind kind,
                                                              std::string_view name,
                                                              uint64_t permits) {
  auto made = internal::Permits::Create(*parts_, *locks_, kind, name, permits);
  if (!made.ok()) cluster_.Fail(made.status().ToString());
  kept_.push_back(*made);
  return *std::move(made);
}

std::shared_ptr<internal::SignalFlag> SimulatedNode::MakeFlag(std::string_view name,
                                                              NodeId waiting_node) {
  auto flag = internal::SignalFlag::Create(*parts_, name, waiting_node.value());
  if (!flag.ok()) cluster_.Fail(flag.status().ToString());
  kept_.push_back(*flag);
  return *std::move(flag);
}

void SimulatedNode::Ready() {
  const absl::Status ready = parts_->Agree("readiness", "yes");
  if (!ready.ok()) cluster_.Fail(ready.ToString());
  if (++cluster_.ready_ == size()) {
    cluster_.network_.StartFaults();
    cluster_.scheduler_.WakeAll(&cluster_.ready_, 0);
    return;
  }
  while (cluster_.ready_ < size()) cluster_.scheduler_.Wait(&cluster_.ready_, INT64_MAX);
}

void SimulatedNode::Start(std::function<void()> body) {
  cluster_.scheduler_.Start(id_.value(), /*background=*/false, std::move(body));
}

SimulatedNode::Place SimulatedNode::Find(uint64_t address) const {
  std::byte* const byte = space_->base() + address;
  internal::Region* region = space_->Find(byte);
  if (region == nullptr) {
    cluster_.Fail(absl::StrCat("node ", id_.value(), " accesses ", address, ", which is nowhere"));
  }
  const uint64_t index = space_->PageOf(byte).value - region->first_page.value;
  return {region, index, region->address(index), address % kPageBytes};
}

AccessResult SimulatedNode::Do(uint64_t address, Access access, uint64_t* value) {
  const ClusterOptions& options = cluster_.options();
  const Place place = Find(address);
  const PageId page{place.region->first_page.value + place.index};
  const bool release = place.region->consistency == Consistency::kRelease;
  const bool check = options.check && !release;
  for (;;) {
    Work(options.access_ns);
    if (std::byte* const there = pager_->At(place.page, access)) {
      if (access == Access::kWrite) {
        std::memcpy(there + place.offset, value, sizeof *value);
        if (check) cluster_.truth_.OnStore(page, place.offset, *value);
        return {};
      }
      std::memcpy(value, there + place.offset, sizeof *value);
      if (check) {
        const Truth::Wrong wrong = cluster_.truth_.OnLoad(id_, page, place.offset, *value);
        if (wrong.has_value()) cluster_.Fail(*wrong, page);
      }
      return {};
    }
    Work(options.fault_ns);
    const int64_t deadline_ns = parts_->FetchDeadlineNs();
    const AccessResult result =
        release ? release_->Obtain(*place.region, place.index, access, deadline_ns)
                : engine_->Obtain(*place.region, place.index, access, deadline_ns);
    if (result.fate != Fate::kOk) return result;
    Work(options.return_ns);
  }
}

AccessResult SimulatedNode::Load(uint64_t address, uint64_t* value) {
  return Do(address, Access::kRead, value);
}

AccessResult SimulatedNode::Store(uint64_t address, uint64_t value) {
  return Do(address, Access::kWrite, &value);
}

uint64_t SimulatedNode::Read(uint64_t address) {
  uint64_t value = 0;
  const AccessResult result = Load(address, &value);
  if (result.fate != Fate::kOk) {
    cluster_.Fail(absl::StrCat("node ", id_.value(), ": a load ends with '",
                               transport::FateName(result.fate), "' of node ", result.peer.value()),
                  PageId{address / kPageBytes});
  }
  return value;
}

void SimulatedNode::Write(uint64_t address, uint64_t value) {
  const AccessResult result = Store(address, value);
  if (result.fate != Fate::kOk) {
    cluster_.Fail(absl::StrCat("node ", id_.value(), ": a store ends with '",
                               transport::FateName(result.fate), "' of node ", result.peer.value()),
                  PageId{address / kPageBytes});
  }
}

bool SimulatedNode::Hits(uint64_t address, Access access) const {
  return pager_->At(Find(address).page, access) != nullptr;
}

AccessResult SimulatedNode::Pin(uint64_t address, Access access) {
  const Place place = Find(address);
  return place.region->consistency == Consistency::kRelease
             ? release_->Pin(*place.region, place.index, access, parts_->FetchDeadlineNs())
             : engine_->Pin(*place.region, place.index, access, parts_->FetchDeadlineNs());
}

void SimulatedNode::Unpin(uint64_t address) {
  const Place place = Find(address);
  if (place.region->consistency == Consistency::kRelease) {
    release_->Unpin(*place.region, place.index);
  } else {
    engine_->Unpin(*place.region, place.index);
  }
}

void SimulatedNode::Prefetch(uint64_t address, uint64_t pages, Access access) {
  const Place place = Find(address);
  if (place.region->consistency == Consistency::kRelease) {
    release_->FetchAhead(*place.region, place.index, pages, parts_->FetchDeadlineNs());
  } else {
    engine_->FetchAhead(*place.region, place.index, pages, access);
  }
}

absl::Status SimulatedNode::Barrier() { return barrier_->Wait(); }

void SimulatedNode::Work(int64_t ns) { cluster_.scheduler_.Advance(ns); }

directory::PageState SimulatedNode::StateOf(PageId page) const {
  const internal::Region* region = space_->Find(page);
  return region->records[page.value - region->first_page.value].state;
}

NodeId SimulatedNode::HomeOf(PageId page) const {
  const internal::Region* region = space_->Find(page);
  return region->homes.HomeOf(page.value - region->first_page.value);
}

NodeId SimulatedNode::HolderOf(PageId page) const {
  const NodeId home = HomeOf(page);
  const internal::Region* region = cluster_.node(home).space_->Find(page);
  const directory::EntryLayout layout(size());
  uint64_t word = 0;
  std::memcpy(&word,
              region->entries.own->data() +
                  region->homes.IndexAtHome(page.value - region->first_page.value) * layout.bytes(),
              sizeof word);
  return directory::DecodeHolder(word);
}

}  // namespace farpage::simulation

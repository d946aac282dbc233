#include "tests/runtime/engine_world.h"

#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "runtime/engine/wire.h"

namespace farpage::testing {
namespace {

using directory::Input;
using directory::State;
using internal::AddressSpace;
using internal::Region;

constexpr uint64_t kBlockPages = 2;
const NodeId kOther(1);

template <typename T>
T OrDie(absl::StatusOr<T> value) {
  if (value.ok()) return *std::move(value);
  std::fprintf(stderr, "%s\n", value.status().ToString().c_str());
  std::abort();
}

// Entries and frames of all homes, by the page's number in the region: a home's share of them
// begins where its first page's would.
transport::RemoteAddress ShareOf(NodeId home, transport::RemoteKey key, size_t bytes_a_page) {
  return {uint64_t{home.value()} * EngineWorld::kPages * bytes_a_page, key, 0};
}

Region* AddRegion(AddressSpace& space, FakeTransport& transport) {
  auto region = std::make_unique<Region>();
  region->name = "fought over";
  region->base = OrDie(space.Claim(EngineWorld::kPages * internal::kPageBytes));
  region->first_page = space.PageOf(region->base);
  region->homes =
      directory::HomeMap(EngineWorld::kPages, EngineWorld::kNodes, kBlockPages, /*first_home=*/0);
  const size_t frame_bytes = EngineWorld::kPages * internal::kPageBytes;
  region->frames.own = OrDie(transport.Allocate(frame_bytes, "frames"));
  for (uint32_t node = 0; node < EngineWorld::kNodes; ++node) {
    region->entries.remote.push_back(
        ShareOf(NodeId(node), FakeTransport::kEntriesKey, 2 * sizeof(uint64_t)));
    region->frames.remote.push_back(
        ShareOf(NodeId(node), FakeTransport::kFramesKey, internal::kPageBytes));
    const bool visible = node == 0 || transport.capabilities().direct_access;
    region->frame_views.push_back(visible ? region->frames.own->data() : nullptr);
  }
  const size_t record_bytes = EngineWorld::kPages * sizeof(internal::PageRecord);
  void* records =
      mmap(nullptr, record_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (records == MAP_FAILED) std::abort();
  region->records_memory = internal::Mapping(records, record_bytes);
  region->records = static_cast<internal::PageRecord*>(records);
  Region* added = region.get();
  if (!space.Publish(std::move(region)).ok()) std::abort();
  return added;
}

}  // namespace

EngineWorld::EngineWorld(AddressSpace& space, Variant variant)
    : space_(space),
      transport_({.nodes = kNodes, .as_shm = variant.as_shm, .entry_words = 2 * kPages * kNodes}),
      fabric_(transport_, counters_, clock_, /*spin_ns=*/0),
      cluster_(Options(), alone_.node(NodeId(0)), fabric_),
      region_(AddRegion(space_, transport_)),
      pager_(region_->base, kPages, variant.home_in_place),
      engine_(OrDie(internal::Engine::Create(
          cluster_, space_, pager_,
          {.cache_pages = 16, .prefetch = false, .minimum_hold_ns = kHoldNs}))) {}

internal::AccessResult EngineWorld::Touch(uint64_t page, Access access) {
  return engine_->Obtain(*region_, page, access, clock_.NowNs());
}

internal::AccessResult EngineWorld::Pin(uint64_t page, Access access) {
  return engine_->Pin(*region_, page, access, clock_.NowNs());
}

void EngineWorld::MappingTakes(int64_t ns) {
  pager_.set_on_map([this, ns] { clock_.now_ns += ns; });
}

void EngineWorld::Receive(NodeId from, Input kind, uint64_t index,
                          transport::RemoteAddress landing) {
  engine_->OnMessage(from, internal::Encode({kind, page(index), landing}));
}

void EngineWorld::EndChain(bool ok) {
  transport_.EndChain(ok);
  while (fabric_.Progress()) {
  }
}

void EngineWorld::Wait(int64_t ns) {
  clock_.now_ns += ns;
  engine_->RunTimers();
}

uint64_t* EngineWorld::Entry(uint64_t page) {
  const uint64_t at = region_->entries.remote[home(page).value()].address / sizeof(uint64_t) +
                      2 * region_->homes.IndexAtHome(page);
  return &transport_.entries()[at];
}

void EngineWorld::SetHolder(uint64_t page, NodeId holder) {
  Entry(page)[0] = directory::EncodeHolder(holder);
}

void EngineWorld::SetSharers(uint64_t page, uint64_t bits) { Entry(page)[1] = bits; }

void EngineWorld::Settle(uint64_t index) {
  const directory::PageState& page = region_->records[index].state;
  SetHolder(index, NodeId::None());
  SetSharers(index, 0);
  switch (page.state) {
    case State::kReadFetch:
    case State::kWriteFetch:
      Receive(page.partner, Input::kNack, index);
      break;
    case State::kShared:
      Receive(kOther, Input::kInvalidate, index);
      break;
    case State::kExclusive:
      Receive(kOther, Input::kFetchExclusive, index, {0, FakeTransport::kFramesKey, 0});
      break;
    default:  // waits for a chain, for ACKs, or for the hold to be over
      break;
  }
}

void EngineWorld::ForgoAcks() {
  for (uint32_t node = 1; node < kNodes; ++node) {
    transport_.MarkPeerFailed(NodeId(node), "it is late");
  }
  engine_->CheckFailures();
  transport_.ForgetFailures();
}

void EngineWorld::ComeToRest() {
  constexpr int kRounds = 32;  // a deferred request may lead to the next transition
  transport_.ForgetFailures();
  bool rests = false;
  for (int round = 0; round < kRounds && !rests; ++round) {
    rests = true;
    while (transport_.chains_under_way() > 0) EndChain(true);
    bool acks_missing = false;
    for (uint64_t index = 0; index < kPages; ++index) {
      if (state(index) == State::kInvalid) continue;
      rests = false;
      Settle(index);
      acks_missing |= state(index) == State::kAwaitAcks;
    }
    if (acks_missing) ForgoAcks();
    Wait(2 * kHoldNs);
    transport_.TakeSent();
  }
  for (uint64_t index = 0; index < kPages; ++index) {
    const internal::PageRecord& record = region_->records[index];
    if (record.state.state != State::kInvalid || record.slot_plus_one != 0 || record.pins != 0 ||
        pager_.mapped(index) != FakePager::Mapped::kNot) {
      std::fprintf(stderr, "page %llu does not come to rest: %s, slot %d, %d pins, mapped %d\n",
                   static_cast<unsigned long long>(index), directory::Name(record.state.state),
                   int{record.slot_plus_one}, int{record.pins},
                   static_cast<int>(pager_.mapped(index)));
      std::abort();
    }
  }
  transport_.ForgetFailures();
}

}  // namespace farpage::testing

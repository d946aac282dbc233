#include "runtime/engine/engine.h"

#include <algorithm>

#include "runtime/fatal.h"

namespace farpage::internal {

using directory::Effects;
using directory::Input;
using directory::State;
using directory::Stimulus;
using directory::Verdict;
using transport::Fate;

namespace {

constexpr int64_t kSleepSliceNs = 100'000'000;

bool IsResting(State state) {
  return state == State::kInvalid || state == State::kShared || state == State::kExpiring ||
         state == State::kExclusive;
}

// Whether an access to a page in this state can be part of a run.
bool CanRun(State state, Access access) {
  return state == State::kInvalid || (state == State::kShared && access == Access::kWrite);
}

}  // namespace

Engine::Engine(Cluster& cluster, AddressSpace& space, Pager& pager, const EngineOptions& options)
    : cluster_(cluster),
      space_(space),
      pager_(pager),
      fabric_(cluster.fabric()),
      counters_(cluster.counters()),
      options_(options),
      layout_(cluster.size()),
      direct_(cluster.transport().capabilities().direct_access),
      inline_(cluster.transport().capabilities().completes_inline),
      cache_(std::make_unique<CacheQueue>(std::max<uint64_t>(options.cache_pages, 16))) {}

absl::StatusOr<std::unique_ptr<Engine>> Engine::Create(Cluster& cluster, AddressSpace& space,
                                                       Pager& pager, const EngineOptions& options) {
  std::unique_ptr<Engine> engine(new Engine(cluster, space, pager, options));
  absl::StatusOr<std::unique_ptr<SlotPool>> slots =
      SlotPool::Create(cluster.transport(), engine.get());
  if (!slots.ok()) return slots.status();
  engine->slots_ = *std::move(slots);
  return engine;
}

Engine::Page Engine::Adopt(Region& region, uint64_t index) {
  return Page{.region = region,
              .index = index,
              .record = region.records[index],
              .home = region.homes.HomeOf(index)};
}

Engine::Page Engine::Lock(Region& region, uint64_t index) {
  region.records[index].Lock();
  return Adopt(region, index);
}

uint32_t Engine::Unlock(Page& page) {
  return page.changed ? page.record.UnlockChanged() : page.record.Unlock();
}

Slot* Engine::SlotOf(const PageRecord& record) {
  return record.slot_plus_one == 0 ? nullptr
                                   : &slots_->at(static_cast<uint16_t>(record.slot_plus_one - 1));
}

void Engine::Attach(Page& page, Slot* slot) {
  slot->page.store(page.id(), std::memory_order_relaxed);
  page.record.slot_plus_one = static_cast<uint16_t>(slot->index + 1);
}

void Engine::Detach(Page& page) {
  Slot* slot = SlotOf(page.record);
  if (!slot->serving && slot->chains > 0 && slot->messages == 0) {
    counters_.Add(Counter::clean_misses);
    counters_.Add(Counter::clean_miss_chains, slot->chains);
  }
  page.record.slot_plus_one = 0;
  slots_->Release(slot);
}

// Every step of the protocol is made here.
Verdict Engine::Step(const Page& page, const Stimulus& stimulus, Effects& effects) {
  Slot* slot = SlotOf(page.record);
  directory::NodeSet* need = slot != nullptr ? &slot->need : nullptr;
  if (options_.stepper != nullptr) [[unlikely]] {
    return options_.stepper->Step(page.id(), page.record.state, need, stimulus, effects);
  }
  return directory::Step(page.record.state, need, stimulus, effects);
}

Verdict Engine::Feed(Page& page, Stimulus stimulus) {
  Effects effects;
  const Verdict verdict = Step(page, stimulus, effects);
  if (verdict == Verdict::kImpossible && !directory::IsMessage(stimulus.input)) {
    ReportImpossible(page, stimulus);
  }
  if (verdict == Verdict::kStepped) Continue(page, effects, stimulus);
  return verdict;
}

void Engine::Continue(Page& page, const Effects& effects, const Stimulus& stimulus) {
  page.changed = true;
  std::optional<Stimulus> next = Execute(page, effects, stimulus);
  while (next.has_value()) {
    Effects more;
    const Stimulus now = *next;
    const Verdict verdict = Step(page, now, more);
    if (verdict == Verdict::kImpossible) ReportImpossible(page, now);
    if (verdict != Verdict::kStepped) break;
    next = Execute(page, more, now);
  }
  Settle(page);
}

// Ends a hold that could not be queued, gives back what a page at rest does not need, and serves
// requests that are due.
void Engine::Settle(Page& page) {
  if (std::exchange(page.hold_over, false)) Feed(page, {.input = Input::kHoldOver});
  Slot* slot = SlotOf(page.record);
  if (slot == nullptr || !IsResting(page.record.state.state)) return;
  if (slot->deferred_count == 0) {
    Detach(page);
    return;
  }
  if (!page.serve_deferred) return;  // the table says when, in every state
  page.serve_deferred = false;
  const std::array<Request, Slot::kDeferred> due = slot->deferred;
  const uint8_t count = std::exchange(slot->deferred_count, uint8_t{0});
  Detach(page);
  for (uint8_t index = 0; index < count; ++index) ServeRequest(page, due[index]);
}

void Engine::CountFault(const Page& page, Access access, Verdict verdict, bool was_mapped) {
  if (verdict == Verdict::kHit) return;
  if (verdict == Verdict::kWait) {
    counters_.Add(Counter::joined_faults);
  } else if (access == Access::kRead) {
    counters_.Add(Counter::read_faults);
  } else {
    counters_.Add(was_mapped ? Counter::upgrade_faults : Counter::write_faults);
  }
  if (page.home == cluster_.self()) counters_.Add(Counter::home_faults);
}

// Whether the access will need a chain of its own, so that a slot must be at hand.
bool Engine::StartMiss(Page& page, Access access) {
  const State state = page.record.state.state;
  const bool needs_chain =
      state == State::kInvalid ||
      (access == Access::kWrite && (state == State::kShared || state == State::kExpiring));
  if (!needs_chain || page.record.slot_plus_one != 0) return true;
  Slot* slot = slots_->AcquireMiss();
  if (slot == nullptr) return false;
  Attach(page, slot);
  return true;
}

// The first fault of a stream's next stretch fetches the stretch. True if a chain is on its way (or
// has ended already) and the page is unlocked; false if nothing was done.
bool Engine::StartStream(Page& page, Access access) {
  if (!options_.prefetch || !CanRun(page.record.state.state, access)) return false;
  const bool upgrade = page.record.state.state == State::kShared;
  StreamDetector::Stream& stream = StreamDetector::OfThisThread().Note(page.id(), access);
  const PageId from = page.id();
  const uint64_t limit = std::min<uint64_t>(stream.window, RunLimit(page.region, page.index));
  const bool ahead = stream.window == Run::kMaxPages && AskAgentFor(stream, page, limit);
  const uint64_t pages = stream.window > 1 ? StartRun(page, stream.window, access, true) : 0;
  stream.next = from.value + std::max<uint64_t>(pages, 1);
  if (pages == 0) return false;
  if (ahead && pages == limit) stream.next += Run::kMaxPages;
  counters_.Add(access == Access::kRead ? Counter::read_faults
                : upgrade               ? Counter::upgrade_faults
                                        : Counter::write_faults);
  if (page.home == cluster_.self()) counters_.Add(Counter::home_faults);
  return true;
}

// A long stream is fetched by two: the stretch after the one that its thread is about to fetch is
// left to the agent. False where a chain does not keep its thread busy.
bool Engine::AskAgentFor(StreamDetector::Stream& stream, const Page& page, uint64_t after) {
  if (!inline_) return false;
  stretches_.Remove(page.region, page.index);  // the agent has not come to this one in time
  const uint64_t first = page.index + after;
  if (first >= page.region.pages()) return false;
  stream.ahead = page.id().value + after;
  stretches_.Push({&page.region, first, Run::kMaxPages, stream.access});
  fabric_.transport().Interrupt();
  return true;
}

bool Engine::FetchStretch() {
  const std::optional<Stretch> stretch = stretches_.Pop();
  if (!stretch.has_value()) return false;
  FetchAhead(*stretch->region, stretch->first, stretch->pages, stretch->access);
  return true;
}

AccessResult Engine::Obtain(Region& region, uint64_t index, Access access, int64_t deadline_ns) {
  const Stimulus wish{.input = access == Access::kRead ? Input::kRead : Input::kWrite};
  MakeRoom();
  for (bool first = true;; first = false) {
    Page page = Lock(region, index);
    if (first && StartStream(page, access)) continue;
    if (!first && page.record.lost && page.record.state.state == State::kInvalid) {
      const NodeId failed(page.record.installed_at);
      Unlock(page);
      return {Fate::kPeerFailed, failed};
    }
    if (!StartMiss(page, access)) {  // all slots are in use: some will end
      Unlock(page);
      fabric_.Progress();
      SpinPause();
      if (fabric_.NowNs() >= deadline_ns) return {Fate::kTimedOut, page.home};
      continue;
    }
    const bool was_mapped = page.record.state.mapped;
    const Verdict verdict = Feed(page, wish);
    if (first) CountFault(page, access, verdict, was_mapped);
    const directory::PageState& state = page.record.state;
    const bool done = verdict == Verdict::kHit || state.state == State::kExclusive ||
                      (access == Access::kRead && state.mapped);
    const NodeId awaited = state.partner.valid() ? state.partner : page.home;
    const bool fabric_only = state.state == State::kReadChain || state.state == State::kWriteChain;
    const uint32_t seen = Unlock(page);
    if (done) return {};
    if (page.failed.valid()) return {Fate::kPeerFailed, page.failed};
    const int64_t spin_ns = fabric_only ? fabric_.chain_spin_ns() : fabric_.spin_ns();
    if (!WaitForChange(page.record, seen, spin_ns, deadline_ns)) {
      return {Fate::kTimedOut, awaited};
    }
  }
}

bool Engine::WaitForChange(RecordLock& record, uint32_t seen, int64_t spin_ns,
                           int64_t deadline_ns) {
  {
    Fabric::PollingScope polling(fabric_);
    const int64_t sleep_at = fabric_.NowNs() + spin_ns;
    do {
      for (int turn = 0; turn < kTurnsPerClock; ++turn) {
        fabric_.Progress();
        if (record.version() != seen) return true;
        SpinPause();
      }
    } while (fabric_.NowNs() < sleep_at);
  }
  counters_.Add(Counter::sleeps);
  while (record.version() == seen) {
    const int64_t now = fabric_.NowNs();
    if (now >= deadline_ns) return false;
    record.SleepUntilChange(seen, std::min(deadline_ns, now + kSleepSliceNs));
    if (fabric_.AnyFailedPeer().valid()) CheckFailures();
  }
  return true;
}

void Engine::FetchAhead(Region& region, uint64_t first, uint64_t count, Access access) {
  const uint64_t end = std::min(first + count, region.pages());
  while (first < end) {
    MakeRoom();
    Page page = Lock(region, first);
    const uint64_t started = CanRun(page.record.state.state, access)
                                 ? StartRun(page, end - first, access, /*wanted=*/false)
                                 : 0;
    if (started == 0) Unlock(page);
    // Answers that have come by now give back what the next run needs.
    if (started != 0) fabric_.Progress();
    first += std::max<uint64_t>(started, 1);
  }
}

AccessResult Engine::Pin(Region& region, uint64_t index, Access access, int64_t deadline_ns) {
  constexpr uint16_t kMostPins = (1 << 14) - 1;
  for (;;) {
    const AccessResult obtained = Obtain(region, index, access, deadline_ns);
    if (obtained.fate != Fate::kOk) return obtained;
    Page page = Lock(region, index);
    const State state = page.record.state.state;
    // A copy whose ACK is owed stays as long as it is pinned: where many write, a reader may never
    // find any other.
    const bool usable =
        state == State::kExclusive ||
        (access == Access::kRead && (state == State::kShared || state == State::kExpiring));
    if (usable && page.record.pins < kMostPins) {
      ++page.record.pins;
      Unlock(page);
      return {};
    }
    Unlock(page);
    fabric_.Progress();  // a copy that is about to go must go before the next can come
    SpinPause();
    if (fabric_.NowNs() >= deadline_ns) return {Fate::kTimedOut, page.home};
  }
}

void Engine::Unpin(Region& region, uint64_t index) {
  Page page = Lock(region, index);
  if (--page.record.pins == 0) Feed(page, {.input = Input::kHoldOver});
  Unlock(page);
}

void Engine::CheckFailures() {
  for (uint32_t node = 0; node < fabric_.size(); ++node) {
    if (!fabric_.transport().peer_failed(NodeId(node))) continue;
    // What it sent while it lived counts; the protocol expects nothing from it afterwards.
    fabric_.StopReceivingFrom(NodeId(node));
    for (uint16_t index = 0; index < slots_->size(); ++index) {
      // May be stale: the record decides.
      const PageId id = slots_->at(index).page.load(std::memory_order_relaxed);
      Region* region = space_.Find(id);
      if (region == nullptr || region->records == nullptr) continue;
      Page page = Lock(*region, id.value - region->first_page.value);
      if (page.record.slot_plus_one != 0) {
        Feed(page, {.input = Input::kPeerFailed, .from = NodeId(node)});
      }
      Unlock(page);
    }
  }
}

bool Engine::RunTimers() {
  if (holds_.empty()) return false;
  const int64_t now = fabric_.NowNs();
  bool any = false;
  while (std::optional<PageId> id = holds_.Pop(now)) {
    Region* region = space_.Find(*id);
    Page page = Lock(*region, id->value - region->first_page.value);
    if (page.record.pins == 0) Feed(page, {.input = Input::kHoldOver});
    Unlock(page);
    any = true;
  }
  return any;
}

void Engine::ReportImpossible(const Page& page, const Stimulus& stimulus) {
  Fatal(
      "node %u: page %llu of region '%s': %s from node %u cannot happen in state %s; "
      "the coherence protocol is broken, please report this line",
      cluster_.self().value(), static_cast<unsigned long long>(page.index),
      page.region.name.c_str(), directory::Name(stimulus.input), stimulus.from.value(),
      directory::Name(page.record.state.state));
}

}  // namespace farpage::internal

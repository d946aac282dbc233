// Several pages in one chain, to read or to write: sequential streams and explicit prefetch.
#include <algorithm>
#include <array>
#include <cstring>

#include "runtime/engine/engine.h"

namespace farpage::internal {

using directory::EffectKind;
using directory::Effects;
using directory::EntryLayout;
using directory::Input;
using directory::State;
using directory::Stimulus;
using directory::Verdict;
using transport::Fate;
using transport::Operation;
using transport::RemoteAddress;

namespace {

// An effect list that only maps a page, so that neighbours can be mapped with it.
bool OnlyMaps(const Effects& effects, const Run& run) {
  const EffectKind map = run.upgrade                   ? EffectKind::kMakeWritable
                         : run.access == Access::kRead ? EffectKind::kInstallReadOnly
                                                       : EffectKind::kInstallWritable;
  if (effects.size() == 0 || effects[0].kind != map) return false;
  // A hold that nobody waits behind needs no timer.
  return effects.size() == 1 || (effects.size() == 2 && effects[1].kind == EffectKind::kStartHold &&
                                 run.access == Access::kWrite);
}

}  // namespace

uint64_t Engine::RunLimit(const Region& region, uint64_t index) const {
  const uint64_t chain_room = cluster_.fabric().transport().capabilities().max_chain - 2;
  return std::min({region.homes.RunLength(index), uint64_t{Run::kMaxPages}, chain_room,
                   std::max<uint64_t>(cache_->capacity() / 4, 1)});
}

uint64_t Engine::StartRun(Page& first, uint64_t count, Access access, bool wanted) {
  Slot* slot = wanted ? slots_->AcquireMiss() : nullptr;
  if (wanted && slot == nullptr) return 0;
  Run* run = slots_->AcquireRun();
  if (run == nullptr) {
    if (slot != nullptr) slots_->Release(slot);
    return 0;
  }
  if (slot != nullptr) Attach(first, slot);  // what the first page may need beyond this chain
  run->region = &first.region;
  run->first = first.index;
  run->access = access;
  run->upgrade = first.record.state.state == State::kShared;
  run->wanted = wanted ? 1 : 0;
  run->pages = LockRun(first, std::min(count, RunLimit(first.region, first.index)), *run);
  const uint32_t pages = run->pages;
  if (pages == 0) {
    slots_->Release(run);
    return 0;
  }
  counters_.Add(Counter::miss_chains);
  if (slot != nullptr) slot->chains = 1;
  if (!run->upgrade) {
    counters_.Add(Counter::prefetched_pages, pages - run->wanted);
    if (first.home != cluster_.self()) counters_.Add(Counter::read_bytes, pages * kPageBytes);
  }

  // The chain is on its way before the pages are unlocked, so that later operations on them follow
  // it. Its end may be reported by another thread at once: that thread then waits for the locks.
  Region& region = first.region;
  const uint64_t begin = first.index;
  const Fate fate = PostRun(*run);
  if (fate == Fate::kPending) {
    for (uint64_t index = begin; index < begin + pages; ++index) {
      region.records[index].UnlockChanged();
    }
  } else {
    FinishRun(*run, fate, /*locked=*/true);
  }
  return pages;
}

// Locks the pages after the first that are in the same state, and steps all of them.
uint32_t Engine::LockRun(Page& first, uint64_t count, Run& run) {
  const Input wish = run.access == Access::kRead ? Input::kRead : Input::kWrite;
  const State state = first.record.state.state;
  uint32_t pages = 0;
  for (; pages < count; ++pages) {
    PageRecord& record = first.region.records[first.index + pages];
    if (pages > 0) {
      if (!record.TryLock()) break;
      if (record.state.state != state || record.slot_plus_one != 0) {
        record.Unlock();
        break;
      }
    }
    // An upgrade can lose the copy, which a pin keeps: only who wants to write may risk that.
    const bool pinned = pages >= run.wanted && record.pins != 0;
    if (run.upgrade && (pinned || !OwnsSlot(record, {first.id().value + pages}))) {
      if (pages > 0) record.Unlock();
      break;
    }
    Effects effects;
    Step(Adopt(first.region, first.index + pages), {.input = wish}, effects);
    // Which pages need their sharer bit set is noted where the old values come back.
    reinterpret_cast<uint64_t*>(run.swap_buffer.data)[pages] =
        effects[0].kind == EffectKind::kPostReadChainBitOn ? 1 : 0;
  }
  return pages;
}

// A page that loses its copy during the upgrade has to go on whatever the chain finds (R5), and one
// that others share is expected to: both need a slot. False if none is to spare.
bool Engine::OwnsSlot(PageRecord& record, PageId id) {
  if (record.slot_plus_one != 0) return true;
  Slot* slot = slots_->AcquireMiss(slots_->reserved_slots());
  if (slot == nullptr) return false;
  slot->page.store(id, std::memory_order_relaxed);
  record.slot_plus_one = static_cast<uint16_t>(slot->index + 1);
  return true;
}

// Atomics of all pages, then all entries, then all frames: each page's order is that of its own
// chain.
Fate Engine::PostRun(Run& run) {
  const NodeId self = cluster_.self();
  const Page first = Adopt(*run.region, run.first);
  const RemoteAddress entry = EntryAt(first);
  auto* old = reinterpret_cast<uint64_t*>(run.swap_buffer.data);
  std::array<Operation, Run::kMaxPages + 2> operations;
  size_t count = 0;
  for (uint32_t page = 0; page < run.pages; ++page) {
    const RemoteAddress at = entry + uint64_t{page} * layout_.bytes();
    if (run.access == Access::kWrite) {
      operations[count++] = Operation::CompareAndSwap(
          at, directory::kNoHolder, directory::EncodeHolder(self), old + page, run.swap_buffer.key);
    } else if (old[page] == 0) {
      operations[count++] = Operation::FetchAndAdd(at + EntryLayout::BitOffset(self),
                                                   EntryLayout::BitValue(self), nullptr, {});
    }
  }
  counters_.Add(Counter::fabric_atomics, count);
  operations[count++] = Operation::Read(run.result_buffer.data, run.result_buffer.key, entry,
                                        run.pages * layout_.bytes());
  if (!run.upgrade && !ReadsFrameInPlace(first)) {
    operations[count++] = Operation::Read(run.landing.data, run.landing.key, FrameAt(first),
                                          run.pages * static_cast<uint32_t>(kPageBytes));
  }
  run.done = &Engine::OnRunEnd;
  return fabric_.Post(first.home, {operations.data(), count}, &run);
}

void Engine::OnRunEnd(PostedChain* chain, Fate fate) {
  Run& run = *static_cast<Run*>(chain);
  run.engine->FinishRun(run, fate, /*locked=*/false);
}

void Engine::FinishRun(Run& run, Fate fate, bool locked) {
  Region& region = *run.region;
  const NodeId home = region.homes.HomeOf(run.first);  // of all pages of a run
  directory::NodeSet sharers;
  uint32_t install_begin = 0;  // pages install_begin … index − 1 wait to be mapped together
  for (uint32_t index = 0; index < run.pages; ++index) {
    PageRecord& record = region.records[run.first + index];
    if (!locked) record.Lock();
    Page page{.region = region, .index = run.first + index, .record = record, .home = home};
    Stimulus stimulus{.input = Input::kChainFailed, .from = page.home};
    if (fate == Fate::kOk) {
      const uint64_t* entry = run.entry(index, layout_);
      stimulus = run.access == Access::kRead ? ReadStimulus(entry[0])
                                             : WriteStimulus(run.swapped(index), entry, &sharers);
      stimulus.ahead = index >= run.wanted && !run.upgrade && !GoesOn(page, stimulus);
      stimulus = LookAgain(stimulus, SlotOf(page.record));
    }
    Slot* slot = SlotOf(page.record);
    Effects effects;
    const Verdict verdict = Step(page, stimulus, effects);
    if (verdict != Verdict::kStepped) ReportImpossible(page, stimulus);
    const bool nothing_deferred = slot == nullptr || slot->deferred_count == 0;
    if (OnlyMaps(effects, run) && nothing_deferred) continue;
    InstallRun(run, install_begin, index);
    install_begin = index + 1;
    if (!run.upgrade && !ReadsFrameInPlace(page)) {
      page.landed = run.landing.data + index * kPageBytes;
      // The run's buffer goes back soon; what the page may wait for with it goes on.
      if (slot != nullptr) std::memcpy(slot->landing.data, page.landed, kPageBytes);
    }
    Continue(page, effects, stimulus);
    page.record.UnlockChanged();
  }
  InstallRun(run, install_begin, run.pages);
  slots_->Release(&run);
}

// Whether a page that nobody waits for yet, and that needs other nodes, is fetched all the same:
// where slots are to spare. What a producer has written thus comes in a pipeline, not page by page.
bool Engine::GoesOn(Page& page, const Stimulus& stimulus) {
  const bool needs_others =
      stimulus.holder.valid() || (stimulus.sharers != nullptr && !stimulus.sharers->empty());
  if (!needs_others || stimulus.holder_failed) return false;
  Slot* slot = slots_->AcquireMiss(slots_->reserved_slots());
  if (slot == nullptr) return false;
  slot->chains = 1;
  Attach(page, slot);
  return true;
}

// Maps pages begin … end − 1 of the run, which are locked, with one call, and unlocks them.
void Engine::InstallRun(const Run& run, uint32_t begin, uint32_t end) {
  if (begin == end) return;
  Region& region = *run.region;
  const Page first = Adopt(region, run.first + begin);
  const size_t pages = end - begin;
  const uint64_t offset = region.homes.IndexAtHome(first.index) * kPageBytes;
  if (!run.upgrade) counters_.Add(Counter::installed_pages, pages);
  if (run.upgrade) {
    pager_.MakeWritable(first.address(), pages);
  } else if (InPlace(first)) {
    std::byte* frame = region.frames.own->data() + offset;
    for (size_t page = 0; page < pages; ++page) {  // the frames must exist
      static_cast<void>(*reinterpret_cast<volatile char*>(frame + page * kPageBytes));
    }
    pager_.MapHome(first.address(), pages, run.access);
  } else {
    const std::byte* view = region.frame_views[first.home.value()];
    const std::byte* source =
        view != nullptr ? view + offset : run.landing.data + begin * kPageBytes;
    pager_.Install(first.address(), source, pages, run.access);
    NoteInstalled(region, first.index, pages);
  }
  const uint32_t now = CoarseNow();
  for (uint64_t index = first.index; index < first.index + pages; ++index) {
    PageRecord& record = region.records[index];
    record.installed_at = now;
    if (record.slot_plus_one != 0) {
      Page page = Adopt(region, index);
      Settle(page);
    }
    record.UnlockChanged();
  }
}

}  // namespace farpage::internal

// Faults: pages read from their homes' frames.
#include <algorithm>

#include "runtime/engine/stream_detector.h"
#include "runtime/release/release_engine.h"

namespace farpage::internal {

using directory::ReleaseEffect;
using directory::ReleaseEffects;
using directory::ReleaseInput;
using directory::ReleaseState;
using directory::ReleaseVerdict;
using transport::Fate;
using transport::Operation;

AccessResult ReleaseEngine::Obtain(Region& region, uint64_t index, Access access,
                                   int64_t deadline_ns) {
  const ReleaseInput wish = access == Access::kRead ? ReleaseInput::kRead : ReleaseInput::kWrite;
  Page page = At(region, index);
  Supplies supplies;
  AccessResult result;
  StreamDetector::Stream* stream = nullptr;
  if (!page.at_home) {
    engine_.MakeRoom();
    if (engine_.prefetches()) {
      stream = &StreamDetector::OfThisThread().Note({region.first_page.value + index}, access);
    }
  }
  for (bool first = true;; first = false) {
    if (!page.at_home && !TakeSupplies(page, access, supplies, deadline_ns)) {
      result = {Fate::kTimedOut, page.home};
      break;
    }
    page.record.Lock();
    ReleaseEffects effects;
    const ReleaseVerdict verdict = Step(page, wish, effects);
    if (first) CountFault(page, access, verdict);
    if (verdict == ReleaseVerdict::kHit) {
      // Listed already; but what it lies in may have been closed since.
      if (access == Access::kWrite && IsTracked(page)) region.tracker->Open(page.address());
      page.record.Unlock();
      break;
    }
    if (verdict == ReleaseVerdict::kWait) {
      const uint32_t seen = page.record.Unlock();
      if (engine_.WaitForChange(page.record, seen, fabric_.chain_spin_ns(), deadline_ns)) continue;
      result = {Fate::kTimedOut, page.home};
      break;
    }
    if (!effects.contains(ReleaseEffect::kFetch)) {
      Execute(page, effects, nullptr, /*is_protected=*/false, supplies);
      page.record.UnlockChanged();
      break;
    }
    uint64_t pages = stream != nullptr ? stream->window : 1;
    result = Fetch(page, access, pages, supplies, deadline_ns);
    if (result.fate != Fate::kOk) break;
    if (stream != nullptr) stream->next = region.first_page.value + index + pages;
  }
  Return(supplies);
  return result;
}

// What the access may need. None of it is waited for with a record locked.
bool ReleaseEngine::TakeSupplies(const Page& page, Access access, Supplies& supplies,
                                 int64_t deadline_ns) {
  for (;;) {
    if (access == Access::kWrite && supplies.twin == TwinPool::kNone) {
      supplies.twin = twins_.Acquire();
    }
    const bool lands = page.region.frame_views[page.home.value()] == nullptr;
    if (lands && supplies.landing == LandingPool::kNone) supplies.landing = landing_->TryTake();
    const bool complete = (access == Access::kRead || supplies.twin != TwinPool::kNone) &&
                          (!lands || supplies.landing != LandingPool::kNone);
    if (complete) return true;
    // Some are in use for microseconds, twins until their pages are evicted.
    if (supplies.twin == TwinPool::kNone) engine_.MakeRoom();
    fabric_.Progress();
    SpinPause();
    if (fabric_.NowNs() >= deadline_ns) return false;
  }
}

// Called with the first page locked and fetching; unlocks it.
AccessResult ReleaseEngine::Fetch(Page& page, Access access, uint64_t& pages, Supplies& supplies,
                                  int64_t deadline_ns) {
  pages = LockWindow(page, pages);
  counters_.Add(Counter::miss_chains);
  counters_.Add(Counter::clean_misses);
  counters_.Add(Counter::clean_miss_chains);
  counters_.Add(Counter::prefetched_pages, pages - 1);
  counters_.Add(Counter::read_bytes, pages * kPageBytes);
  std::byte* frames = page.region.frame_views[page.home.value()];
  Fate fate = Fate::kOk;
  const std::byte* content = nullptr;
  if (frames != nullptr) {
    if (fabric_.transport().peer_failed(page.home)) fate = Fate::kPeerFailed;
    content = frames + page.region.homes.IndexAtHome(page.index) * kPageBytes;
  } else {
    for (uint64_t next = 0; next < pages; ++next) {
      page.region.release_records[page.index + next].UnlockChanged();
    }
    fate = ReadFrames(page, pages, supplies, deadline_ns);
    content = landing_->at(supplies.landing);
    for (uint64_t next = 0; next < pages; ++next) {
      page.region.release_records[page.index + next].Lock();
    }
  }
  if (fate == Fate::kOk) {
    FinishFetch(page, pages, access, content, supplies);
    return {};
  }
  for (uint64_t next = 0; next < pages; ++next) {
    Page one = At(page.region, page.index + next);
    ReleaseEffects effects;
    Step(one, ReleaseInput::kFetchFailed, effects);
    one.record.UnlockChanged();
  }
  return {fate, page.home};
}

// Locks the pages after the first that are not here either, and marks them as being fetched.
uint64_t ReleaseEngine::LockWindow(const Page& first, uint64_t window) {
  const uint64_t most =
      std::min({window, first.region.homes.RunLength(first.index), uint64_t{LandingPool::kPages},
                std::max<uint64_t>(cache_.capacity() / 4, 1)});
  uint64_t pages = 1;
  for (; pages < most; ++pages) {
    Page page = At(first.region, first.index + pages);
    if (!page.record.TryLock()) break;
    if (page.record.page.state != ReleaseState::kInvalid) {
      page.record.Unlock();
      break;
    }
    ReleaseEffects effects;
    Step(page, ReleaseInput::kRead, effects);
  }
  return pages;
}

Fate ReleaseEngine::ReadFrames(const Page& first, uint64_t pages, Supplies& supplies,
                               int64_t deadline_ns) {
  const transport::RemoteAddress frame = first.region.frames.remote[first.home.value()] +
                                         first.region.homes.IndexAtHome(first.index) * kPageBytes;
  const Operation read = Operation::Read(landing_->at(supplies.landing), landing_->key(), frame,
                                         static_cast<uint32_t>(pages * kPageBytes));
  return fabric_.Run(first.home, {&read, 1}, deadline_ns);
}

// Maps the fetched pages, neighbours with one call, and unlocks them.
void ReleaseEngine::FinishFetch(Page& first, uint64_t pages, Access access,
                                const std::byte* content, Supplies& supplies) {
  uint64_t begin = 0;  // pages begin … next − 1 wait to be mapped
  const auto map = [&](uint64_t end) {
    if (begin == end) return;
    pager_.Install(first.region.address(first.index + begin), content + begin * kPageBytes,
                   end - begin, Access::kRead);
    NoteInstalled(first.region, first.index + begin, end - begin);
  };
  for (uint64_t next = 0; next < pages; ++next) {
    Page page = At(first.region, first.index + next);
    const bool writes = next == 0 && access == Access::kWrite;
    ReleaseEffects effects;
    Step(page, writes ? ReleaseInput::kFetchedToWrite : ReleaseInput::kFetched, effects);
    if (effects.size() == 1 && effects.contains(ReleaseEffect::kMapRead)) continue;
    if (effects.size() == 0) {
      counters_.Add(Counter::poisoned_fetches);
    }
    map(next);
    begin = next + 1;
    Execute(page, effects, content + next * kPageBytes, /*is_protected=*/false, supplies);
  }
  map(pages);
  for (uint64_t next = 0; next < pages; ++next) {
    first.region.release_records[first.index + next].UnlockChanged();
  }
}

void ReleaseEngine::FetchAhead(Region& region, uint64_t first, uint64_t count,
                               int64_t deadline_ns) {
  const uint64_t end = std::min(first + count, region.pages());
  for (uint64_t index = first; index < end;) {
    Page page = At(region, index);
    if (page.at_home) {
      index += region.homes.RunLength(index);
      continue;
    }
    engine_.MakeRoom();
    Supplies supplies;
    if (!TakeSupplies(page, Access::kRead, supplies, deadline_ns)) return;
    uint64_t pages = end - index;
    page.record.Lock();
    ReleaseEffects effects;
    const bool absent = page.record.page.state == ReleaseState::kInvalid;
    if (absent) {
      Step(page, ReleaseInput::kRead, effects);
      if (Fetch(page, Access::kRead, pages, supplies, deadline_ns).fate != Fate::kOk) {
        Return(supplies);
        return;
      }
    } else {
      page.record.Unlock();
    }
    Return(supplies);
    index += absent ? pages : 1;
  }
}

void ReleaseEngine::CountFault(const Page& page, Access access, ReleaseVerdict verdict) {
  if (verdict == ReleaseVerdict::kHit) return;
  if (verdict == ReleaseVerdict::kWait) {
    counters_.Add(Counter::joined_faults);
  } else if (access == Access::kRead) {
    counters_.Add(Counter::read_faults);
  } else {
    const bool was_here = page.record.page.state == ReleaseState::kDirty;  // now
    counters_.Add(was_here ? Counter::upgrade_faults : Counter::write_faults);
  }
  if (page.at_home) counters_.Add(Counter::home_faults);
}

}  // namespace farpage::internal

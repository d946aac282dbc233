// Copies that have to go because other nodes have written their pages.
#include <algorithm>

#include "runtime/release/release_engine.h"

namespace farpage::internal {

using directory::ReleaseEffects;
using directory::ReleaseInput;
using directory::ReleaseState;

// Neighbours that were not written here, unmapped with one call.
class ReleaseEngine::CleanBatch {
 public:
  CleanBatch(ReleaseEngine& engine, Region& region) : engine_(engine), region_(region) {}
  ~CleanBatch() { Flush(); }
  CleanBatch(const CleanBatch&) = delete;
  CleanBatch& operator=(const CleanBatch&) = delete;

  // Takes a locked page whose step said: unmap.
  void Add(uint64_t index) {
    if (count_ == 0 || index != first_ + count_ || count_ == kMost) {
      Flush();
      first_ = index;
    }
    ++count_;
  }

  void Flush() {
    if (count_ == 0) return;
    engine_.pager_.Zap(region_.address(first_), count_, /*in_place=*/false);
    engine_.cache_.AddPresent(-static_cast<int64_t>(count_));
    engine_.counters_.Add(Counter::named_pages, count_);
    for (uint64_t index = first_; index < first_ + count_; ++index) {
      region_.release_records[index].UnlockChanged();
    }
    count_ = 0;
  }

 private:
  static constexpr uint64_t kMost = 64;

  ReleaseEngine& engine_;
  Region& region_;
  uint64_t first_ = 0;
  uint64_t count_ = 0;
};

void ReleaseEngine::DropNamed() {
  std::sort(notices_.begin(), notices_.end(),
            [](const Notice& a, const Notice& b) { return a.first < b.first; });
  uint64_t done = 0;  // pages below this one: several notices may name the same
  for (const Notice& notice : notices_) {
    const uint64_t end = notice.first.value + notice.pages;
    uint64_t page = std::max(notice.first.value, done);
    while (page < end) {
      Region* region = space_.Find(PageId{page});
      if (region == nullptr || region->release_records == nullptr)
        break;  // no sound node wrote this
      const uint64_t index = page - region->first_page.value;
      const uint64_t count = std::min(end - page, region->pages() - index);
      DropPages(*region, index, count);
      page += count;
    }
    done = std::max(done, end);
  }
}

// Not pages that never were here: their records are not even touched.
void ReleaseEngine::DropAll() {
  const uint32_t regions = region_count_.load(std::memory_order_acquire);
  for (uint32_t at = 0; at < regions; ++at) DropPages(*regions_[at], 0, regions_[at]->pages());
}

void ReleaseEngine::DropPages(Region& region, uint64_t first, uint64_t count) {
  // Who fetches a page for the first time, later than we look, reads what the notices tell of.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  CleanBatch batch(*this, region);
  Supplies supplies;
  const uint64_t end = first + count;
  for (uint64_t index = first; index < end;) {
    Page page = At(region, index);
    if (page.at_home) {  // what others write to it is there already
      index += region.homes.RunLength(index);
      continue;
    }
    ++index;
    if (page.record.untouched()) continue;
    if (supplies.buffer == DiffSender::kNoBuffer) {
      batch.Flush();
      supplies.buffer = TakeBuffer();
    }
    page.record.Lock();
    if (page.record.pins != 0) {
      page.record.Unlock();
      batch.Flush();
      UpdatePinned(page, supplies);
      continue;
    }
    const bool clean = page.record.page.state == ReleaseState::kClean;
    ReleaseEffects effects;
    Step(page, ReleaseInput::kNamed, effects);
    if (clean && effects.size() != 0) {
      batch.Add(page.index);
      continue;
    }
    if (effects.size() != 0) counters_.Add(Counter::named_pages);
    Execute(page, effects, nullptr, /*is_protected=*/false, supplies);
    page.record.UnlockChanged();
  }
  batch.Flush();
  Return(supplies);
}

// The frame is read first, with no record locked. It has all that the notices tell of.
void ReleaseEngine::UpdatePinned(Page& page, Supplies& supplies) {
  const int64_t deadline_ns = cluster_.FetchDeadlineNs();
  std::byte* frames = page.region.frame_views[page.home.value()];
  if (!TakeSupplies(page, Access::kWrite, supplies, deadline_ns)) return;
  if (frames != nullptr) {
    supplies.frame = frames + page.region.homes.IndexAtHome(page.index) * kPageBytes;
  } else {
    // A home that has failed takes the page along, for all that do not have it.
    if (ReadFrames(page, 1, supplies, deadline_ns) != transport::Fate::kOk) return;
    supplies.frame = landing_->at(supplies.landing);
  }
  page.record.Lock();
  ReleaseEffects effects;
  Step(page, ReleaseInput::kNamed, effects);
  if (effects.size() != 0) counters_.Add(Counter::named_pages);
  Execute(page, effects, nullptr, /*is_protected=*/false, supplies);
  page.record.UnlockChanged();
}

}  // namespace farpage::internal

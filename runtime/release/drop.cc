// Copies that have to go because other nodes have written their pages.
#include <algorithm>

#include "absl/strings/str_cat.h"

#include "runtime/release/release_engine.h"
#include "transport/full_fence.h"

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

absl::Status ReleaseEngine::DropNamed() {
  absl::Status status;
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
      status.Update(DropPages(*region, index, count));
      page += count;
    }
    done = std::max(done, end);
  }
  return status;
}

// Not pages that never were here: their records are not even touched.
absl::Status ReleaseEngine::DropAll() {
  absl::Status status;
  const uint32_t regions = region_count_.load(std::memory_order_acquire);
  for (uint32_t at = 0; at < regions; ++at) {
    status.Update(DropPages(*regions_[at], 0, regions_[at]->pages()));
  }
  return status;
}

absl::Status ReleaseEngine::DropPages(Region& region, uint64_t first, uint64_t count) {
  // Who fetches a page for the first time, later than we look, reads what the notices tell of.
  transport::FullFence();
  CleanBatch batch(*this, region);
  Supplies supplies;
  absl::Status status;
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
      status.Update(UpdatePinned(page, supplies));
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
  return status;
}

// The frame is read first, with no record locked. It has all that the notices tell of.
absl::Status ReleaseEngine::UpdatePinned(Page& page, Supplies& supplies) {
  const int64_t deadline_ns = cluster_.FetchDeadlineNs();
  std::byte* frames = page.region.frame_views[page.home.value()];
  transport::Fate fate = transport::Fate::kOk;
  if (!TakeSupplies(page, Access::kWrite, supplies, deadline_ns)) {
    fate = transport::Fate::kTimedOut;
  } else if (fabric_.transport().peer_failed(page.home)) {
    fate = transport::Fate::kPeerFailed;
  } else if (frames != nullptr) {
    supplies.frame = frames + page.region.homes.IndexAtHome(page.index) * kPageBytes;
  } else {
    fate = ReadFrames(page, 1, supplies, deadline_ns);
    supplies.frame = landing_->at(supplies.landing);
  }
  if (fate != transport::Fate::kOk) {
    return cluster_.FateError(fate,
                              absl::StrCat("pinned page ", page.index, " of region '",
                                           page.region.name, "', which others have written"),
                              page.home);
  }
  page.record.Lock();
  ReleaseEffects effects;
  Step(page, ReleaseInput::kNamed, effects);
  if (effects.size() != 0) counters_.Add(Counter::named_pages);
  Execute(page, effects, nullptr, /*is_protected=*/false, supplies);
  page.record.UnlockChanged();
  return absl::OkStatus();
}

}  // namespace farpage::internal

// Copies whose pages other nodes have written: most have to go, some take over what was written.
#include <algorithm>
#include <array>
#include <span>

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

// Neighbours that stay, whose home's frames are read with one operation. Where frames are mapped
// there is no need for it.
class ReleaseEngine::MergeBatch {
 public:
  MergeBatch(ReleaseEngine& engine, Region& region) : engine_(engine), region_(region) {}
  MergeBatch(const MergeBatch&) = delete;
  MergeBatch& operator=(const MergeBatch&) = delete;

  // Takes a locked page, and unlocks it. No other may be locked: this may wait.
  void Add(Page& page) {
    const bool joins = count_ != 0 && page.index == first_ + count_ && count_ < kMost &&
                       region_.homes.HomeOf(first_) == page.home;
    const uint32_t version = page.record.Unlock();
    if (!joins) {
      Flush();
      first_ = page.index;
    }
    versions_[count_++] = version;
  }

  // Locks one page at a time. What has changed while the frames were read is dropped after all: the
  // twin may be newer than what was read. Unless it has been pinned, then it is read once more.
  void Flush() {
    if (count_ == 0) return;
    const int64_t deadline_ns = engine_.cluster_.FetchDeadlineNs();
    std::array<uint64_t, kMost> pinned;
    size_t pinned_count = 0;
    Supplies supplies;
    const Page first = engine_.At(region_, first_);
    const bool read =
        engine_.TakeSupplies(first, Access::kRead, supplies, deadline_ns) &&
        engine_.ReadFrames(first, count_, supplies, deadline_ns) == transport::Fate::kOk;
    for (uint64_t at = 0; at < count_; ++at) {
      if (supplies.buffer == DiffSender::kNoBuffer) supplies.buffer = engine_.TakeBuffer();
      Page page = engine_.At(region_, first_ + at);
      page.record.Lock();
      const bool stays = read && page.record.version() == versions_[at];
      if (!stays && page.record.pins != 0) {
        versions_[at] = page.record.Unlock();
        pinned[pinned_count++] = at;
        continue;
      }
      if (read) supplies.frame = engine_.landing_->at(supplies.landing) + at * kPageBytes;
      engine_.Update(page, stays, supplies);
    }
    engine_.Return(supplies);
    for (const uint64_t at : std::span(pinned).first(pinned_count)) {
      if (supplies.buffer == DiffSender::kNoBuffer) supplies.buffer = engine_.TakeBuffer();
      Page page = engine_.At(region_, first_ + at);
      status_.Update(engine_.UpdatePinned(page, versions_[at], supplies));
    }
    engine_.Return(supplies);
    count_ = 0;
  }

  // Of pages that were pinned. After the last Flush().
  const absl::Status& status() const { return status_; }

 private:
  static constexpr uint64_t kMost = LandingPool::kPages;

  ReleaseEngine& engine_;
  Region& region_;
  uint64_t first_ = 0;
  uint64_t count_ = 0;
  std::array<uint32_t, kMost> versions_;
  absl::Status status_;
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
  MergeBatch merges(*this, region);
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
      const uint32_t version = page.record.Unlock();
      batch.Flush();
      status.Update(UpdatePinned(page, version, supplies));
      continue;
    }
    const ReleaseState state = page.record.page.state;
    if (state == ReleaseState::kClean) {
      ReleaseEffects effects;
      Step(page, ReleaseInput::kNamed, effects);
      if (effects.size() != 0) {
        batch.Add(page.index);
      } else {
        page.record.Unlock();
      }
      continue;
    }
    const bool stays = state == ReleaseState::kDirty && page.record.rewriting.copy_stays() &&
                       !fabric_.transport().peer_failed(page.home);
    std::byte* frames = region.frame_views[page.home.value()];
    if (stays && frames == nullptr) {
      batch.Flush();
      merges.Add(page);
      continue;
    }
    if (stays) supplies.frame = frames + region.homes.IndexAtHome(page.index) * kPageBytes;
    Update(page, stays, supplies);
  }
  batch.Flush();
  merges.Flush();
  status.Update(merges.status());
  Return(supplies);
  return status;
}

// Takes a locked page that was named, and unlocks it.
void ReleaseEngine::Update(Page& page, bool stays, Supplies& supplies) {
  ReleaseEffects effects;
  Step(page, ReleaseInput::kNamed, effects, stays);
  if (effects.size() != 0) {
    const bool merges = effects.contains(directory::ReleaseEffect::kMerge);
    counters_.Add(merges ? Counter::merged_pages : Counter::named_pages);
    if (merges) counters_.Add(Counter::read_bytes, kPageBytes);
  }
  Execute(page, effects, nullptr, /*is_protected=*/false, supplies);
  page.record.UnlockChanged();
}

// The frame is read first, with no record locked, since the page was of this version. It has all
// that the notices tell of. But if the page has changed since, a frame that was copied may be older
// than the page and its twin.
absl::Status ReleaseEngine::UpdatePinned(Page& page, uint32_t version, Supplies& supplies) {
  const int64_t deadline_ns = cluster_.FetchDeadlineNs();
  std::byte* frames = page.region.frame_views[page.home.value()];
  for (;;) {
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
    if (fate == transport::Fate::kOk) {
      page.record.Lock();
      if (frames != nullptr || page.record.pins == 0 || page.record.version() == version) {
        Update(page, /*stays=*/false, supplies);
        return absl::OkStatus();
      }
      version = page.record.Unlock();
      if (fabric_.NowNs() < deadline_ns) continue;
      fate = transport::Fate::kTimedOut;
    }
    return cluster_.FateError(fate,
                              absl::StrCat("pinned page ", page.index, " of region '",
                                           page.region.name, "', which others have written"),
                              page.home);
  }
}

}  // namespace farpage::internal

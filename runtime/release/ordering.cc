// Releases and acquires.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "runtime/release/release_engine.h"
#include "runtime/release/turn.h"

namespace farpage::internal {

using directory::ReleaseEffect;
using directory::ReleaseEffects;
using directory::ReleaseInput;
using transport::Fate;

absl::Status ReleaseEngine::NoTurn() const {
  return absl::DeadlineExceededError(absl::StrCat(
      "node ", cluster_.self().value(), ": another thread has been releasing or ", "acquiring for ",
      cluster_.options().cluster.timeout_ms, " ms (FARPAGE_TIMEOUT_MS)"));
}

absl::Status ReleaseEngine::Release(VectorClock clock) {
  if (cluster_.size() == 1) return absl::OkStatus();  // nobody has to be told
  // Another thread may be taking home what this one has written.
  Turn turn(*this);
  if (!turn.held()) {
    ReadClock(clock);
    return NoTurn();
  }
  const uint32_t regions = region_count_.load(std::memory_order_acquire);
  bool any = false;
  for (uint32_t index = 0; index < regions; ++index) {
    Region& region = *regions_[index];
    TakeWritten(region);
    if (written_.empty()) continue;
    if (!any) {
      notices_.clear();
      ++releases_;
    }
    any = true;
    ReleaseWritten(region);
  }
  absl::Status status;
  if (any) {
    Fence();
    if (lost_.fate != Fate::kOk) {
      status = cluster_.FateError(lost_.fate, "release: writes to pages of a home", lost_.peer);
      lost_ = {};
    }
    log_->Append(notices_);
    length_.store(log_->length(), std::memory_order_release);
  }
  ReadClock(clock);
  return status;
}

// What is visible here, and what has been released.
void ReleaseEngine::ReadClock(VectorClock clock) const {
  for (uint32_t node = 0; node < cluster_.size(); ++node) {
    clock[node].store(seen_[node].load(std::memory_order_acquire), std::memory_order_relaxed);
  }
  clock[cluster_.self().value()].store(length_.load(std::memory_order_acquire),
                                       std::memory_order_relaxed);
}

void ReleaseEngine::TakeWritten(Region& region) {
  written_.clear();
  TakeFound(region);
  // After that, for it passes over what has been listed: also by a fault of another thread that
  // has come in between.
  uint32_t next = region.listed.load(std::memory_order_acquire);
  // The list is read before any of its pages is let go, to be listed again.
  if (next != 0) next = region.listed.exchange(0, std::memory_order_acquire);
  while (next != 0) {
    written_.push_back(next - 1);
    next = region.release_records[next - 1].next_plus_one;
  }
}

// What the tracker has found, as if each page had faulted; but those that have.
void ReleaseEngine::TakeFound(Region& region) {
  if (region.tracker == nullptr) return;
  found_.clear();
  region.tracker->Collect(&found_);
  for (const WriteNotes::Run& run : found_) {
    const uint64_t first = static_cast<uint64_t>(run.page - region.base) / kPageBytes;
    for (uint64_t index = first; index < first + run.pages; ++index) {
      Page page = At(region, index);
      ReleaseEffects effects;
      page.record.Lock();
      const bool unknown =
          Step(page, ReleaseInput::kWrite, effects) == directory::ReleaseVerdict::kStepped;
      page.record.UnlockChanged();
      if (unknown) written_.push_back(static_cast<uint32_t>(index));
    }
  }
}

void ReleaseEngine::ReleaseWritten(Region& region) {
  std::sort(written_.begin(), written_.end());
  for (size_t begin = 0; begin < written_.size(); begin += kBatch) {
    const size_t count = std::min<size_t>(kBatch, written_.size() - begin);
    ReleaseBatch(region, {written_.data() + begin, count});
  }
}

void ReleaseEngine::ReleaseBatch(Region& region, std::span<const uint32_t> pages) {
  std::array<Supplies, kBatch> supplies;
  std::array<ReleaseEffects, kBatch> effects;
  std::array<bool, kBatch> owed{};
  for (size_t at = 0; at < pages.size(); ++at) supplies[at].buffer = TakeBuffer();
  for (size_t at = 0; at < pages.size(); ++at) {
    Page page = At(region, pages[at]);
    page.record.Lock();
    owed[at] = page.record.page.owed;
    Step(page, ReleaseInput::kRelease, effects[at], StaysWritable(page));
  }
  // Neighbours are protected with one call, all before the first is compared. Not across homes:
  // Linux 6.1 takes pages of one mapping only.
  for (size_t at = 0; at < pages.size();) {
    const uint64_t same_home = region.homes.RunLength(pages[at]);
    size_t end = at;
    while (end < pages.size() && end - at < same_home &&
           effects[end].contains(ReleaseEffect::kProtect) && pages[end] == pages[at] + (end - at)) {
      ++end;
    }
    if (end > at) {
      std::byte* first = region.address(pages[at]);
      if (IsTracked(At(region, pages[at]))) {
        region.tracker->Protect(first, end - at);
      } else {
        pager_.WriteProtect(first, end - at);
      }
    }
    at = std::max(end, at + 1);
  }
  for (size_t at = 0; at < pages.size(); ++at) {
    Page page = At(region, pages[at]);
    const uint32_t changed =
        Execute(page, effects[at], nullptr, /*is_protected=*/true, supplies[at]);
    if (effects[at].contains(ReleaseEffect::kSendDiff)) {
      page.record.rewriting.NoteCopy(releases_, changed != 0);
    }
    // System calls write to pinned pages, and cannot fault.
    if (page.record.pins != 0 && IsTracked(page)) region.tracker->Open(page.address());
    const bool told = owed[at] || page.at_home || changed != 0;
    if (told && effects[at].contains(ReleaseEffect::kNotice)) {
      AddNotice({region.first_page.value + page.index});
    }
    page.record.UnlockChanged();
    Return(supplies[at]);
  }
}

// Of a locked page that is about to be released.
bool ReleaseEngine::StaysWritable(Page& page) const {
  if (page.record.page.state != directory::ReleaseState::kDirty) return false;
  Rewriting& rewriting = page.record.rewriting;
  const bool stays = page.at_home ? rewriting.HomeStays(releases_) : rewriting.CopyStays(releases_);
  if (stays) counters_.Add(Counter::kept_pages);
  return stays;
}

void ReleaseEngine::AddNotice(PageId page) {
  if (!notices_.empty()) {
    Notice& last = notices_.back();
    if (last.first.value + last.pages == page.value && last.pages < Notice::kMostPages) {
      ++last.pages;
      return;
    }
  }
  notices_.push_back({page, 1});
}

// In a turn, with no record locked. At most kBatch buffers are in the hands of who has the turn,
// and evictions leave as many: when what was sent before has given its buffers back, one is free.
uint32_t ReleaseEngine::TakeBuffer() {
  static_assert(2 * kBatch <= DiffSender::kBuffers);
  const uint32_t buffer = sender_->TryTakeBuffer();
  if (buffer != DiffSender::kNoBuffer) return buffer;
  Fence();
  return sender_->TryTakeBuffer();
}

// In a turn. What has been lost is kept for the next release to tell.
void ReleaseEngine::Fence() {
  const DiffSender::Fenced fenced = sender_->Fence();
  if (fenced.fate != Fate::kOk) lost_ = fenced;
}

absl::Status ReleaseEngine::Acquire(VectorClock clock) {
  const uint32_t self = cluster_.self().value();
  bool any = false;
  for (uint32_t node = 0; node < cluster_.size(); ++node) {
    any |= node != self && clock[node].load(std::memory_order_relaxed) >
                               seen_[node].load(std::memory_order_acquire);
  }
  if (!any) return absl::OkStatus();

  Turn turn(*this);
  if (!turn.held()) return NoTurn();
  notices_.clear();
  bool all = false;
  for (uint32_t node = 0; node < cluster_.size(); ++node) {
    const uint64_t from = seen_[node].load(std::memory_order_relaxed);
    const uint64_t to = clock[node].load(std::memory_order_relaxed);
    if (node == self || to <= from) continue;
    const NoticeLog::Found found = to - from > log_->capacity()
                                       ? NoticeLog::Found::kOverrun
                                       : log_->Read(NodeId(node), from, to, &notices_);
    // What a dead node has written is in its pages' frames; which pages, nobody can tell.
    if (found == NoticeLog::Found::kOverrun) counters_.Add(Counter::overrun_logs);
    all |= found != NoticeLog::Found::kAll;
  }
  if (absl::Status dropped = all ? DropAll() : DropNamed(); !dropped.ok()) return dropped;
  for (uint32_t node = 0; node < cluster_.size(); ++node) {
    const uint64_t to = clock[node].load(std::memory_order_relaxed);
    if (node != self && to > seen_[node].load(std::memory_order_relaxed)) {
      seen_[node].store(to, std::memory_order_release);
    }
  }
  return absl::OkStatus();
}

}  // namespace farpage::internal

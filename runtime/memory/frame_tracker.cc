#include "runtime/memory/frame_tracker.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <utility>

#include "runtime/fatal.h"

namespace farpage::internal {

FrameTracker::FrameTracker(WriteNotes& notes, std::byte* base, std::span<const HomeRun> runs)
    : notes_(notes) {
  uint64_t pages = 0;
  for (const HomeRun& run : runs) pages += run.pages;
  const uint64_t most = std::max(kLeastPages, (pages + kMostStretches - 1) / kMostStretches);
  for (const HomeRun& run : runs) {
    for (uint64_t done = 0; done < run.pages; done += most) {
      stretches_.push_back({base + (run.first_page + done) * kPageBytes,
                            static_cast<uint32_t>(std::min(most, run.pages - done))});
    }
  }
  open_.resize((stretches_.size() + 63) / 64);
  looked_at_.reserve(stretches_.size());
}

FrameTracker::~FrameTracker() {
  for (Stretch& stretch : stretches_) ForgetSingles(stretch);
}

void FrameTracker::ForgetSingles(Stretch& stretch) {
  const auto count = static_cast<uint32_t>(std::popcount(std::exchange(stretch.single, 0)));
  singles_.fetch_sub(count, std::memory_order_relaxed);
}

size_t FrameTracker::IndexOf(const std::byte* page) const {
  const auto after = std::upper_bound(
      stretches_.begin(), stretches_.end(), page,
      [](const std::byte* address, const Stretch& one) { return address < one.page; });
  return static_cast<size_t>(after - stretches_.begin()) - 1;
}

void FrameTracker::Open(std::byte* page) {
  const size_t index = IndexOf(page);
  Stretch& stretch = stretches_[index];
  const uint32_t interval = collections_.load(std::memory_order_relaxed);
  Hold lock(lock_);
  stretch.idle = 0;
  const uint64_t bit = uint64_t{1} << static_cast<size_t>(page - stretch.page) / kPageBytes % 64;
  if (IsOpen(index) || (stretch.single & bit) != 0) return;
  if (stretch.interval != interval) stretch.faults = 0;
  stretch.interval = interval;
  if (stretch.pages <= kLeastPages && stretch.faults < kMostSingle &&
      singles_.load(std::memory_order_relaxed) < kMostSingles) {
    ++stretch.faults;
    stretch.single |= bit;
    singles_.fetch_add(1, std::memory_order_relaxed);
    Set(page, 1, PROT_READ | PROT_WRITE);
    return;
  }
  ForgetSingles(stretch);
  open_[index / 64] |= uint64_t{1} << index % 64;
  open_count_.fetch_add(1, std::memory_order_release);
  Set(stretch.page, stretch.pages, PROT_READ | PROT_WRITE);
}

void FrameTracker::Protect(std::byte* page, size_t pages) {
  notes_.Protect(page, pages);
  std::byte* const end = page + pages * kPageBytes;
  Hold lock(lock_);
  for (size_t index = IndexOf(page); index < stretches_.size() && stretches_[index].page < end;
       ++index) {
    Stretch& stretch = stretches_[index];
    for (uint64_t left = stretch.single; left != 0; left &= left - 1) {
      std::byte* const one =
          stretch.page + static_cast<size_t>(std::countr_zero(left)) * kPageBytes;
      if (one < page || one >= end) continue;
      stretch.single &= ~(left & -left);
      singles_.fetch_sub(1, std::memory_order_relaxed);
      Set(one, 1, PROT_READ);
    }
  }
}

void FrameTracker::Collect(std::vector<WriteNotes::Run>* written) {
  collections_.fetch_add(1, std::memory_order_relaxed);
  if (open_count_.load(std::memory_order_acquire) == 0) return;
  looked_at_.clear();
  {
    Hold lock(lock_);
    for (size_t word = 0; word < open_.size(); ++word) {
      for (uint64_t left = open_[word]; left != 0; left &= left - 1) {
        const auto index =
            static_cast<uint32_t>(word * 64 + static_cast<size_t>(std::countr_zero(left)));
        looked_at_.push_back(index);
        if (stretches_[index].idle < kMostIdle) continue;
        // Closed first, then looked at for the last time: what was written in between is found.
        Set(stretches_[index].page, stretches_[index].pages, PROT_READ);
        open_[word] &= ~(left & -left);
        open_count_.fetch_sub(1, std::memory_order_release);
      }
    }
  }
  const size_t first = written->size();
  for (size_t at = 0; at < looked_at_.size();) {
    std::byte* const begin = stretches_[looked_at_[at]].page;
    size_t pages = 0;
    do {
      pages += stretches_[looked_at_[at++]].pages;
    } while (at < looked_at_.size() &&
             stretches_[looked_at_[at]].page == begin + pages * kPageBytes);
    notes_.Find(begin, pages, written);
  }

  Hold lock(lock_);
  size_t next = first;
  for (const uint32_t index : looked_at_) {
    Stretch& stretch = stretches_[index];
    while (next < written->size() &&
           (*written)[next].page + (*written)[next].pages * kPageBytes <= stretch.page) {
      ++next;
    }
    const bool used =
        next < written->size() && (*written)[next].page < stretch.page + stretch.pages * kPageBytes;
    stretch.idle = used ? 0 : static_cast<uint8_t>(std::min<int>(stretch.idle + 1, kMostIdle));
  }
}

void FrameTracker::Set(std::byte* page, size_t pages, int protection) {
  if (mprotect(page, pages * kPageBytes, protection) == 0) return;
  Fatal("mprotect of %zu pages at %p failed: %s%s", pages, static_cast<void*>(page),
        strerrordesc_np(errno),
        errno == ENOMEM ? " (too many mappings: raise vm.max_map_count)" : "");
}

}  // namespace farpage::internal

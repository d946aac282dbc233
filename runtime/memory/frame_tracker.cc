#include "runtime/memory/frame_tracker.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>

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

void FrameTracker::Open(std::byte* page) {
  const auto after = std::upper_bound(
      stretches_.begin(), stretches_.end(), page,
      [](const std::byte* address, const Stretch& one) { return address < one.page; });
  const auto index = static_cast<size_t>(after - stretches_.begin()) - 1;
  Stretch& stretch = stretches_[index];
  uint64_t& word = open_[index / 64];
  const uint64_t bit = uint64_t{1} << index % 64;
  Hold lock(lock_);
  stretch.idle = 0;
  if ((word & bit) != 0) return;
  word |= bit;
  open_count_.fetch_add(1, std::memory_order_release);
  Set(stretch, PROT_READ | PROT_WRITE);
}

void FrameTracker::Collect(std::vector<WriteNotes::Run>* written) {
  looked_at_.clear();
  {
    Hold lock(lock_);
    for (size_t word = 0; word < open_.size(); ++word) {
      for (uint64_t left = open_[word]; left != 0; left &= left - 1) {
        const auto index = static_cast<uint32_t>(word * 64 + std::countr_zero(left));
        looked_at_.push_back(index);
        if (stretches_[index].idle < kMostIdle) continue;
        // Closed first, then looked at for the last time: what was written in between is found.
        Set(stretches_[index], PROT_READ);
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

void FrameTracker::Set(const Stretch& stretch, int protection) {
  if (mprotect(stretch.page, stretch.pages * kPageBytes, protection) == 0) return;
  Fatal("mprotect of %u pages at %p failed: %s%s", stretch.pages, static_cast<void*>(stretch.page),
        strerrordesc_np(errno),
        errno == ENOMEM ? " (too many mappings: raise vm.max_map_count)" : "");
}

}  // namespace farpage::internal

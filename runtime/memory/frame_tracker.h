// Which of a region's own frames were written, where the kernel itself takes note of it: a first
// write then costs no signal.
//
// Asking costs a look at every page, so pages are asked about in stretches, and only those in which
// much has been written lately: they are open. The first write to a page elsewhere faults. Such
// pages are opened one by one, and known by their faults; when there are several such faults
// between two collections, the whole stretch is opened.
#ifndef FARPAGE_RUNTIME_MEMORY_FRAME_TRACKER_H_
#define FARPAGE_RUNTIME_MEMORY_FRAME_TRACKER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "runtime/memory/pager.h"
#include "runtime/spin_lock.h"
#include "transport/lock.h"
#include "transport/rendezvous.h"

namespace farpage::internal {

// The kernel's part: userfaultfd with asynchronous write protection, and PAGEMAP_SCAN (Linux 6.7).
class WriteNotes {
 public:
  // FAILED_PRECONDITION says what the kernel cannot do.
  static absl::StatusOr<std::unique_ptr<WriteNotes>> Create();

  // Takes a mapping of shared memory. RESOURCE_EXHAUSTED if the kernel cannot.
  absl::Status Add(std::byte* page, size_t pages);

  // Both for mappings that were added. Signal-safe.
  void Protect(std::byte* page, size_t pages);
  struct Run {
    std::byte* page;
    size_t pages;
  };
  // Appends what was written since it was protected, ascending. About 1 ns a page.
  void Find(std::byte* page, size_t pages, std::vector<Run>* written);

 private:
  WriteNotes(transport::OwnedFd fault, transport::OwnedFd map)
      : fault_(std::move(fault)), map_(std::move(map)) {}

  transport::OwnedFd fault_;
  transport::OwnedFd map_;
};

// Of one region. Thread-safe; signal-safe but for the constructor and Collect().
class FrameTracker {
 public:
  // The runs are mapped at `base` for reading and were added to `notes`, all of them protected.
  FrameTracker(WriteNotes& notes, std::byte* base, std::span<const HomeRun> runs);
  ~FrameTracker();
  FrameTracker(const FrameTracker&) = delete;
  FrameTracker& operator=(const FrameTracker&) = delete;

  // A thread has faulted when it wanted to write to a page: it becomes writable, perhaps with its
  // neighbours. Whoever calls has to see to it first that the page is taken for written. It stays
  // so until it is protected, or not written for several collections: a page that has to stay
  // longer is opened again.
  void Open(std::byte* page);

  // Appends the stretches of pages that were written since they were last protected, ascending; but
  // perhaps not those that faulted. One thread at a time. Costs about 1 ns for each open page.
  void Collect(std::vector<WriteNotes::Run>* written);
  // The next write to each of these pages is noted, or faults.
  void Protect(std::byte* page, size_t pages);

 private:
  struct Stretch {
    std::byte* page;
    uint32_t pages;
    uint8_t idle = 0;       // collections in which it was found not to be written
    uint8_t faults = 0;     // in …
    uint32_t interval = 0;  // … between two collections
    uint64_t single = 0;    // pages that are open, of a stretch that is not: a bit for each
  };
  static constexpr uint64_t kLeastPages = 64;        // of a stretch
  static constexpr uint64_t kMostStretches = 4'096;  // each may be a mapping of its own
  static constexpr uint8_t kMostIdle = 8;
  static constexpr uint8_t kMostSingle = 2;  // faults in an interval; one more opens the stretch
  // Of all regions: each is a mapping of its own and splits another, of which a process may have
  // 65,530 (vm.max_map_count). Where there are so many, stretches are opened at once.
  static constexpr uint32_t kMostSingles = 12'288;
  static inline std::atomic<uint32_t> singles_{0};

  size_t IndexOf(const std::byte* page) const;
  bool IsOpen(size_t index) const { return (open_[index / 64] >> index % 64 & 1) != 0; }
  static void Set(std::byte* page, size_t pages, int protection);
  static void ForgetSingles(Stretch& stretch);  // of one that is opened, or goes

  WriteNotes& notes_;
  SpinLock lock_;
  std::vector<Stretch> stretches_;   // ascending; never grows
  std::vector<uint64_t> open_;       // a bit for each
  std::vector<uint32_t> looked_at_;  // by Collect()
  std::atomic<uint32_t> open_count_{0};
  std::atomic<uint32_t> collections_{0};
};

}  // namespace farpage::internal

#endif  // FARPAGE_RUNTIME_MEMORY_FRAME_TRACKER_H_

// The seam to the MMU: how pages of the application's view are mapped, protected and unmapped.
//
// Two implementations: userfaultfd in SIGBUS mode, and mprotect with SIGSEGV for kernels and
// containers that refuse userfaultfd. In both the faulting thread serves itself, in the handler.
#ifndef FARPAGE_RUNTIME_MEMORY_PAGER_H_
#define FARPAGE_RUNTIME_MEMORY_PAGER_H_

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "farpage/node.h"

namespace farpage::internal {

inline constexpr size_t kPageBytes = 4096;
inline constexpr unsigned kPageShift = 12;

// A run of pages of a region that lie in this node's own frames: pages `first` … of the region are
// the bytes from `fd_offset` on.
struct HomeRun {
  uint64_t first_page = 0;
  uint64_t pages = 0;
  uint64_t fd_offset = 0;
};

class FrameTracker;

// Data-path functions are signal-safe, may be called by any thread, and take runs of pages of one
// region, page-aligned. The caller holds the pages' locks. They stop the process when the kernel is
// out of memory or mappings, naming the limit: there is nobody to return an error to.
class Pager {
 public:
  virtual ~Pager() = default;
  Pager(const Pager&) = delete;
  Pager& operator=(const Pager&) = delete;

  virtual std::string_view name() const = 0;
  // The signal by which a fault is delivered: SIGBUS or SIGSEGV.
  virtual int fault_signal() const = 0;
  // True if pages of this node's own frames are mapped in place (zero-copy). If not, they are
  // cached like pages of other homes.
  virtual bool maps_home_in_place() const = 0;

  // Maps a region of `bytes` at `base` (inside a range that is reserved and unused), nothing
  // accessible yet. `home_fd` is the file of this node's frames; `runs` are ascending, and empty
  // unless maps_home_in_place(). Not signal-safe. RESOURCE_EXHAUSTED names the limit.
  virtual absl::Status AddRegion(std::byte* base, size_t bytes, int home_fd,
                                 std::span<const HomeRun> runs) = 0;

  // The same for a region whose own frames are always mapped and readable. Writes to them are found
  // by the tracker that is returned. Or it is null: then the first write to each of these pages
  // faults, until MakeWritable() and after WriteProtect(). `runs` are given whatever
  // maps_home_in_place() says. FAILED_PRECONDITION if the kernel cannot do that. The tracker must
  // not outlive the pager.
  virtual absl::StatusOr<std::unique_ptr<FrameTracker>> AddTrackedRegion(
      std::byte* base, size_t bytes, int home_fd, std::span<const HomeRun> runs) = 0;

  // Maps copies of `source`, not of this node's frames in place. Nothing is mapped there yet.
  virtual void Install(std::byte* page, const std::byte* source, size_t pages, Access access) = 0;
  // Maps this node's frames in place; they exist (have been touched). Nothing is mapped there yet.
  virtual void MapHome(std::byte* page, size_t pages, Access access) = 0;
  virtual void WriteProtect(std::byte* page, size_t pages) = 0;
  virtual void MakeWritable(std::byte* page, size_t pages) = 0;
  // Unmaps. Copies are lost; frames mapped in place keep their content.
  virtual void Zap(std::byte* page, size_t pages, bool in_place) = 0;
  // Where the runtime can read a page that is mapped, and write it if it is mapped for writing.
  virtual std::byte* View(std::byte* page) const = 0;

 protected:
  Pager() = default;
};

// How writes to a node's own frames are found, where they have to be.
enum class WriteTracking : uint8_t {
  kByKernel,  // if it can, else …
  kByFaults,
};

// `base` … `bytes` is the whole reserved range. FAILED_PRECONDITION says why the kernel refuses and
// what would permit it.
absl::StatusOr<std::unique_ptr<Pager>> CreateUserfaultPager(WriteTracking tracking);
absl::StatusOr<std::unique_ptr<Pager>> CreateMprotectPager(std::byte* base, size_t bytes);

// `kind`: "userfaultfd", "userfaultfd-sync" (which finds writes by faults alone), "mprotect" or
// "auto" (the first that works).
absl::StatusOr<std::unique_ptr<Pager>> CreatePager(std::string_view kind, std::byte* base,
                                                   size_t bytes);

}  // namespace farpage::internal

#endif  // FARPAGE_RUNTIME_MEMORY_PAGER_H_

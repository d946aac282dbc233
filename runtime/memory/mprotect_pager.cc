#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "runtime/fatal.h"
#include "runtime/memory/frame_tracker.h"
#include "runtime/memory/pager.h"
#include "transport/rendezvous.h"

namespace farpage::internal {
namespace {

using transport::OwnedFd;

// Cached pages lie in a sparse file that is mapped twice: once where the application sees it, with
// the protection that the protocol wants, and once where the runtime can always write. Thus a page
// is complete before it becomes accessible.
class MprotectPager final : public Pager {
 public:
  MprotectPager(std::byte* base, size_t bytes, OwnedFd file, std::byte* alias)
      : base_(base), bytes_(bytes), file_(std::move(file)), alias_(alias) {}
  ~MprotectPager() override { munmap(alias_, bytes_); }

  std::string_view name() const override { return "mprotect"; }
  int fault_signal() const override { return SIGSEGV; }
  bool maps_home_in_place() const override { return true; }

  absl::Status AddRegion(std::byte* base, size_t bytes, int home_fd,
                         std::span<const HomeRun> runs) override {
    return Add(base, bytes, home_fd, runs, PROT_NONE);
  }
  absl::StatusOr<std::unique_ptr<FrameTracker>> AddTrackedRegion(
      std::byte* base, size_t bytes, int home_fd, std::span<const HomeRun> runs) override {
    if (absl::Status ok = Add(base, bytes, home_fd, runs, PROT_READ); !ok.ok()) return ok;
    return std::unique_ptr<FrameTracker>();
  }

  void Install(std::byte* page, const std::byte* source, size_t pages, Access access) override {
    std::memcpy(alias_ + (page - base_), source, pages * kPageBytes);
    Protect(page, pages, access);
  }
  void MapHome(std::byte* page, size_t pages, Access access) override {
    Protect(page, pages, access);
  }
  void WriteProtect(std::byte* page, size_t pages) override { Protect(page, pages, Access::kRead); }
  void MakeWritable(std::byte* page, size_t pages) override {
    Protect(page, pages, Access::kWrite);
  }

  void Zap(std::byte* page, size_t pages, bool in_place) override {
    Set(page, pages, PROT_NONE);
    if (in_place) return;
    // Gives the memory back. If that fails the page only stays allocated.
    fallocate(file_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, page - base_,
              static_cast<off_t>(pages * kPageBytes));
  }

  std::byte* View(std::byte* page) const override { return page; }

 private:
  absl::Status Add(std::byte* base, size_t bytes, int home_fd, std::span<const HomeRun> runs,
                   int home_protection) {
    void* cached = mmap(base, bytes, PROT_NONE, MAP_SHARED | MAP_NORESERVE | MAP_FIXED, file_.get(),
                        base - base_);
    bool mapped = cached != MAP_FAILED;
    for (const HomeRun& run : runs) {
      mapped = mapped && mmap(base + run.first_page * kPageBytes, run.pages * kPageBytes,
                              home_protection, MAP_SHARED | MAP_NORESERVE | MAP_FIXED, home_fd,
                              static_cast<off_t>(run.fd_offset)) != MAP_FAILED;
    }
    if (!mapped) {
      return absl::ResourceExhaustedError(
          absl::StrCat("cannot map a region of ", bytes, " bytes in ", runs.size(),
                       " home runs: ", strerrordesc_np(errno), "; see vm.max_map_count"));
    }
    madvise(base, bytes, MADV_DONTFORK);
    return absl::OkStatus();
  }

  void Protect(std::byte* page, size_t pages, Access access) {
    Set(page, pages, access == Access::kRead ? PROT_READ : PROT_READ | PROT_WRITE);
  }

  // Neighbours of different protection are mappings of their own, and their number is limited.
  static void Set(std::byte* page, size_t pages, int protection) {
    if (mprotect(page, pages * kPageBytes, protection) == 0) return;
    Fatal("mprotect of %zu pages at %p failed: %s%s", pages, static_cast<void*>(page),
          strerrordesc_np(errno),
          errno == ENOMEM ? " (too many mappings: raise vm.max_map_count, lower "
                            "FARPAGE_CACHE_BYTES, or permit userfaultfd)"
                          : "");
  }

  std::byte* const base_;
  const size_t bytes_;
  OwnedFd file_;
  std::byte* const alias_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Pager>> CreateMprotectPager(std::byte* base, size_t bytes) {
  OwnedFd file(memfd_create("farpage-cache", MFD_CLOEXEC));
  if (file.get() < 0 || ftruncate(file.get(), static_cast<off_t>(bytes)) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("cannot create the cache file: ", strerrordesc_np(errno)));
  }
  void* alias =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, file.get(), 0);
  if (alias == MAP_FAILED) {
    return absl::FailedPreconditionError(
        absl::StrCat("cannot map the cache file of ", bytes, " bytes: ", strerrordesc_np(errno)));
  }
  return std::make_unique<MprotectPager>(base, bytes, std::move(file),
                                         static_cast<std::byte*>(alias));
}

absl::StatusOr<std::unique_ptr<Pager>> CreatePager(std::string_view kind, std::byte* base,
                                                   size_t bytes) {
  if (kind == "mprotect") return CreateMprotectPager(base, bytes);
  absl::StatusOr<std::unique_ptr<Pager>> pager = CreateUserfaultPager(
      kind == "userfaultfd-sync" ? WriteTracking::kByFaults : WriteTracking::kByKernel);
  if (pager.ok() || kind != "auto") return pager;
  return CreateMprotectPager(base, bytes);
}

}  // namespace farpage::internal

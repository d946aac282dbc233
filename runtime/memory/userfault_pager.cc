#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
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

// Newer than the headers of Debian 12.
constexpr uint64_t kContinueModeWriteProtect = uint64_t{1} << 1;  // Linux 6.4

constexpr uint64_t kBaseFeatures =
    UFFD_FEATURE_SIGBUS | UFFD_FEATURE_MISSING_SHMEM | UFFD_FEATURE_PAGEFAULT_FLAG_WP;
constexpr uint64_t kInPlaceFeatures = UFFD_FEATURE_MINOR_SHMEM | UFFD_FEATURE_WP_HUGETLBFS_SHMEM;

using transport::OwnedFd;

int OpenUserfault() {
  // Faults of the kernel itself are not served in SIGBUS mode, so ask for user faults only: this is
  // what unprivileged processes may have.
  const int user_only =
      static_cast<int>(syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY));
  if (user_only >= 0) return user_only;
  return static_cast<int>(syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK));
}

// A descriptor with `features` enabled, or -1 and errno.
OwnedFd OpenWithFeatures(uint64_t features) {
  OwnedFd fd(OpenUserfault());
  if (fd.get() < 0) return fd;
  uffdio_api api{};
  api.api = UFFD_API;
  api.features = features;
  if (ioctl(fd.get(), UFFDIO_API, &api) != 0) return OwnedFd();
  return fd;
}

bool Register(int fd, const std::byte* base, size_t bytes, uint64_t mode) {
  uffdio_register request{};
  request.range.start = reinterpret_cast<uint64_t>(base);
  request.range.len = bytes;
  request.mode = mode;
  return ioctl(fd, UFFDIO_REGISTER, &request) == 0;
}

// Whether a frame can be mapped read-only in one step. Without that (before Linux 6.4) a home's own
// threads could write for a moment to a page they may only read.
bool CanMapHomeReadOnly(int uffd) {
  OwnedFd file(memfd_create("farpage-probe", MFD_CLOEXEC));
  if (file.get() < 0 || ftruncate(file.get(), kPageBytes) != 0) return false;
  void* mapping = mmap(nullptr, kPageBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (mapping == MAP_FAILED) return false;
  bool able = false;
  const char byte = 1;
  if (pwrite(file.get(), &byte, 1, 0) == 1 &&
      Register(
          uffd, static_cast<std::byte*>(mapping), kPageBytes,
          UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_MINOR | UFFDIO_REGISTER_MODE_WP)) {
    uffdio_continue request{};
    request.range.start = reinterpret_cast<uint64_t>(mapping);
    request.range.len = kPageBytes;
    request.mode = UFFDIO_CONTINUE_MODE_DONTWAKE | kContinueModeWriteProtect;
    able = ioctl(uffd, UFFDIO_CONTINUE, &request) == 0;
  }
  munmap(mapping, kPageBytes);
  return able;
}

[[noreturn]] void Die(const char* what, const std::byte* page, size_t pages) {
  Fatal("%s of %zu pages at %p failed: %s%s", what, pages, static_cast<const void*>(page),
        strerrordesc_np(errno),
        errno == ENOMEM ? " (the machine is out of memory: lower FARPAGE_CACHE_BYTES)" : "");
}

class UserfaultPager final : public Pager {
 public:
  // `notes`: none if writes are found by faults.
  UserfaultPager(OwnedFd fd, bool in_place, bool protects_frames, std::unique_ptr<WriteNotes> notes)
      : fd_(std::move(fd)),
        in_place_(in_place),
        protects_frames_(protects_frames),
        notes_(std::move(notes)) {}

  std::string_view name() const override { return "userfaultfd"; }
  int fault_signal() const override { return SIGBUS; }
  bool maps_home_in_place() const override { return in_place_; }

  absl::Status AddRegion(std::byte* base, size_t bytes, int home_fd,
                         std::span<const HomeRun> runs) override {
    if (absl::Status mapped = Map(base, bytes, home_fd, runs); !mapped.ok()) return mapped;
    return RegisterRegion(
        base, bytes, runs,
        UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP | UFFDIO_REGISTER_MODE_MINOR);
  }

  absl::StatusOr<std::unique_ptr<FrameTracker>> AddTrackedRegion(
      std::byte* base, size_t bytes, int home_fd, std::span<const HomeRun> runs) override {
    if (!protects_frames_) {
      return absl::FailedPreconditionError(
          "release consistency needs userfaultfd's write protection of shared memory, which came "
          "with Linux 5.19 (FARPAGE_PAGER=mprotect works without)");
    }
    if (absl::Status mapped = Map(base, bytes, home_fd, runs); !mapped.ok()) return mapped;
    absl::Status registered =
        RegisterRegion(base, bytes, runs, notes_ != nullptr ? 0 : UFFDIO_REGISTER_MODE_WP);
    if (!registered.ok()) return registered;
    if (notes_ == nullptr) {
      // Also where nothing is mapped yet: the kernel leaves markers.
      for (const HomeRun& run : runs) WriteProtect(base + run.first_page * kPageBytes, run.pages);
      return std::unique_ptr<FrameTracker>();
    }
    for (const HomeRun& run : runs) {
      std::byte* page = base + run.first_page * kPageBytes;
      if (absl::Status added = notes_->Add(page, run.pages); !added.ok()) return added;
      if (mprotect(page, run.pages * kPageBytes, PROT_READ) != 0) {
        return MapError(bytes, runs.size());
      }
    }
    return std::make_unique<FrameTracker>(*notes_, base, runs);
  }

  void Install(std::byte* page, const std::byte* source, size_t pages, Access access) override {
    // A first access to a peer's frame through this mapping would fault inside the copy, which the
    // kernel then does twice.
    for (size_t index = 0; index < pages; ++index) {
      static_cast<void>(*reinterpret_cast<const volatile char*>(source + index * kPageBytes));
    }
    uffdio_copy request{};
    request.dst = reinterpret_cast<uint64_t>(page);
    request.src = reinterpret_cast<uint64_t>(source);
    request.len = pages * kPageBytes;
    request.mode =
        UFFDIO_COPY_MODE_DONTWAKE | (access == Access::kRead ? UFFDIO_COPY_MODE_WP : uint64_t{0});
    while (ioctl(fd_.get(), UFFDIO_COPY, &request) != 0) {
      if (errno != EAGAIN) Die("UFFDIO_COPY", page, pages);
      const uint64_t done = request.copy > 0 ? static_cast<uint64_t>(request.copy) : 0;
      request.dst += done;
      request.src += done;
      request.len -= done;
      if (request.len == 0) return;
    }
  }

  void MapHome(std::byte* page, size_t pages, Access access) override {
    uffdio_continue request{};
    request.range.start = reinterpret_cast<uint64_t>(page);
    request.range.len = pages * kPageBytes;
    request.mode = UFFDIO_CONTINUE_MODE_DONTWAKE |
                   (access == Access::kRead ? kContinueModeWriteProtect : uint64_t{0});
    while (ioctl(fd_.get(), UFFDIO_CONTINUE, &request) != 0) {
      if (errno != EAGAIN) Die("UFFDIO_CONTINUE", page, pages);
      const uint64_t done = request.mapped > 0 ? static_cast<uint64_t>(request.mapped) : 0;
      request.range.start += done;
      request.range.len -= done;
      if (request.range.len == 0) return;
    }
  }

  void WriteProtect(std::byte* page, size_t pages) override {
    Protect(page, pages, UFFDIO_WRITEPROTECT_MODE_WP);
  }
  void MakeWritable(std::byte* page, size_t pages) override {
    Protect(page, pages, UFFDIO_WRITEPROTECT_MODE_DONTWAKE);
  }

  void Zap(std::byte* page, size_t pages, bool /*in_place*/) override {
    while (madvise(page, pages * kPageBytes, MADV_DONTNEED) != 0) {
      if (errno != EAGAIN) Die("MADV_DONTNEED", page, pages);
    }
  }

  std::byte* View(std::byte* page) const override { return page; }

 private:
  static absl::Status Map(std::byte* base, size_t bytes, int home_fd,
                          std::span<const HomeRun> runs) {
    void* cached = mmap(base, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    if (cached == MAP_FAILED) return MapError(bytes, runs.size());
    // Pages come and go one by one; huge pages would be split at once. Children get nothing: they
    // could neither be served nor invalidated.
    madvise(base, bytes, MADV_NOHUGEPAGE);
    for (const HomeRun& run : runs) {
      void* mapped =
          mmap(base + run.first_page * kPageBytes, run.pages * kPageBytes, PROT_READ | PROT_WRITE,
               MAP_SHARED | MAP_NORESERVE | MAP_FIXED, home_fd, static_cast<off_t>(run.fd_offset));
      if (mapped == MAP_FAILED) return MapError(bytes, runs.size());
    }
    madvise(base, bytes, MADV_DONTFORK);
    return absl::OkStatus();
  }

  void Protect(std::byte* page, size_t pages, uint64_t mode) {
    uffdio_writeprotect request{};
    request.range.start = reinterpret_cast<uint64_t>(page);
    request.range.len = pages * kPageBytes;
    request.mode = mode;
    while (ioctl(fd_.get(), UFFDIO_WRITEPROTECT, &request) != 0) {
      if (errno != EAGAIN) Die("UFFDIO_WRITEPROTECT", page, pages);
    }
  }

  // Each stretch of one kind is registered by itself: the kinds have different modes. Own frames
  // are not registered if `home_mode` is 0.
  absl::Status RegisterRegion(std::byte* base, size_t bytes, std::span<const HomeRun> runs,
                              uint64_t home_mode) {
    constexpr uint64_t kCached = UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP;
    const uint64_t end_page = bytes / kPageBytes;
    uint64_t next = 0;
    for (const HomeRun& run : runs) {
      if (!RegisterRun(base, next, run.first_page, kCached)) return RegisterError();
      next = run.first_page + run.pages;
      if (home_mode != 0 && !RegisterRun(base, run.first_page, next, home_mode)) {
        return RegisterError();
      }
    }
    return RegisterRun(base, next, end_page, kCached) ? absl::OkStatus() : RegisterError();
  }

  bool RegisterRun(std::byte* base, uint64_t begin_page, uint64_t end_page, uint64_t mode) {
    if (begin_page == end_page) return true;
    return Register(fd_.get(), base + begin_page * kPageBytes, (end_page - begin_page) * kPageBytes,
                    mode);
  }

  static absl::Status RegisterError() {
    return absl::ResourceExhaustedError(
        absl::StrCat("userfaultfd cannot watch the region: ", strerrordesc_np(errno)));
  }

  static absl::Status MapError(size_t bytes, size_t runs) {
    return absl::ResourceExhaustedError(
        absl::StrCat("cannot map a region of ", bytes, " bytes in ", runs,
                     " home runs: ", strerrordesc_np(errno),
                     "; if there are many runs, raise vm.max_map_count or use larger "
                     "blocks (AllocateOptions::cyclic_block_bytes)"));
  }

  OwnedFd fd_;
  const bool in_place_;
  const bool protects_frames_;
  const std::unique_ptr<WriteNotes> notes_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Pager>> CreateUserfaultPager(WriteTracking tracking) {
  OwnedFd fd = OpenWithFeatures(kBaseFeatures | kInPlaceFeatures);
  const bool in_place = fd.get() >= 0 && CanMapHomeReadOnly(fd.get());
  const bool protects_frames = fd.get() >= 0;
  if (fd.get() < 0) fd = OpenWithFeatures(kBaseFeatures);
  if (fd.get() < 0) {
    return absl::FailedPreconditionError(absl::StrCat(
        "userfaultfd is refused: ", strerrordesc_np(errno),
        "; a container needs the userfaultfd system call in its seccomp profile, and the kernel "
        "must be 5.14 or newer (FARPAGE_PAGER=mprotect works without)"));
  }
  std::unique_ptr<WriteNotes> notes;
  if (tracking == WriteTracking::kByKernel && protects_frames) {
    absl::StatusOr<std::unique_ptr<WriteNotes>> made = WriteNotes::Create();
    if (made.ok()) notes = *std::move(made);  // else faults do it
  }
  return std::make_unique<UserfaultPager>(std::move(fd), in_place, protects_frames,
                                          std::move(notes));
}

}  // namespace farpage::internal

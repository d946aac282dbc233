#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "runtime/fatal.h"
#include "runtime/memory/frame_tracker.h"

namespace farpage::internal {
namespace {

using transport::OwnedFd;

// Newer than the headers of Debian 12: include/uapi/linux/userfaultfd.h and fs.h of Linux 6.7.
constexpr uint64_t kAsynchronous = uint64_t{1} << 15;  // UFFD_FEATURE_WP_ASYNC
constexpr uint64_t kCheckAsynchronous = uint64_t{1} << 1;
constexpr uint64_t kWritten = uint64_t{1} << 1;

struct PageRegion {
  uint64_t start;
  uint64_t end;
  uint64_t categories;
};
struct ScanArguments {
  uint64_t size;
  uint64_t flags;
  uint64_t start;
  uint64_t end;
  uint64_t walk_end;  // set by the kernel: how far it came
  uint64_t regions;
  uint64_t region_count;
  uint64_t most_pages;
  uint64_t inverted;
  uint64_t mask;
  uint64_t any_of;
  uint64_t returned;
};
constexpr unsigned long kPagemapScan = _IOWR('f', 16, ScanArguments);

constexpr size_t kRegions = 128;

int Scan(int map, std::byte* begin, std::byte* end, std::array<PageRegion, kRegions>& found,
         std::byte** walked) {
  ScanArguments arguments{};
  arguments.size = sizeof arguments;
  arguments.flags = kCheckAsynchronous;
  arguments.start = reinterpret_cast<uint64_t>(begin);
  arguments.end = reinterpret_cast<uint64_t>(end);
  arguments.regions = reinterpret_cast<uint64_t>(found.data());
  arguments.region_count = found.size();
  arguments.mask = kWritten;
  arguments.returned = kWritten;
  const int count = ioctl(map, kPagemapScan, &arguments);
  *walked = reinterpret_cast<std::byte*>(arguments.walk_end);
  return count;
}

bool Protects(int fault, std::byte* page, size_t pages) {
  uffdio_writeprotect request{};
  request.range.start = reinterpret_cast<uint64_t>(page);
  request.range.len = pages * kPageBytes;
  request.mode = UFFDIO_WRITEPROTECT_MODE_WP;
  while (ioctl(fault, UFFDIO_WRITEPROTECT, &request) != 0) {
    if (errno != EAGAIN) return false;
  }
  return true;
}

bool Watch(int fault, std::byte* page, size_t pages) {
  uffdio_register request{};
  request.range.start = reinterpret_cast<uint64_t>(page);
  request.range.len = pages * kPageBytes;
  request.mode = UFFDIO_REGISTER_MODE_WP;
  return ioctl(fault, UFFDIO_REGISTER, &request) == 0;
}

OwnedFd OpenFault() {
  OwnedFd fd(
      static_cast<int>(syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY)));
  if (fd.get() < 0) return fd;
  uffdio_api api{};
  api.api = UFFD_API;
  api.features = kAsynchronous | UFFD_FEATURE_PAGEFAULT_FLAG_WP | UFFD_FEATURE_WP_HUGETLBFS_SHMEM;
  if (ioctl(fd.get(), UFFDIO_API, &api) != 0) return OwnedFd();
  return fd;
}

// Whether a write to a page of a file is found, and only once.
bool Works(int fault, int map) {
  OwnedFd file(memfd_create("farpage-probe", MFD_CLOEXEC));
  if (file.get() < 0 || ftruncate(file.get(), kPageBytes) != 0) return false;
  void* mapping = mmap(nullptr, kPageBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (mapping == MAP_FAILED) return false;
  auto* page = static_cast<std::byte*>(mapping);
  std::array<PageRegion, kRegions> found;
  std::byte* walked = nullptr;
  const auto written = [&] { return Scan(map, page, page + kPageBytes, found, &walked); };
  bool works = Watch(fault, page, 1) && Protects(fault, page, 1) && written() == 0;
  *static_cast<volatile char*>(mapping) = 1;
  works = works && written() == 1 && Protects(fault, page, 1) && written() == 0;
  munmap(mapping, kPageBytes);
  return works;
}

}  // namespace

absl::StatusOr<std::unique_ptr<WriteNotes>> WriteNotes::Create() {
  OwnedFd fault = OpenFault();
  OwnedFd map(open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
  if (fault.get() < 0 || map.get() < 0 || !Works(fault.get(), map.get())) {
    return absl::FailedPreconditionError(
        "the kernel does not note writes by itself: userfaultfd's asynchronous write protection "
        "and PAGEMAP_SCAN came with Linux 6.7, and /proc/self/pagemap must be readable");
  }
  return std::unique_ptr<WriteNotes>(new WriteNotes(std::move(fault), std::move(map)));
}

absl::Status WriteNotes::Add(std::byte* page, size_t pages) {
  // Also where nothing is mapped yet: the kernel leaves markers.
  if (Watch(fault_.get(), page, pages) && Protects(fault_.get(), page, pages)) {
    return absl::OkStatus();
  }
  return absl::ResourceExhaustedError(absl::StrCat("userfaultfd cannot note the writes to ", pages,
                                                   " pages: ", strerrordesc_np(errno)));
}

void WriteNotes::Protect(std::byte* page, size_t pages) {
  if (Protects(fault_.get(), page, pages)) return;
  Fatal("write protection of %zu pages at %p failed: %s", pages, static_cast<void*>(page),
        strerrordesc_np(errno));
}

void WriteNotes::Find(std::byte* page, size_t pages, std::vector<Run>* written) {
  std::byte* const end = page + pages * kPageBytes;
  std::array<PageRegion, kRegions> found;
  while (page < end) {
    std::byte* walked = end;
    const int count = Scan(map_.get(), page, end, found, &walked);
    if (count < 0) {
      Fatal("PAGEMAP_SCAN of %td bytes at %p failed: %s", end - page, static_cast<void*>(page),
            strerrordesc_np(errno));
    }
    for (int index = 0; index < count; ++index) {
      const PageRegion& region = found[static_cast<size_t>(index)];
      auto* first = reinterpret_cast<std::byte*>(region.start);
      const size_t more = (region.end - region.start) / kPageBytes;
      if (!written->empty() && written->back().page + written->back().pages * kPageBytes == first) {
        written->back().pages += more;
      } else {
        written->push_back({first, more});
      }
    }
    page = walked;
  }
}

}  // namespace farpage::internal

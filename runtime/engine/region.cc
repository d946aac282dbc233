#include "runtime/engine/region.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "transport/sanitizers.h"

namespace farpage::internal {
namespace {

constexpr size_t kClaimAlignment = size_t{2} << 20;

// Without PROT_NONE the kernel would count the range as memory in use.
void* MapReserved(std::byte* where, size_t bytes) {
  return mmap(where, bytes, PROT_NONE,
              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
}

}  // namespace

Mapping& Mapping::operator=(Mapping&& other) noexcept {
  if (this != &other) {
    if (base_ != nullptr) munmap(base_, bytes_);
    base_ = std::exchange(other.base_, nullptr);
    bytes_ = std::exchange(other.bytes_, 0);
  }
  return *this;
}

Mapping::~Mapping() {
  if (base_ != nullptr) munmap(base_, bytes_);
}

std::byte* AddressSpace::Base() {
#if defined(FARPAGE_THREAD_SANITIZER)
  constexpr uintptr_t kBase = uintptr_t{0x10} << 32;  // ThreadSanitizer's low application range
#else
  constexpr uintptr_t kBase = uintptr_t{0x2000} << 32;
#endif
  return reinterpret_cast<std::byte*>(kBase);
}

absl::StatusOr<std::unique_ptr<AddressSpace>> AddressSpace::Reserve(size_t bytes,
                                                                    std::byte* where) {
  void* range = MapReserved(where, bytes);
  if (range != where) {
    const int error = errno;
    if (range != MAP_FAILED) munmap(range, bytes);
    return absl::ResourceExhaustedError(absl::StrCat(
        "cannot reserve ", bytes, " bytes of address space at ",
        absl::Hex(reinterpret_cast<uintptr_t>(where)), ": ", strerrordesc_np(error),
        error == EEXIST ? " (another Node of this process, or another mapping, is there)"
                        : " (see ulimit -v and FARPAGE_ADDRESS_SPACE_BYTES)"));
  }
  return std::unique_ptr<AddressSpace>(new AddressSpace(Mapping(range, bytes)));
}

absl::StatusOr<std::byte*> AddressSpace::Claim(size_t bytes) {
  const size_t free_bytes = range_.bytes() - claimed_;
  if (bytes > free_bytes) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "no room for ", bytes, " bytes of shared memory: ", claimed_, " of ", range_.bytes(),
        " bytes of address space are taken "
        "(FARPAGE_ADDRESS_SPACE_BYTES)"));
  }
  std::byte* where = base() + claimed_;
  const size_t rounded = (bytes + kClaimAlignment - 1) / kClaimAlignment * kClaimAlignment;
  claimed_ += rounded < free_bytes ? rounded : free_bytes;
  return where;
}

absl::Status AddressSpace::Publish(std::unique_ptr<Region> region) {
  const uint32_t count = region_count_.load(std::memory_order_relaxed);
  if (count == kMaxRegions) {
    return absl::ResourceExhaustedError(absl::StrCat("at most ", kMaxRegions,
                                                     " allocations of shared memory; use a memory "
                                                     "resource for small objects"));
  }
  regions_[count] = std::move(region);
  region_count_.store(count + 1, std::memory_order_release);
  return absl::OkStatus();
}

Region* AddressSpace::Find(const void* address) const {
  const auto* byte = static_cast<const std::byte*>(address);
  uint32_t low = 0;
  uint32_t high = region_count_.load(std::memory_order_acquire);
  while (low < high) {
    const uint32_t middle = (low + high) / 2;
    Region* region = regions_[middle].get();
    if (byte < region->base) {
      high = middle;
    } else if (byte >= region->base + region->pages() * kPageBytes) {
      low = middle + 1;
    } else {
      return region;
    }
  }
  return nullptr;
}

}  // namespace farpage::internal

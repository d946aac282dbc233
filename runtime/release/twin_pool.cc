#include "runtime/release/twin_pool.h"

#include <sys/mman.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace farpage::internal {
namespace {

constexpr uint32_t kAtOnce = 32;
constexpr int kPopulateWrite = 23;  // MADV_POPULATE_WRITE, Linux 5.14

Mapping Reserve(size_t bytes) {
  void* base = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return base == MAP_FAILED ? Mapping() : Mapping(base, bytes);
}

}  // namespace

absl::StatusOr<TwinPool> TwinPool::Create(uint32_t twins) {
  Mapping pages = Reserve(size_t{twins} * kPageBytes);
  Mapping numbers = Reserve(size_t{twins} * sizeof(uint32_t));
  if (pages.base() == nullptr || numbers.base() == nullptr) {
    return absl::ResourceExhaustedError(
        absl::StrCat("no address space for the twins of ", twins, " pages"));
  }
  return TwinPool(std::move(pages), std::move(numbers), twins);
}

uint32_t TwinPool::Acquire() {
  uint32_t fresh = kNone;
  {
    Hold lock(lock_);
    if (returned_ > 0) return static_cast<uint32_t*>(numbers_.base())[--returned_];
    if (never_used_ < twins_) fresh = never_used_++;
  }
  // A twin's first use would be a fault within a fault: one call in 32 sees to it for all of them.
  // (Huge pages are rarer still, but one of them can take milliseconds to be had.) Only a favour.
  if (fresh != kNone && fresh % kAtOnce == 0) {
    madvise(at(fresh), std::min(kAtOnce, twins_ - fresh) * kPageBytes, kPopulateWrite);
  }
  return fresh;
}

void TwinPool::Release(uint32_t twin) {
  Hold lock(lock_);
  static_cast<uint32_t*>(numbers_.base())[returned_++] = twin;
}

}  // namespace farpage::internal

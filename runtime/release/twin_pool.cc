#include "runtime/release/twin_pool.h"

#include <sys/mman.h>

#include <utility>

#include "absl/strings/str_cat.h"

namespace farpage::internal {
namespace {

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
  Hold lock(lock_);
  if (returned_ > 0) return static_cast<uint32_t*>(numbers_.base())[--returned_];
  return never_used_ < twins_ ? never_used_++ : kNone;
}

void TwinPool::Release(uint32_t twin) {
  Hold lock(lock_);
  static_cast<uint32_t*>(numbers_.base())[returned_++] = twin;
}

}  // namespace farpage::internal

// Room for the bytes that pages had before they were written.
#ifndef FARPAGE_RUNTIME_RELEASE_TWIN_POOL_H_
#define FARPAGE_RUNTIME_RELEASE_TWIN_POOL_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/statusor.h"
#include "runtime/engine/region.h"
#include "runtime/spin_lock.h"
#include "transport/lock.h"

namespace farpage::internal {

// A fixed number of pages, whose memory is touched as far as it is used. Thread-safe; signal-safe
// but for Create().
class TwinPool {
 public:
  // RESOURCE_EXHAUSTED if the address space is not to be had.
  static absl::StatusOr<TwinPool> Create(uint32_t twins);

  // A twin's number, or kNone.
  uint32_t Acquire();
  void Release(uint32_t twin);
  std::byte* at(uint32_t twin) const {
    return static_cast<std::byte*>(pages_.base()) + twin * kPageBytes;
  }

  static constexpr uint32_t kNone = UINT32_MAX;

  TwinPool(TwinPool&& other) noexcept
      : pages_(std::move(other.pages_)),
        numbers_(std::move(other.numbers_)),
        twins_(other.twins_) {}

 private:
  TwinPool(Mapping pages, Mapping numbers, uint32_t twins)
      : pages_(std::move(pages)), numbers_(std::move(numbers)), twins_(twins) {}

  Mapping pages_;
  Mapping numbers_;  // a stack of those that were given back
  const uint32_t twins_;
  SpinLock lock_;
  uint32_t returned_ ABSL_GUARDED_BY(lock_) = 0;
  uint32_t never_used_ ABSL_GUARDED_BY(lock_) = 0;  // from this one on
};

}  // namespace farpage::internal

#endif  // FARPAGE_RUNTIME_RELEASE_TWIN_POOL_H_

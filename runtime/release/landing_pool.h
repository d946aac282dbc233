// Registered buffers that pages are read into where peers' frames are not mapped here.
#ifndef FARPAGE_RUNTIME_RELEASE_LANDING_POOL_H_
#define FARPAGE_RUNTIME_RELEASE_LANDING_POOL_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "runtime/memory/pager.h"
#include "runtime/spin_lock.h"
#include "transport/lock.h"
#include "transport/transport.h"

namespace farpage::internal {

// Thread-safe; signal-safe but for Create().
class LandingPool {
 public:
  static constexpr uint32_t kPages = 16;  // of a buffer
  static constexpr uint32_t kBuffers = 16;
  static constexpr uint32_t kNone = UINT32_MAX;

  static absl::StatusOr<std::unique_ptr<LandingPool>> Create(transport::Transport& transport) {
    absl::StatusOr<std::unique_ptr<transport::Memory>> memory =
        transport.Allocate(size_t{kBuffers} * kPages * kPageBytes, "pages on their way");
    if (!memory.ok()) return memory.status();
    return std::unique_ptr<LandingPool>(new LandingPool(*std::move(memory)));
  }

  // A buffer's number, or kNone.
  uint32_t TryTake() {
    Hold lock(lock_);
    return free_count_ == 0 ? kNone : free_[--free_count_];
  }
  void Return(uint32_t buffer) {
    Hold lock(lock_);
    free_[free_count_++] = buffer;
  }

  std::byte* at(uint32_t buffer) const {
    return memory_->data() + size_t{buffer} * kPages * kPageBytes;
  }
  transport::LocalKey key() const { return memory_->local_key(); }

 private:
  explicit LandingPool(std::unique_ptr<transport::Memory> memory) : memory_(std::move(memory)) {
    for (uint32_t buffer = 0; buffer < kBuffers; ++buffer) free_[buffer] = buffer;
  }

  const std::unique_ptr<transport::Memory> memory_;
  SpinLock lock_;
  std::array<uint32_t, kBuffers> free_ ABSL_GUARDED_BY(lock_);
  uint32_t free_count_ ABSL_GUARDED_BY(lock_) = kBuffers;
};

}  // namespace farpage::internal

#endif  // FARPAGE_RUNTIME_RELEASE_LANDING_POOL_H_

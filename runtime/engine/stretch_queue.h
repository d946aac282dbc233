// Stretches of pages that the agent is to fetch ahead of a thread that reads or writes a stream.
#ifndef FARPAGE_RUNTIME_ENGINE_STRETCH_QUEUE_H_
#define FARPAGE_RUNTIME_ENGINE_STRETCH_QUEUE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "farpage/node.h"
#include "runtime/engine/region.h"
#include "runtime/spin_lock.h"
#include "transport/lock.h"

namespace farpage::internal {

struct Stretch {
  Region* region = nullptr;
  uint64_t first = 0;  // index in the region
  uint64_t pages = 0;
  Access access = Access::kRead;
};

// Thread-safe, signal-safe. Few and short-lived: a stretch that is not taken soon has come too
// late.
class StretchQueue {
 public:
  // The oldest goes when there is no room.
  void Push(const Stretch& stretch) {
    const Hold hold(lock_);
    if (count_ == kMost) Drop(0);
    stretches_[count_++] = stretch;
  }

  std::optional<Stretch> Pop() {
    const Hold hold(lock_);
    if (count_ == 0) return std::nullopt;
    const Stretch oldest = stretches_[0];
    Drop(0);
    return oldest;
  }

  // Whoever has come to a stretch before the agent has fetches it on the spot.
  void Remove(const Region& region, uint64_t first) {
    const Hold hold(lock_);
    for (size_t index = 0; index < count_; ++index) {
      if (stretches_[index].region == &region && stretches_[index].first == first) {
        Drop(index);
        return;
      }
    }
  }

 private:
  static constexpr size_t kMost = 8;

  void Drop(size_t index) ABSL_EXCLUSIVE_LOCKS_REQUIRED(lock_) {
    for (--count_; index < count_; ++index) stretches_[index] = stretches_[index + 1];
  }

  SpinLock lock_;
  size_t count_ ABSL_GUARDED_BY(lock_) = 0;
  std::array<Stretch, kMost> stretches_ ABSL_GUARDED_BY(lock_){};
};

}  // namespace farpage::internal

#endif  // FARPAGE_RUNTIME_ENGINE_STRETCH_QUEUE_H_

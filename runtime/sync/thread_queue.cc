#include "runtime/sync/thread_queue.h"

#include "runtime/futex.h"

namespace farpage::internal {
namespace {

constexpr int kShortSpin = 64;

}  // namespace

// Lives on the stack of the thread that waits.
struct ThreadQueue::Waiter {
  static constexpr uint32_t kSpins = 0;
  static constexpr uint32_t kSleeps = 1;
  static constexpr uint32_t kHasIt = 2;
  std::atomic<uint32_t> state{kSpins};
  Waiter* next = nullptr;

  bool HasIt() const { return state.load(std::memory_order_acquire) == kHasIt; }
};

bool ThreadQueue::TryAcquire() {
  Hold lock(lock_);
  if (held_) return false;
  held_ = true;
  return true;
}

bool ThreadQueue::AcquireBy(int64_t deadline_ns) {
  Waiter self;
  {
    Hold lock(lock_);
    if (!held_) {
      held_ = true;
      return true;
    }
    (last_ == nullptr ? first_ : last_->next) = &self;
    last_ = &self;
  }
  for (int turn = 0; turn < kShortSpin; ++turn) {
    if (self.HasIt()) return true;
    SpinPause();
  }
  uint32_t expected = Waiter::kSpins;
  self.state.compare_exchange_strong(expected, Waiter::kSleeps, std::memory_order_acquire);
  while (!self.HasIt()) {
    FutexWait(&self.state, Waiter::kSleeps, deadline_ns);
    if (fabric_.NowNs() < deadline_ns) continue;
    Hold lock(lock_);
    if (self.HasIt()) break;
    Remove(&self);
    return false;
  }
  return true;
}

void ThreadQueue::Remove(Waiter* waiter) {
  Waiter* before = nullptr;
  for (Waiter* at = first_; at != waiter; at = at->next) before = at;
  (before == nullptr ? first_ : before->next) = waiter->next;
  if (last_ == waiter) last_ = before;
}

void ThreadQueue::Release() {
  const std::atomic<uint32_t>* sleeper = nullptr;
  {
    Hold lock(lock_);
    Waiter* const next = first_;
    if (next == nullptr) {
      held_ = false;
      return;
    }
    first_ = next->next;
    if (first_ == nullptr) last_ = nullptr;
    // From here on `next` may be gone; waking a stale address does no harm.
    const std::atomic<uint32_t>* const state = &next->state;
    if (next->state.exchange(Waiter::kHasIt, std::memory_order_acq_rel) == Waiter::kSleeps) {
      sleeper = state;
    }
  }
  if (sleeper != nullptr) FutexWakeAll(sleeper);
}

}  // namespace farpage::internal

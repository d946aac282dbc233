#include "tests/simulation/synchronisation.h"

#include "absl/strings/str_cat.h"
#include "tests/simulation/simulated_node.h"

namespace farpage::simulation {

using internal::Permits;

AnyLock::AnyLock(SimulatedNode& node, LockKind kind, std::string_view name) : kind_(kind) {
  switch (kind) {
    case LockKind::kMutex:
      mutex_ = node.MakeLock(name);
      break;
    case LockKind::kSharedMutex:
      permits_ = node.MakePermits(Permits::Kind::kSharedMutex, name, Permits::kAll);
      break;
    case LockKind::kSemaphore:
      permits_ = node.MakePermits(Permits::Kind::kSemaphore, name, 1);
      break;
  }
}

absl::Status AnyLock::Lock(bool shared) {
  return kind_ == LockKind::kMutex ? mutex_->Lock() : permits_->Acquire(Count(shared));
}

absl::StatusOr<bool> AnyLock::TryLock(bool shared) {
  return kind_ == LockKind::kMutex ? mutex_->TryLock() : permits_->TryAcquire(Count(shared));
}

absl::Status AnyLock::Unlock(bool shared) {
  return kind_ == LockKind::kMutex ? mutex_->Unlock() : permits_->Release(Count(shared));
}

FlagBarrier::FlagBarrier(SimulatedNode& node) : self_(node.id().value()) {
  for (uint32_t id = 0; id < node.size(); ++id) {
    flags_.push_back(node.MakeFlag(absl::StrCat("flag ", id), NodeId(id)));
  }
}

absl::Status FlagBarrier::Wait() {
  for (int lap = 0; lap < 2; ++lap) {
    ++rounds_;
    // The first node begins each lap, once the lap before has come back to it.
    const uint64_t told = self_ == 0 ? rounds_ - 1 : rounds_;
    if (absl::Status heard = own().WaitUntil(told).status(); !heard.ok()) return heard;
    if (absl::Status set = next().Set(rounds_); !set.ok()) return set;
  }
  return absl::OkStatus();
}

}  // namespace farpage::simulation

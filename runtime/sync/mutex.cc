#include "farpage/mutex.h"

#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "runtime/sync/queue_lock.h"
#include "runtime/sync/system_error.h"

namespace farpage {

Mutex::Mutex(std::shared_ptr<internal::QueueLock> lock) : lock_(std::move(lock)) {}

absl::Status Mutex::Lock() { return lock_->Lock(); }

absl::Status Mutex::Unlock() { return lock_->Unlock(); }

void Mutex::lock() {
  absl::Status status = lock_->Lock();
  if (!status.ok()) internal::ThrowSystemError(status);
}

bool Mutex::try_lock() {
  absl::StatusOr<bool> taken = lock_->TryLock();
  if (!taken.ok()) internal::ThrowSystemError(taken.status());
  return *taken;
}

void Mutex::unlock() {
  const absl::Status status = lock_->Unlock();
  if (status.ok()) return;
  std::fprintf(stderr, "farpage: %s\n", std::string(status.message()).c_str());
  if (status.code() == absl::StatusCode::kFailedPrecondition) std::abort();
}

namespace internal {
namespace {

// FNV-1a: the same on every node.
uint64_t HashOf(std::string_view text) {
  uint64_t hash = 0xCBF2'9CE4'8422'2325;
  for (const char letter : text) {
    hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100'0000'01B3;
  }
  return hash;
}

}  // namespace

absl::StatusOr<std::shared_ptr<QueueLock>> QueueLockPool::Make(std::string_view name) {
  absl::Status agreed = cluster_.Agree("mutex", name);
  if (!agreed.ok()) return agreed;
  if (used_ % batch_ == 0) {
    absl::StatusOr<SymmetricMemory> memory =
        cluster_.AllocateSymmetric("mutexes", batch_ * QueueLock::PlaceBytes(cluster_.size()));
    if (!memory.ok()) return memory.status();
    memory_ = std::make_shared<const SymmetricMemory>(*std::move(memory));
    used_ = 0;
  }
  const NodeId home(static_cast<uint32_t>(HashOf(name) % cluster_.size()));
  return std::make_shared<QueueLock>(cluster_, memory_, used_++, home, std::string(name));
}

absl::StatusOr<std::shared_ptr<QueueLock>> MakeQueueLock(Cluster& cluster, std::string_view name) {
  return QueueLockPool(cluster, 1).Make(name);
}

}  // namespace internal
}  // namespace farpage

#include "farpage/shared_mutex.h"

#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

#include "runtime/sync/permits.h"
#include "runtime/sync/system_error.h"

namespace farpage {
namespace {

void ThrowUnlessOk(const absl::Status& status) {
  if (!status.ok()) internal::ThrowSystemError(status);
}

bool TakenOrThrow(const absl::StatusOr<bool>& taken) {
  ThrowUnlessOk(taken.status());
  return *taken;
}

void TellWhy(const absl::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "farpage: %s\n", std::string(status.message()).c_str());
  if (status.code() == absl::StatusCode::kFailedPrecondition) std::abort();
}

constexpr uint64_t kShare = 1;
constexpr uint64_t kAll = internal::Permits::kAll;

}  // namespace

SharedMutex::SharedMutex(std::shared_ptr<internal::Permits> permits)
    : permits_(std::move(permits)) {}

absl::Status SharedMutex::Lock() { return permits_->Acquire(kAll); }
absl::Status SharedMutex::LockShared() { return permits_->Acquire(kShare); }
absl::Status SharedMutex::Unlock() { return permits_->Release(kAll); }
absl::Status SharedMutex::UnlockShared() { return permits_->Release(kShare); }

void SharedMutex::lock() { ThrowUnlessOk(Lock()); }
bool SharedMutex::try_lock() { return TakenOrThrow(permits_->TryAcquire(kAll)); }
void SharedMutex::unlock() { TellWhy(Unlock()); }
void SharedMutex::lock_shared() { ThrowUnlessOk(LockShared()); }
bool SharedMutex::try_lock_shared() { return TakenOrThrow(permits_->TryAcquire(kShare)); }
void SharedMutex::unlock_shared() { TellWhy(UnlockShared()); }

}  // namespace farpage

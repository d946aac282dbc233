#include "farpage/semaphore.h"

#include <utility>

#include "runtime/sync/permits.h"

namespace farpage {

Semaphore::Semaphore(std::shared_ptr<internal::Permits> permits) : permits_(std::move(permits)) {}

absl::Status Semaphore::Acquire() { return permits_->Acquire(1); }
absl::StatusOr<bool> Semaphore::TryAcquire() { return permits_->TryAcquire(1); }
absl::Status Semaphore::Release(uint64_t permits) { return permits_->Release(permits); }

}  // namespace farpage

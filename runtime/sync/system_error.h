// Errors of calls that throw, because the standard gives them no place for a status.
#ifndef FARPAGE_RUNTIME_SYNC_SYSTEM_ERROR_H_
#define FARPAGE_RUNTIME_SYNC_SYSTEM_ERROR_H_

#include "absl/status/status.h"

namespace farpage::internal {

// Throws std::system_error with the message of `status`, which is not OK: host_unreachable for
// UNAVAILABLE, timed_out for DEADLINE_EXCEEDED, operation_not_permitted for FAILED_PRECONDITION,
// io_error for all others.
[[noreturn]] void ThrowSystemError(const absl::Status& status);

}  // namespace farpage::internal

#endif  // FARPAGE_RUNTIME_SYNC_SYSTEM_ERROR_H_

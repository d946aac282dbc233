#include "runtime/sync/system_error.h"

#include <string>
#include <system_error>

namespace farpage::internal {
namespace {

std::errc CodeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
      return std::errc::host_unreachable;
    case absl::StatusCode::kDeadlineExceeded:
      return std::errc::timed_out;
    case absl::StatusCode::kFailedPrecondition:
      return std::errc::operation_not_permitted;
    default:
      return std::errc::io_error;
  }
}

}  // namespace

void ThrowSystemError(const absl::Status& status) {
  throw std::system_error(std::make_error_code(CodeOf(status)), std::string(status.message()));
}

}  // namespace farpage::internal

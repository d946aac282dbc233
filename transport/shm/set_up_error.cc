#include "transport/shm/set_up_error.h"

#include <sys/resource.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"

namespace farpage::transport::shm {
namespace {

std::string SoftLimit(int resource) {
  rlimit limit{};
  ::getrlimit(static_cast<__rlimit_resource>(resource), &limit);
  return limit.rlim_cur == RLIM_INFINITY ? "unlimited" : absl::StrCat(limit.rlim_cur);
}

}  // namespace

absl::Status SetUpError(std::string_view call) {
  const int error = errno;
  std::string message = absl::StrCat(std::string(call), ": ", std::strerror(error));
  if (error == EMFILE) {
    absl::StrAppend(&message, "; a node needs 2 descriptors per peer and 16 more, the limit is ",
                    SoftLimit(RLIMIT_NOFILE), " (ulimit -n)");
  } else if (error == ENOMEM) {
    absl::StrAppend(&message, "; the limit of address space is ", SoftLimit(RLIMIT_AS),
                    " bytes (ulimit -v); ShmOptions::reserve_bytes sets what a node reserves");
  }
  if (error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOSPC) {
    return absl::ResourceExhaustedError(message);
  }
  return absl::FailedPreconditionError(message);
}

}  // namespace farpage::transport::shm

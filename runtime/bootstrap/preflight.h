// What can be known to fail before any node is started.
#ifndef FARPAGE_RUNTIME_BOOTSTRAP_PREFLIGHT_H_
#define FARPAGE_RUNTIME_BOOTSTRAP_PREFLIGHT_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace farpage::bootstrap {

// The file that a shell would run for `program`: as it is if there is a slash in it, else searched
// in PATH. NOT_FOUND; PERMISSION_DENIED (not executable, or a directory).
absl::StatusOr<std::string> FindProgram(const std::string& program);

// INVALID_ARGUMENT with the known ones for an unknown transport; FAILED_PRECONDITION if there is
// nothing here for it to run on. `device_directory` is where the kernel lists RDMA devices.
absl::Status CheckTransport(std::string_view transport,
                            const std::string& device_directory = "/sys/class/infiniband");

// INVALID_ARGUMENT with the bounds.
absl::Status CheckNodeCount(int64_t nodes);

}  // namespace farpage::bootstrap

#endif  // FARPAGE_RUNTIME_BOOTSTRAP_PREFLIGHT_H_
